"""One call to many Banks: send all, then receive; an outcome for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dealer.outcome import Outcome, Outcomes
from zmqjsonproxy import CallResult, Hub, InterfaceDescription
from zmqjsonproxy.errors import RefusedError

__all__ = ["Descriptions", "ManyCalls", "ManyDescriptions", "describe", "fan_out", "similar_names"]

Descriptions = dict[str, InterfaceDescription | Exception]
"""Bank -> what it exports, or why that is not known."""

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
"""Methods that answer [true, ...]; a Player of the original says [false, text] where ours
refuse."""


@dataclass(frozen=True, slots=True)
class ManyCalls:
    """One call to many Banks, for whichever client makes it; every Bank is asked, whatever the
    others answer.

    Attributes:
        urls: Bank -> URL.
        method: Of the Banks, or one of the server's own (`rpc.ping`).
        args: Positional arguments.
        kwargs: Keyword arguments.
        timeout: Common deadline, s.
    """

    urls: Mapping[str, str]
    method: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    timeout: float

    def on(self, hub: Any) -> Any:
        """What `call_each` of a hub returns: results, or of an AsyncHub what is to be awaited for
        them."""
        name = self.method if "." in self.method else f"bank.{self.method}"
        object_name, _, method = name.rpartition(".")
        return hub.call_each(
            self.urls.values(), object_name, method, self.args, self.kwargs, self.timeout
        )

    def read(self, results: Sequence[CallResult]) -> Outcomes:
        """Bank -> outcome, in the order of `urls`."""
        found = zip(self.urls, results, strict=True)
        return Outcomes((bank, outcome_of(bank, self.method, result)) for bank, result in found)


@dataclass(frozen=True, slots=True)
class ManyDescriptions:
    """The question to many Banks what they export; attributes as those of ManyCalls."""

    urls: Mapping[str, str]
    timeout: float = 1.0

    def on(self, hub: Any) -> Any:
        """As `ManyCalls.on`, of `describe_many`."""
        return hub.describe_many(list(self.urls.values()), "bank", self.timeout)

    def read(self, results: Sequence[CallResult]) -> Descriptions:
        """Bank -> description, or why there is none."""
        return {
            bank: r.value if r.error is None else r.error
            for bank, r in zip(self.urls, results, strict=True)
        }


def fan_out(
    hub: Hub,
    urls: Mapping[str, str],
    method: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    timeout: float,
) -> Outcomes:
    """Call a method of all Banks at once; arguments as ManyCalls. Bank -> outcome, in the order of
    `urls`."""
    calls = ManyCalls(urls, method, args, kwargs, timeout)
    return calls.read(calls.on(hub))


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


def describe(hub: Hub, urls: Mapping[str, str], timeout: float = 1.0) -> Descriptions:
    """Ask all Banks what they export: Bank -> description, or why there is none."""
    questions = ManyDescriptions(urls, timeout)
    return questions.read(questions.on(hub))


def similar_names(method: str, known: Sequence[str]) -> list[str]:
    """Return the names of methods that a misspelt one may have meant, best first."""
    import difflib  # only when something is wrong

    return difflib.get_close_matches(method, dict.fromkeys(known), n=2, cutoff=0.75)
