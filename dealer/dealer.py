"""The Dealer: the verbs of an observation, fanned out to all active Banks, each waited for by its
caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from dealer import operations, scans, verbs
from dealer.bank import BankProxy
from dealer.operations import Operations, made_into
from dealer.players import find_players
from dealer.roster import DEFAULT_TIMEOUT, Roster, default_deadline
from dealer.services import Services
from dealer.steps import show_as
from zmqjsonproxy import Hub, Operation
from zmqjsonproxy.rpc.proxy import document
from zmqjsonproxy.rpc.steps import Steps, take

__all__ = ["DEFAULT_TIMEOUT", "Dealer"]

P = ParamSpec("P")
T = TypeVar("T")


def _waits(
    verb: Callable[Concatenate[Roster[Any], P], Steps[T]],
) -> Callable[Concatenate[Dealer, P], T]:
    """Make a method of a verb: its steps are taken one after the other."""

    def method(self: Dealer, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._take(verb(self, *args, **kwargs))

    show_as(method, verb)
    return method


class Dealer(Roster[BankProxy]):
    """Runs Players as one. Usable as a context manager and from several threads.

    Every verb asks all active Banks and returns Bank -> value in their order. If any failed,
    `PlayersError` names every one of them and carries all outcomes. Any other method that all
    active Banks export is a verb too.

    Args:
        players: Bank -> URL, `tcp://HOST:PORT`, or `service:NAME[@HOST]` for one that a port
            manager knows; or, for all that one knows, `"portmanager://HOST"`; None: from the
            configuration file.
        config: TOML file; None: `$DIBAS_CONFIG` or `$DIBAS_DIR/etc/config/dibas.toml`.
        timeout: Default deadline of a call, s; 0 or None: 180 s.
        clocks_refuse_s: A start is refused if the clocks of Dealer and Players are further apart,
            s.

    Raises:
        ConfigurationError: Players could not be found out. Absent Players are no error here.
        ValueError: `timeout` is negative, or no number.
    """

    _hub: Hub

    def __init__(
        self,
        players: Mapping[str, str] | str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        clocks_refuse_s: float = 1.0,
    ) -> None:
        within = default_deadline(timeout)
        urls, hub = find_players(players, config), Hub(locators=Services().locators)
        super().__init__(
            urls, lambda name, url: BankProxy(name, url, hub, within), hub, within, clocks_refuse_s
        )
        self._operation = partial(Operation, hub)

    def close(self) -> None:
        """Close the connections; Players are not touched."""
        self._closed = True
        self._hub.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _take(self, steps: Steps[T]) -> T:
        """Take the steps of a verb; what interrupts one of them is raised within the verb."""
        return take(self._hub, steps)

    # verbs

    outcomes = _waits(verbs.outcomes)

    set_mode = _waits(verbs.set_mode)
    get_mode = _waits(verbs.get_mode)
    list_modes = _waits(verbs.list_modes)
    set_param = _waits(verbs.set_param)
    get_param = _waits(verbs.get_param)
    help_param = _waits(verbs.help_param)
    prepare = _waits(verbs.prepare)

    earliest_start = _waits(scans.earliest_start)
    start = _waits(scans.start)
    stop = _waits(verbs.stop)
    monitor = _waits(verbs.monitor)
    scan_status = _waits(verbs.scan_status)
    wait_for_scan = _waits(scans.wait_for_scan)
    scan_reports = _waits(scans.scan_reports)

    set_status = _waits(verbs.set_status)
    get_status = _waits(verbs.get_status)
    set_scan_number = _waits(verbs.set_scan_number)
    increment_scan_number = _waits(verbs.increment_scan_number)

    clear_switching_states = _waits(verbs.clear_switching_states)
    add_switching_state = _waits(verbs.add_switching_state)
    set_gbt_ss = _waits(verbs.set_gbt_ss)

    begin = _waits(made_into(Operations, operations.begin))
    operation = _waits(made_into(Operations, operations.operation))
    operations = _waits(operations.operations)

    def _remote_verb(self, name: str) -> Callable[..., dict[str, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._take(verbs.exported(self, name))

        def verb(*args: Any, **kwargs: Any) -> dict[str, Any]:
            return self._take(verbs.values(self, name, *args, **kwargs))

        document(verb, found)
        return verb

    def __dir__(self) -> list[str]:
        return sorted(
            {*super().__dir__(), *self._names_of_banks(), *self._take(verbs.common_methods(self))}
        )

    def _keywords_of(self, verb: str) -> list[str]:
        """Return the names of what the Banks take as keywords of a verb, for completion at a
        prompt."""
        return self._take(verbs.exported(self, verb)).keywords
