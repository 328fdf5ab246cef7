"""State of each Bank, for `dealer status`: in the Bank's own words, or by status keys. Every kind
of Bank has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commandline import render_rows
from dealer.fanout import describe, fan_out
from zmqjsonproxy import InterfaceDescription, ThreadHub

__all__ = ["BankState", "ask_states", "state_tables"]

SUMMARY = ("SCANNUM", "SCANREM", "NETSTAT", "DAQSTATE", "SIMULATE")
"""Status keys of Banks that have no `get_overview`, as those of the original."""
MODE = "mode"


@dataclass(slots=True)
class BankState:
    """State of one Bank.

    Attributes:
        values: Name -> value; empty: it answers, and has nothing to show.
        missing: Status keys that were asked for, and are not there.
        error: The reason why there is no state.
    """

    values: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    error: Exception | None = None

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        if self.error is not None:
            return {"error": str(self.error)}
        mode = {MODE: self.values[MODE]} if MODE in self.values else {}
        status = {name: value for name, value in self.values.items() if name != MODE}
        return {**mode, "status": status, **({"missing": self.missing} if self.missing else {})}


def ask_states(
    hub: ThreadHub, urls: Mapping[str, str], keys: Sequence[str], timeout: float
) -> dict[str, BankState]:
    """Ask all Banks at once; Bank -> state.

    Args:
        hub: To ask with.
        urls: Bank -> URL.
        keys: Status keys; none: what each Bank shows of itself.
        timeout: Of one question to all, s.
    """
    states = {bank: BankState() for bank in urls}
    exported: dict[str, Mapping[str, Any]] = {}
    for bank, found in describe(hub, urls, timeout).items():
        if isinstance(found, InterfaceDescription):
            exported[bank] = found.methods
        else:
            states[bank].error = found

    def ask(method: str, banks: Sequence[str]) -> dict[str, Any]:
        values = {}
        asked = {bank: urls[bank] for bank in banks if method in exported[bank]}
        for bank, outcome in fan_out(hub, asked, method, (), {}, timeout).items():
            if outcome.error is None:
                values[bank] = outcome.value
            else:
                states[bank].error = outcome.error
        return values

    by_keys = [bank for bank in exported if keys or "get_overview" not in exported[bank]]
    overviews = ask("get_overview", [bank for bank in exported if bank not in by_keys])
    modes, status = ask("get_mode", by_keys), ask("get_status", by_keys)
    for bank, values in overviews.items():
        states[bank].values = values if isinstance(values, dict) else {"overview": values}
    for bank in by_keys:
        state, values = states[bank], status.get(bank, {})
        if bank in modes:
            state.values[MODE] = modes[bank]
        _choose(state, values if isinstance(values, dict) else {}, keys)
    return states


def _choose(state: BankState, values: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Take status keys, which may be given in either case."""
    if not keys and values:
        state.values.update((key, values.get(key)) for key in SUMMARY)
    for key in keys:
        name = key if key in values else key.upper()
        if name in values:
            state.values[key] = values[name]
        else:
            state.missing.append(key)


def state_tables(states: Mapping[str, BankState], keys: Sequence[str]) -> str:
    """Return the states as text: one table for all Banks that show the same, by default in the
    order of the Banks."""
    tables: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for bank, state in states.items():
        names = (*([MODE] if MODE in state.values else []), *keys) if keys else tuple(state.values)
        if state.error is not None:
            names = next(iter(tables), names)
        cells = [state.values.get(name) for name in names] if state.error is None else [state.error]
        row = (bank, *("-" if cell is None else cell for cell in cells))
        tables.setdefault(names, []).append(row)
    return "\n\n".join(render_rows(("Bank", *names), rows) for names, rows in tables.items())
