"""Kinds of Banks that are no spectrometer: one that says nothing of itself, one that says all it
can, one that publishes."""

from __future__ import annotations

from typing import Any

import numpy as np

from player.bank import Bank
from player.findings import Finding
from zmqjsonproxy import RefusedError
from zmqjsonproxy.channels import message, pipe, published
from zmqjsonproxy.channels.properties import table_of
from zmqjsonproxy.interface import command, operation, query

__all__ = ["Camera", "Supply", "Weather"]


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


class Supply(Bank):
    """Publishes properties of each kind, as it is told to."""

    voltage = published(0.0, unit="V", doc="Voltage at the terminals.")
    limit = published(30.0, unit="V", doc="Highest voltage that is taken.", writable=True)
    label = published("spare", doc="Text on its front.", writable=True)
    tripped = message(doc="The output was switched off.")
    trace = pipe(unit="V", x_unit="s", doc="Voltage while it settles.")

    @limit.checked_by
    def _check_limit(self, volts: float) -> float:
        if not 0 <= volts <= 60:
            raise RefusedError(f"limit is {volts:g}; expected 0 to 60 V")
        return round(volts, 1)

    @command
    def publish(self, name: str, value: Any) -> None:
        """Publish a value, of a property that is made if need be."""
        table_of(self).publish(name, value)

    @command
    def send_frames(self, count: int, points: int) -> None:
        """Publish frames."""
        for number in range(count):
            self.trace(np.arange(points) + float(number), x_start=1.0, x_delta=0.5)
