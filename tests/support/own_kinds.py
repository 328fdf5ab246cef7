"""Kinds of Banks that are no spectrometer: one that says nothing of itself, one that says all it
can."""

from __future__ import annotations

from typing import Any

import numpy as np

from player.bank import Bank
from player.findings import Finding
from zmqjsonproxy.interface import command, operation, query

__all__ = ["Camera", "Weather"]


class Weather(Bank):
    """Has nothing of a spectrometer but a method of the name `stop`."""

    @query
    def values(self) -> dict[str, Any]:
        """Return what JSON has no form of its own for."""
        return {
            "array": np.arange(2000.0),
            "bytes": b"\x00\xff",
            "numbers": [float("nan"), float("inf"), 1e308],
        }

    @command
    def stop(self) -> None:
        """Stop the fan."""


class Camera(Bank):
    """Has a state of its own, status keys and troubles."""

    frames = 3

    @query
    def get_overview(self) -> dict[str, Any]:
        """Return frames and shutter."""
        return {"frames": self.frames, "shutter": None}

    @query
    def get_findings(self) -> list[dict[str, str]]:
        """Return that the sensor is warm; fails without frames."""
        warm = Finding(
            "cooler", f"the sensor is warm, after {6 // self.frames} frames", "fill nitrogen in"
        )
        return [warm.describe()]

    @query
    def get_status(self) -> dict[str, Any]:
        """Return all there is, without a choice of keys."""
        return {"FRAMES": self.frames, "GAIN": 2.5}

    @operation
    def expose(self, seconds: float) -> None:
        """Expose."""
