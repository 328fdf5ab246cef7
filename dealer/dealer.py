"""The Dealer: the verbs of an observation, fanned out to all active Banks, each waited for by its
caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from dealer.bank import BankProxy
from dealer.configuredplayers import ConfiguredPlayers
from dealer.control import ThreadRenewal
from dealer.operations import Operations
from dealer.selection import DEFAULT_TIMEOUT
from dealer.services import Services
from dealer.verbs import Verbs
from groundwork.closing import Closing
from groundwork.values import RemoteValue
from zmqjsonproxy import Operation, ThreadHub
from zmqjsonproxy.hubs import BlockingHub, Hub, blocking, run
from zmqjsonproxy.signatures import document

if TYPE_CHECKING:
    from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["DEFAULT_TIMEOUT", "Dealer"]

_Verbs = Verbs[BankProxy, Operation, Operations]


class Dealer(ConfiguredPlayers[BankProxy], Closing):
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
        watch: How Players are watched that something is subscribed to; None: the default.
        keys: Of this client; None: those of the user, `$DIBAS_KEYS` or
            `~/.config/dealer-player/keys`, if there are any.

    Raises:
        ConfigurationError: Players could not be found out. Absent Players are no error here.
        KeyFileError: The user's keys cannot be used.
        ValueError: `timeout` is negative, or no number.
    """

    _renewal = ThreadRenewal

    def _connect(self, urls: Mapping[str, str], config: str | os.PathLike[str] | None) -> Hub:
        hub = self._hub = self._make_hub(urls, config)
        self._operation, self._operations = partial(Operation, hub), Operations
        return BlockingHub(hub)

    def _proxy(
        self, bank: str, url: str, timeout: float, subscriptions: Subscriptions
    ) -> BankProxy:
        return BankProxy(bank, url, self._hub, timeout, subscriptions)

    def _make_hub(
        self, urls: Mapping[str, str], config: str | os.PathLike[str] | None
    ) -> ThreadHub:
        return ThreadHub(resolvers=Services(self._keys).resolvers, keys=self._keys)

    def close(self) -> None:
        """Close the connections, and give control back that is held; else Players are not touched."""
        run(self._controls.let_go())
        self._calls.is_closed = True
        self._subscriptions.close()
        self._hub.close()

    # verbs

    outcomes = blocking(_Verbs.outcomes)

    set_mode = blocking(_Verbs.set_mode)
    get_mode = blocking(_Verbs.get_mode)
    list_modes = blocking(_Verbs.list_modes)
    set_param = blocking(_Verbs.set_param)
    get_param = blocking(_Verbs.get_param)
    help_param = blocking(_Verbs.help_param)
    prepare = blocking(_Verbs.prepare)

    earliest_start = blocking(_Verbs.earliest_start)
    start = blocking(_Verbs.start)
    stop = blocking(_Verbs.stop)
    monitor = blocking(_Verbs.monitor)
    scan_status = blocking(_Verbs.scan_status)
    wait_for_scan = blocking(_Verbs.wait_for_scan)
    scan_reports = blocking(_Verbs.scan_reports)

    set_status = blocking(_Verbs.set_status)
    get_status = blocking(_Verbs.get_status)
    set_scan_number = blocking(_Verbs.set_scan_number)
    increment_scan_number = blocking(_Verbs.increment_scan_number)

    clear_switching_states = blocking(_Verbs.clear_switching_states)
    add_switching_state = blocking(_Verbs.add_switching_state)
    set_gbt_ss = blocking(_Verbs.set_gbt_ss)

    spectrum = blocking(_Verbs.spectrum)

    fetch = blocking(_Verbs.fetch)

    take_control = blocking(_Verbs.take_control)
    release_control = blocking(_Verbs.release_control)
    break_control = blocking(_Verbs.break_control)
    who_controls = blocking(_Verbs.who_controls)

    outcome_of = blocking(_Verbs.outcome_of)

    begin = blocking(_Verbs.begin)
    operation = blocking(_Verbs.operation)
    operations = blocking(_Verbs.operations)

    def _remote_verb(self, name: str) -> Callable[..., dict[str, RemoteValue]]:
        if name.startswith("_"):
            raise AttributeError(name)
        found = run(self._exported(name))

        def verb(*args: RemoteValue, **kwargs: RemoteValue) -> dict[str, RemoteValue]:
            return run(self._remote_values(name, *args, **kwargs))

        document(verb, found)
        return verb

    def __dir__(self) -> list[str]:
        common = run(self._common_methods())
        return sorted({*super().__dir__(), *self._names_of_banks(), *common})

    def _keywords_of(self, verb: str) -> list[str]:
        """Return the names of what the Banks take as keywords of a verb, for completion at a
        prompt."""
        return run(self._exported(verb)).keywords
