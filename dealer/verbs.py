"""The verbs of a Dealer as steps, but for those of scans: who is asked what, and what the answers
mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dealer.errors import ClosedError, NotExportedError, PlayersError
from dealer.fanout import Descriptions, ManyCalls, ManyDescriptions, similar_names
from dealer.outcome import Outcome, Outcomes, Values
from dealer.roster import Roster
from zmqjsonproxy import InterfaceDescription, MethodDescription
from zmqjsonproxy.rpc.proxy import call_timeout
from zmqjsonproxy.rpc.steps import Steps

__all__ = [
    "add_switching_state",
    "check_exported",
    "clear_switching_states",
    "common_methods",
    "descriptions",
    "exported",
    "exporting",
    "get_mode",
    "get_param",
    "get_status",
    "help_param",
    "increment_scan_number",
    "list_modes",
    "monitor",
    "outcomes",
    "prepare",
    "scan_status",
    "set_gbt_ss",
    "set_mode",
    "set_param",
    "set_scan_number",
    "set_status",
    "stop",
    "values",
]

SET_MODE_TIMEOUT = 120.0
"""The original's, s."""

# asking


def outcomes(
    d: Roster[Any],
    method: str,
    /,
    *args: Any,
    _timeout: float | None = None,
    _banks: Iterable[str] | None = None,
    **kwargs: Any,
) -> Steps[Outcomes]:
    """Call a method of all active Banks; Bank -> outcome, with value or error, and delay. Raises
    for none.

    Args:
        method: Of the Banks.
        *args: Its positional arguments.
        _timeout: Common deadline, s.
        _banks: Ask these instead of the active ones.
        **kwargs: Its keyword arguments.
    """
    if d._closed:
        raise ClosedError(method)
    if _banks is None:
        names = d._active(method)
    else:
        names = list(_banks)
        d._check_names(names)
    urls = {name: d._urls[name] for name in names}
    within = call_timeout(d.timeout if _timeout is None else _timeout)
    found: Outcomes = yield ManyCalls(urls, method, args, kwargs, within)
    return found


def values(
    d: Roster[Any],
    method: str,
    /,
    *args: Any,
    _timeout: float | None = None,
    _banks: Iterable[str] | None = None,
    **kwargs: Any,
) -> Steps[dict[str, Any]]:
    """Call a method that all of them export; Bank -> value. As `outcomes`.

    Raises:
        NotExportedError: Some lack it; nothing was sent.
        PlayersError: Some failed.
    """
    names = d._active(method) if _banks is None else list(_banks)
    yield from check_exported(d, method, names)
    found = yield from outcomes(d, method, *args, _timeout=_timeout, _banks=names, **kwargs)
    return _all_values(method, found)


def descriptions(
    d: Roster[Any], names: Sequence[str], *, afresh: bool = False
) -> Steps[Descriptions]:
    """What Banks export, asked again of those whose Player is known to be another by now, or
    `afresh` of all."""
    known, generation, urls = d._described, d._hub.generation, d._urls
    stale = {
        n: urls[n]
        for n in names
        if afresh or n not in known or known[n].generation != generation(urls[n])
    }
    found: Descriptions = {}
    if stale and not d._closed:
        found = yield ManyDescriptions(stale)
        known.update(
            (name, new) for name, new in found.items() if isinstance(new, InterfaceDescription)
        )
    return {n: found[n] if n in found else known[n] for n in names if n in found or n in known}


def exporting(d: Roster[Any], names: Sequence[str], *methods: str) -> Steps[list[str]]:
    """Return those of the Banks that export all these methods."""
    found = yield from descriptions(d, names)
    return [
        bank
        for bank, description in found.items()
        if isinstance(description, InterfaceDescription)
        and description.methods.keys() >= set(methods)
    ]


def check_exported(
    d: Roster[Any], method: str, names: Sequence[str]
) -> Steps[MethodDescription | None]:
    """Return what one of the Banks says of a method; NotExportedError names all that lack it.

    A Bank that cannot be asked does not lack it: the call itself will tell what is the matter with
    its Player.
    """
    lacking: dict[str, InterfaceDescription] = {}
    for afresh in (False, True):  # a Player may have been restarted with more methods
        found: MethodDescription | None = None
        lacking = {}
        described = yield from descriptions(d, names, afresh=afresh)
        for bank, description in described.items():
            if isinstance(description, InterfaceDescription):
                if method in description.methods:
                    found = found or description.methods[method]
                else:
                    lacking[bank] = description
        if not lacking:
            return found
    similar = similar_names(
        method, [name for description in lacking.values() for name in description.methods]
    )
    raise NotExportedError(method, dict.fromkeys(lacking, "has no such method"), similar)


def exported(d: Roster[Any], method: str) -> Steps[MethodDescription]:
    """Return what is known of a method of all active Banks; NotExportedError as `check_exported`,
    or if none is active.

    Where no Bank can be asked, its name is all: the call itself will tell what is the matter with
    their Players.
    """
    names = list(d.players)
    if not names:
        raise NotExportedError(method, {})
    found = yield from check_exported(d, method, names)
    return found or MethodDescription(method)


def common_methods(d: Roster[Any]) -> Steps[set[str]]:
    """Return the names of the methods that all active Banks export, as far as they can be asked."""
    described = yield from descriptions(d, list(d.players), afresh=True)
    known = [
        set(each.methods) for each in described.values() if isinstance(each, InterfaceDescription)
    ]
    return set.intersection(*known) if known else set()


# modes and parameters


