"""Clocks of Players against ours, by what they answer to a ping."""

from __future__ import annotations

from collections.abc import Mapping

from commandline import Finding
from dealer.start import ClockOffset
from groundwork.values import JsonValue

__all__ = ["CLOCK_NOTE_S", "CLOCK_WRONG_S", "clock_finding", "offset_of"]

CLOCK_NOTE_S = 0.1
CLOCK_WRONG_S = 1.0
"""A start is refused beyond that, s; as a Dealer does by default."""


def offset_of(ping: JsonValue, asked: float, delay_s: float) -> ClockOffset | None:
    """Return the clock of a Player against ours; None: its answer has no time.

    Args:
        ping: Its answer to `rpc.ping`.
        asked: When it was asked, UTC, unix seconds.
        delay_s: From asking to the answer, s.
    """
    if not isinstance(ping, Mapping):
        return None
    half = delay_s / 2
    try:
        return ClockOffset(float(ping["time"]) - asked - half, half)
    except (KeyError, TypeError, ValueError):
        return None


def clock_finding(bank: str, offset: ClockOffset) -> Finding | None:
    """Return what to say of a clock that is certainly more than 0.1 s away from ours."""
    if not offset.is_beyond(CLOCK_NOTE_S):
        return None
    way = "ahead of" if offset.offset_s > 0 else "behind"
    text = f"its clock is {abs(offset.offset_s):.3f} s {way} ours"
    remedy = "let NTP or PTP set the clocks of both hosts (chronyc tracking shows it)"
    return Finding("clock", text, remedy, bank)
