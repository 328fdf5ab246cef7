"""One call to many Banks: send all, then receive; an outcome for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dealer.outcome import Outcome, Outcomes
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.rpc.hub import CallResult, Hub, InterfaceDescription

__all__ = ["describe", "fan_out", "similar_names"]

PAIR_METHODS = frozenset(
    {
        "abort",
        "add_switching_state",
        "arm",
        "clear_switching_states",
        "commit",
        "disarm_start",
        "earliest_start",
        "monitor",
        "scan_status",
        "set_gbt_ss",
        "set_mode",
        "set_param",
        "start",
        "stop",
    }
)
"""Methods that answer [true, ...]; a Player of the original says [false, text] where ours refuse."""


def fan_out(
    hub: Hub, urls: Mapping[str, str], method: str, args: Sequence[Any], kwargs: Mapping[str, Any], timeout: float
) -> Outcomes:
    """Call `bank.<method>` of all Banks at once; every Bank is asked, whatever the others answer.

    Args:
        hub: The socket.
        urls: Bank -> URL.
        method: Of the Bank, or one of the server's own (`rpc.ping`).
        args: Positional arguments.
        kwargs: Keyword arguments.
        timeout: Common deadline, s.

    Returns:
        Bank -> outcome, in the order of `urls`.
    """
    object_name, _, name = f"bank.{method}".rpartition(".") if "." not in method else method.rpartition(".")
    results = hub.call_each(urls.values(), object_name, name, args, kwargs, timeout)
    return Outcomes((bank, outcome_of(bank, method, result)) for bank, result in zip(urls, results, strict=True))


def outcome_of(bank: str, method: str, result: CallResult) -> Outcome:
    """Return what a Bank's answer to one of its methods means."""
    if result.error is not None:
        return Outcome(bank, None, result.error, result.delay_s)
    value = result.value
    if method in PAIR_METHODS and isinstance(value, list) and value and isinstance(value[0], bool):
        if not value[0] and len(value) == 2 and isinstance(value[1], str):
            return Outcome(bank, None, RefusedError(value[1], method=method), result.delay_s)
        value = tuple(value)
    return Outcome(bank, value, None, result.delay_s)


def describe(hub: Hub, urls: Mapping[str, str], timeout: float = 1.0) -> dict[str, InterfaceDescription | Exception]:
    """Ask all Banks what they export: Bank -> description, or why there is none."""
    results = hub.describe_many(list(urls.values()), "bank", timeout)
    return {bank: r.value if r.error is None else r.error for bank, r in zip(urls, results, strict=True)}


def similar_names(method: str, known: Sequence[str]) -> list[str]:
    """Return the names of methods that a misspelt one may have meant, best first."""
    import difflib  # only when something is wrong

    return difflib.get_close_matches(method, dict.fromkeys(known), n=2, cutoff=0.75)