def set_mode(
    d: Roster[Any], mode: str, bandwidth: float | None = None, force: bool = False
) -> Steps[dict[str, Any]]:
    """Select a mode; Bank -> (True, text).

    Args:
        mode: Name of a mode.
        bandwidth: Valon frequency, MHz; None or False keeps the mode's.
        force: Load the mode even if it is set already.
    """
    bandwidth = None if bandwidth is False else bandwidth
    return values(d, "set_mode", mode, bandwidth, force, _timeout=SET_MODE_TIMEOUT)


def get_mode(d: Roster[Any]) -> Steps[tuple[bool, Any]]:
    """Return (True, mode) if all active Banks agree, else (False, {Bank: mode}); mode is None if
    none is set."""
    modes = yield from values(d, "get_mode")
    first = next(iter(modes.values()))
    return (True, first) if all(m == first for m in modes.values()) else (False, modes)


def list_modes(d: Roster[Any]) -> Steps[list[str]]:
    """Return the modes that all active Banks have."""
    lists = yield from values(d, "list_modes")
    first, *others = lists.values()
    return [mode for mode in first if all(mode in other for other in others)]


def set_param(d: Roster[Any], /, **kvpairs: Any) -> Steps[dict[str, Any]]:
    """Set parameters of the mode, all of them, in each Bank; Bank -> True, for several {name:
    True}."""
    banks = d._active("set_param")
    yield from check_exported(d, "set_param", banks)
    described = yield from descriptions(d, banks)
    native = [
        bank
        for bank, each in described.items()
        if isinstance(each, InterfaceDescription) and each.native
    ]
    if len(kvpairs) == 1 or len(native) == len(banks):
        return (yield from values(d, "set_param", **kvpairs))
    # Players of the original set the first of several and are silent about the others: one at a
    # time for them.
    found = Outcomes()
    if native:
        found = yield from outcomes(d, "set_param", _banks=native, **kvpairs)
    old = [bank for bank in banks if bank not in native]
    single: list[Outcomes] = []
    for key, value in kvpairs.items():
        single.append((yield from outcomes(d, "set_param", _banks=old, **{key: value})))
    for bank in old:
        failed = next((o[bank] for o in single if o[bank].error is not None), None)
        found[bank] = failed or Outcome(
            bank, {k: o[bank].value for k, o in zip(kvpairs, single, strict=True)}
        )
    return _all_values("set_param", {bank: found[bank] for bank in banks})


def get_param(d: Roster[Any], name: str | None = None) -> Steps[dict[str, Any]]:
    """Return one parameter, or all of them, of each Bank."""
    return values(d, "get_param", name)


def help_param(d: Roster[Any], name: str | None = None) -> Steps[Any]:
    """Return the help text of one parameter, or of all; the first active Bank answers for all."""
    first = d._active("help_param")[0]
    found = yield from values(d, "help_param", name, _banks=[first])
    return found[first]


def prepare(d: Roster[Any]) -> Steps[dict[str, Any]]:
    """Compute what depends on the parameters, and send everything to the hardware."""
    return values(d, "prepare")


# scans


def stop(d: Roster[Any]) -> Steps[dict[str, Any]]:
    """End the scan, or monitor mode; Bank -> (True, text)."""
    return values(d, "stop")


def monitor(d: Roster[Any]) -> Steps[dict[str, Any]]:
    """Take data without recording them; Bank -> (True, text)."""
    return values(d, "monitor")


def scan_status(d: Roster[Any]) -> Steps[dict[str, Any]]:
    """Bank -> (scan running, "NETSTAT=...", "DISKSTAT=...")."""
    return values(d, "scan_status")


# status


def set_status(d: Roster[Any], /, **kvpairs: Any) -> Steps[dict[str, Any]]:
    """Write status keys."""
    return values(d, "set_status", **kvpairs)


def get_status(d: Roster[Any], keys: str | Sequence[str] | None = None) -> Steps[dict[str, Any]]:
    """Return the whole status, those of some keys by name, or one key, of each Bank.

    A native Player that lacks one of the keys refuses; one of the original leaves it out of
    several.
    """
    return values(d, "get_status", list(keys) if isinstance(keys, tuple) else keys)


def set_scan_number(d: Roster[Any], number: int) -> Steps[None]:
    """Set the number of the present scan in all active Banks."""
    yield from values(d, "set_scan_number", number)


def increment_scan_number(d: Roster[Any]) -> Steps[dict[str, Any]]:
    """Count the scan number up in all active Banks."""
    return values(d, "increment_scan_number")


# switching signals


def clear_switching_states(d: Roster[Any]) -> Steps[dict[str, Any]]:
    """Remove all switching phases; Bank -> (True, 0)."""
    return values(d, "clear_switching_states")


def add_switching_state(
    d: Roster[Any], duration: float, blank: bool = False, cal: bool = False, sig_ref_1: bool = False
) -> Steps[dict[str, Any]]:
    """Append a switching phase; Bank -> (True, number of phases).

    Args:
        duration: s.
        blank: Data of the phase are thrown away.
        cal: Noise diode on.
        sig_ref_1: True: reference.
    """
    return values(d, "add_switching_state", duration, blank, cal, sig_ref_1)


def set_gbt_ss(
    d: Roster[Any], period: float, ss_list: Sequence[Sequence[float]]
) -> Steps[dict[str, Any]]:
    """Replace all switching phases; Bank -> (True, number of phases).

    Args:
        period: Of the whole cycle, s.
        ss_list: (start as a fraction of the period, sig/ref, cal, blanking in s) of each phase,
            ascending.
    """
    return values(d, "set_gbt_ss", period, [list(phase) for phase in ss_list])


def _all_values(action: str, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    if any(o.error is not None for o in outcomes.values()):
        raise PlayersError(action, outcomes)
    return Values((bank, o.value) for bank, o in outcomes.items())
