"""One call to many Banks: send all, then receive; an outcome for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from dealer.errors import ClosedError, NotExportedError, PlayersError
from dealer.outcome import Outcome, Outcomes, Values
from groundwork.values import RemoteValue
from zmqjsonproxy import CallResult, InterfaceDescription, MethodDescription
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.hubs import BlockingHub, Hub, KnownServer, run

if TYPE_CHECKING:
    from zmqjsonproxy import ThreadHub

__all__ = ["BankCalls", "Descriptions", "describe", "fan_out", "outcome_of", "similar_names"]

Descriptions = dict[str, InterfaceDescription | Exception]
"""Bank -> what it exports, or why that is not known."""

DESCRIBE_WITHIN_S = 1.0

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


class BankCalls:
    """Calls to many Banks at once, and what each of them exports.

    Args:
        hub: Makes the calls.
        urls: Bank -> URL.

    Attributes:
        is_closed: Nothing is asked any more.
    """

    def __init__(self, hub: Hub, urls: Mapping[str, str]) -> None:
        self.hub, self.urls, self.is_closed = hub, dict(urls), False
        self._described: dict[str, InterfaceDescription] = {}
        self._peers: dict[str, KnownServer] = {}

    def native(self, banks: Iterable[str]) -> list[str]:
        """Return those of the Banks whose Players are known to be ours."""
        return [bank for bank in banks if self.hub.is_native(self.urls[bank])]

    async def outcomes(
        self,
        method: str,
        banks: Sequence[str],
        timeout: float,
        args: Sequence[RemoteValue] = (),
        kwargs: Mapping[str, RemoteValue] | None = None,
    ) -> Outcomes:
        """Ask every Bank, whatever the others answer; Bank -> outcome, in their order.

        Args:
            method: Of the Banks, or one of another object (`rpc.ping`).
            banks: Names.
            timeout: Common deadline, s.
            args: Positional arguments.
            kwargs: Keyword arguments.
        """
        if self.is_closed:
            raise ClosedError(method)
        object_name, _, name = method.rpartition(".")
        urls = [self.urls[bank] for bank in banks]
        results = await self.hub.call_each(urls, object_name or "bank", name, args, kwargs, timeout)
        outcomes = map(outcome_of, banks, repeat(method), results)
        return Outcomes(zip(banks, outcomes, strict=True))

    async def values(
        self,
        method: str,
        banks: Sequence[str],
        timeout: float,
        args: Sequence[RemoteValue] = (),
        kwargs: Mapping[str, RemoteValue] | None = None,
    ) -> dict[str, RemoteValue]:
        """Call a method that all of them export; Bank -> value. Arguments as those of `outcomes`.

        Raises:
            NotExportedError: Some lack it; nothing was sent.
            PlayersError: Some failed.
        """
        known, peers = self._described, self._peers
        for bank in banks:
            if (
                bank not in known
                or method not in known[bank].methods
                or known[bank].generation != peers[bank].generation
            ):
                await self.check_exported(method, banks)
                break
        return all_values(method, await self.outcomes(method, banks, timeout, args, kwargs))

    async def descriptions(
        self, banks: Sequence[str], *, afresh: bool = False, timeout: float = DESCRIBE_WITHIN_S
    ) -> Descriptions:
        """Return what Banks export, asked again of those whose Player is known to be another by
        now, or `afresh` of all."""
        known, peers, urls = self._described, self._peers, self.urls
        stale = [
            bank
            for bank in banks
            if afresh or bank not in known or known[bank].generation != peers[bank].generation
        ]
        found: Descriptions = {}
        if stale and not self.is_closed:
            results = await self.hub.describe_many([urls[bank] for bank in stale], "bank", timeout)
            for bank, result in zip(stale, results, strict=True):
                found[bank] = result.value if result.error is None else result.error
                if result.error is None:
                    known[bank], peers[bank] = result.value, self.hub.peer(urls[bank])
        return {
            bank: found.get(bank) or known[bank] for bank in banks if bank in found or bank in known
        }

    async def exporting(
        self, banks: Sequence[str], *methods: str, afresh: bool = False
    ) -> dict[str, InterfaceDescription]:
        """Return those of the Banks that export all these methods, as far as they can be asked, with
        what they export."""
        return {
            bank: description
            for bank, description in (await self.descriptions(banks, afresh=afresh)).items()
            if isinstance(description, InterfaceDescription)
            and description.methods.keys() >= set(methods)
        }

    async def check_exported(self, method: str, banks: Sequence[str]) -> MethodDescription | None:
        """Return what one of the Banks says of a method; NotExportedError names all that lack it.

        A Bank that cannot be asked does not lack it: the call itself will tell what is the matter
        with its Player.
        """
        lacking: list[str] = []
        known: list[str] = []
        for afresh in (False, True):  # a Player may have been restarted with more methods
            described = await self.exporting(banks, afresh=afresh)
            lacking = [bank for bank, each in described.items() if method not in each.methods]
            if not lacking:
                return next((each.methods[method] for each in described.values()), None)
            known = [name for bank in lacking for name in described[bank].methods]
        why = dict.fromkeys(lacking, "has no such method")
        raise NotExportedError(method, why, similar_names(method, known))


def all_values(action: str, outcomes: Mapping[str, Outcome]) -> dict[str, RemoteValue]:
    """Return Bank -> value; PlayersError if there is one with an error."""
    if any(o.error is not None for o in outcomes.values()):
        raise PlayersError(action, outcomes)
    return Values((bank, o.value) for bank, o in outcomes.items())


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


def fan_out(
    hub: ThreadHub,
    urls: Mapping[str, str],
    method: str,
    args: Sequence[RemoteValue],
    kwargs: Mapping[str, RemoteValue],
    timeout: float,
) -> Outcomes:
    """Call a method of all Banks at once, and wait; arguments as those of `BankCalls`."""
    calls = BankCalls(BlockingHub(hub), urls)
    return run(calls.outcomes(method, list(urls), timeout, args, kwargs))


def describe(
    hub: ThreadHub, urls: Mapping[str, str], timeout: float = DESCRIBE_WITHIN_S
) -> Descriptions:
    """Ask all Banks what they export, and wait: Bank -> description, or why there is none."""
    return run(BankCalls(BlockingHub(hub), urls).descriptions(list(urls), timeout=timeout))


def similar_names(method: str, known: Sequence[str]) -> list[str]:
    """Return the names of methods that a misspelt one may have meant, best first."""
    import difflib  # only when something is wrong

    return difflib.get_close_matches(method, dict.fromkeys(known), n=2, cutoff=0.75)
