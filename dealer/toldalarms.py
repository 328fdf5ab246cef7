"""Alarms as Players and dashboards tell them, for whoever lists them: their order, who looks after them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["alarm_rank", "signature"]

_PHASES = ("new", "acknowledged", "gone")


def alarm_rank(told: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a key for sorting: the worst first, what is shelved last."""
    phase = told["phase"]
    return (
        told["shelved"] is not None,
        _PHASES.index(phase) if phase in _PHASES else len(_PHASES),
        told["severity"] != "fault",
        told["bank"],
        told["name"],
    )


def signature(signed: Mapping[str, Any] | None) -> str:
    """Return who acknowledged or shelved an alarm, with the note; empty: nobody."""
    if signed is None:
        return ""
    return f"{signed['by']}: {signed['note']}" if signed["note"] else str(signed["by"])
