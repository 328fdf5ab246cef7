"""States of a Bank's data taking, and who may commit a start in which of them. Values only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto

from spectrometer.observing.scanplan import ScanPlan, StartRequest

__all__ = ["COMMIT_BEFORE_S", "ScanState", "commit_refusal"]

COMMIT_BEFORE_S = 1.0
"""Before the start; after that it is too late."""


class ScanState(StrEnum):
    """State of the data taking."""

    IDLE = auto()
    STARTING = auto()
    ARMED = auto()
    WAITING = auto()
    RUNNING = auto()
    ENDING = auto()
    MONITOR = auto()

    @property
    def is_scan(self) -> bool:
        """A scan was accepted and has not ended."""
        return self not in (ScanState.IDLE, ScanState.MONITOR)

    @property
    def is_start(self) -> bool:
        """It has not become a scan yet."""
        return self in (ScanState.STARTING, ScanState.ARMED, ScanState.WAITING)


def commit_refusal(
    state: ScanState,
    request: StartRequest,
    plan: ScanPlan | None,
    start: datetime,
    start_id: str,
    left: float,
) -> str:
    """Return why a start cannot be committed; empty if it can, or has been.

    Args:
        state: Of the data taking.
        request: The start that there is.
        plan: Its scan; None: it has none yet.
        start: The second that is to be committed, UTC.
        start_id: Identity of the start that is to be committed.
        left: Seconds to the start that there is.
    """
    is_ours = request.is_called(start_id)
    is_going = state in (ScanState.WAITING, ScanState.RUNNING) and request.two_phase
    if is_going and is_ours and plan is not None and plan.start == start:
        return ""
    if state is not ScanState.ARMED or plan is None:
        held = f", by {request.by}" if state.is_scan else ""
        return f"no start is armed; the state is {state}{held}"
    if plan.start != start:
        return f"armed for {plan.start:%H:%M:%S} UTC, not for {start:%H:%M:%S}, by {request.by}"
    if not is_ours:
        return f"the start that is armed for {plan.start:%H:%M:%S} UTC is that of {request.by}"
    return f"too late to commit for {plan.start:%H:%M:%S} UTC" if left < COMMIT_BEFORE_S else ""
