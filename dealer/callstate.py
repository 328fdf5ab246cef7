"""State of a call, asked of its Player by the identity of the call, and then of the journal
there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from dealer.errors import PlayersError
from dealer.fanout import BankCalls
from dealer.outcome import Outcome
from groundwork.values import RemoteValue
from zmqjsonproxy import CallRequest
from zmqjsonproxy.callstate import CallState
from zmqjsonproxy.errors import ProxyError, RemoteError

__all__ = ["ask_states", "identities"]

_FAILED = ("failed", "refused", "aborted", "not begun")
"""Outcomes in a journal."""


def identities(call: str | BaseException, urls: Mapping[str, str]) -> dict[str, str] | None:
    """Return Bank -> identity of the calls that an error is about; None: it is one identity.

    Args:
        call: An identity, or a CallTimeoutError, PeerLostError, or PlayersError with such.
        urls: Bank -> URL.

    Raises:
        ValueError: The error tells of no call that was sent.
    """
    if isinstance(call, str):
        return None
    errors: dict[str, BaseException | None] = {}
    if isinstance(call, PlayersError):
        errors = {bank: outcome.error for bank, outcome in call.failed.items()}
    elif peer := getattr(call, "peer", ""):
        errors = {bank: call for bank, url in urls.items() if url == peer}
    found = {bank: str(getattr(error, "call_id", "")) for bank, error in errors.items()}
    sent = {bank: call_id for bank, call_id in found.items() if call_id}
    if not sent:
        raise ValueError(f"outcome_of: {type(call).__name__} tells of no call that was sent")
    return sent


async def ask_states(
    calls: BankCalls, call_ids: Mapping[str, str], timeout: float
) -> dict[str, CallState]:
    """Ask Players what became of calls; Bank -> state.

    Args:
        calls: To their Banks.
        call_ids: Bank -> identity.
        timeout: s.

    Raises:
        PlayersError: Some cannot be asked.
    """
    told = await _ask(calls, "rpc", "outcome", call_ids, timeout)
    failed = {
        bank: Outcome(bank, None, told[bank])
        for bank in call_ids
        if isinstance(told[bank], ProxyError)
    }
    if failed:
        raise PlayersError("outcome_of", failed)
    states = {bank: CallState.read(told[bank], calls.urls[bank]) for bank in call_ids}
    unknown = {bank: call_ids[bank] for bank, each in states.items() if each.state == "unknown"}
    if unknown:
        entries = await _ask(calls, "journal", "find", unknown, timeout)
        for bank, entry in entries.items():
            if isinstance(entry, dict):  # else it has no journal, or no such entry
                states[bank] = _of_journal(entry) or states[bank]
    return states


async def _ask(
    calls: BankCalls, object_name: str, method: str, call_ids: Mapping[str, str], timeout: float
) -> dict[str, RemoteValue]:
    """Call a method with an identity; Bank -> value or ProxyError."""
    requests = [
        CallRequest(calls.urls[bank], object_name, method, (call_id,))
        for bank, call_id in call_ids.items()
    ]
    results = await calls.hub.call_many(requests, timeout)
    return {
        bank: result.value if result.error is None else result.error
        for bank, result in zip(call_ids, results, strict=True)
    }


def _of_journal(entry: Mapping[str, RemoteValue]) -> CallState | None:
    """Return what a journal says; None: it does not know either."""
    when = f"{datetime.fromtimestamp(float(entry['time']), UTC):%Y-%m-%d %H:%M:%S} UTC"
    text = f"by the journal: {entry['method']} at {when}, {entry['outcome']}"
    if entry["outcome"] == "done":
        return CallState(state="done", text=f"{text}; its value is not kept")
    if entry["outcome"] in _FAILED:
        error = RemoteError(str(entry["error"] or entry["outcome"]), str(entry["text"]))
        return CallState(state="failed", error=error, text=text)
    if entry["outcome"] == "unknown":
        text += ": it ran when its Player ended"
    return CallState(state="unknown", text=text)
