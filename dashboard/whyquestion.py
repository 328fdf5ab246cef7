"""Question why a Bank is not ready, with what the dashboard knows already."""

from __future__ import annotations

from dashboard.hub import ArrayHub
from dashboard.protocol.liveness import LivenessState
from dealer.why import ArrayQuestion

__all__ = ["why_question"]

WITHIN_S = 3.0
_SILENT = (LivenessState.STALE, LivenessState.LOST)


def why_question(hub: ArrayHub, bank: str, *, is_ours: bool) -> ArrayQuestion:
    """Return the question for one Bank.

    Args:
        hub: Of the array.
        bank: The Bank.
        is_ours: Whoever asks has control of it.
    """
    array, liveness = hub.array, hub.states[bank].liveness
    return ArrayQuestion(
        urls={bank: array.urls[bank]},
        installation=array.installation,
        timeout=WITHIN_S,
        ours=(bank,) if is_ours else (),
        silent_since={bank: liveness.since} if liveness.state in _SILENT else {},
    )
