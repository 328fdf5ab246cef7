"""The Dealer: the verbs of an observation, fanned out to all active Banks."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from dealer import start as starting
from dealer.allornone import CommonStart
from dealer.bank import BankProxy
from dealer.errors import (
    ClosedError,
    NoActivePlayersError,
    NoSuchPlayerError,
    NotExportedError,
    PlayersError,
    ScanFailedError,
    StartError,
)
from dealer.fanout import describe, fan_out, similar_names
from dealer.operations import OperationVerbs
from dealer.outcome import Outcome, Outcomes, Values
from dealer.players import find_players
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError
from zmqjsonproxy.rpc.client import read_signature
from zmqjsonproxy.rpc.hub import Hub, InterfaceDescription, MethodDescription

__all__ = ["Dealer"]

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 180.0
SET_MODE_TIMEOUT = 120.0
"""Both are the original's, s."""
CLOCKS_WARN_S = 0.1
LOOK_WITHIN_S = 5.0
LOST_FOR_GOOD_S = 10.0
"""A Player that does not answer for so long while a scan is awaited has failed, s."""


class Dealer(OperationVerbs):
    """Runs Players as one. Usable as a context manager and from several threads.

    Every verb asks all active Banks and returns Bank -> value in their order. If any failed, `PlayersError` names
    every one of them and carries all outcomes. Any other method that all active Banks export is a verb too.

    Args:
        players: Bank -> URL; None: from the configuration file.
        config: TOML file; None: `$DIBAS_CONFIG` or `$DIBAS_DIR/etc/config/dibas.toml`.
        timeout: Default deadline of a call, s.
        clocks_refuse_s: A start is refused if the clocks of Dealer and Players are further apart, s.

    Raises:
        ConfigurationError: Players could not be found out. Absent Players are no error here.
    """

    def __init__(
        self,
        players: Mapping[str, str] | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        clocks_refuse_s: float = 1.0,
    ) -> None:
        self._urls = find_players(players, config)
        self._hub = Hub()
        self.timeout = timeout
        self.clocks_refuse_s = clocks_refuse_s
        self.available_players = {n: BankProxy(n, url, self._hub, timeout) for n, url in self._urls.items()}
        self.players: dict[str, BankProxy] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._described: dict[str, InterfaceDescription] = {}
        if "BANKA" in self.available_players:
            self.players["BANKA"] = self.available_players["BANKA"]
        elif len(self.available_players) == 1:
            self.players.update(self.available_players)

    def close(self) -> None:
        """Close the connections; Players are not touched."""
        self._closed = True
        self._hub.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __getitem__(self, name: str) -> BankProxy:
        try:
            return self.available_players[name]
        except KeyError:
            raise NoSuchPlayerError([name], self.available_players) from None

    def __contains__(self, name: object) -> bool:
        return name in self.available_players

    def __iter__(self) -> Iterator[str]:
        return iter(self.available_players)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.available_players)

    def __repr__(self) -> str:
        return f"<Dealer, active: {', '.join(self.players) or 'none'}; available: {', '.join(self.available_players)}>"

    # who is asked

    def list_available_players(self) -> list[str]:
        """Return the names of all Players this Dealer knows."""
        return list(self.available_players)

    def list_active_players(self) -> list[str]:
        """Return the names of the Players that verbs address."""
        return list(self.players)

    def add_active_player(self, *names: str) -> list[str]:
        """Make Players active; the new list. NoSuchPlayerError names all unknown ones, and nothing is changed."""
        self._check_names(names)
        with self._lock:
            wanted = {*self.players, *names}
            self.players = {n: p for n, p in self.available_players.items() if n in wanted}
        return list(self.players)

    def remove_active_player(self, *names: str) -> list[str]:
        """Make Players inactive; the new list. NoSuchPlayerError names all unknown ones, and nothing is changed."""
        self._check_names(names)
        with self._lock:
            self.players = {n: p for n, p in self.players.items() if n not in names}
        return list(self.players)

    def _check_names(self, names: Iterable[str]) -> None:
        names = list(names)
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f'names of Players are text, as in add_active_player("BANKA", "BANKB"); not {names!r}')
        unknown = [name for name in names if name not in self.available_players]
        if unknown:
            raise NoSuchPlayerError(unknown, self.available_players)

    # fan-out

    def outcomes(
        self,
        method: str,
        /,
        *args: Any,
        _timeout: float | None = None,
        _banks: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Outcomes:
        """Call a method of all active Banks; Bank -> outcome, with value or error, and delay. Raises for none.

        Args:
            method: Of the Banks.
            *args: Its positional arguments.
            _timeout: Common deadline, s.
            _banks: Ask these instead of the active ones.
            **kwargs: Its keyword arguments.
        """
        if self._closed:
            raise ClosedError(method)
        if _banks is None:
            names = self._active(method)
        else:
            names = list(_banks)
            self._check_names(names)
        urls = {name: self._urls[name] for name in names}
        return fan_out(self._hub, urls, method, args, kwargs, self.timeout if _timeout is None else _timeout)

    def _active(self, action: str) -> list[str]:
        names = list(self.players)
        if not names:
            raise NoActivePlayersError(action, self.available_players)
        return names

    def _values(
        self,
        method: str,
        /,
        *args: Any,
        _timeout: float | None = None,
        _banks: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        names = self._active(method) if _banks is None else list(_banks)
        self._check_exported(method, names)
        return _all_values(method, self.outcomes(method, *args, _timeout=_timeout, _banks=names, **kwargs))

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._check_exported(name, list(self.players))
        if found is None:  # who cannot be asked cannot lack it either, but somebody must have it
            lacking = {bank: f"{type(d).__name__}: {d}" for bank, d in self._descriptions(list(self.players)).items()}
            raise NotExportedError(name, lacking)

        def verb(*args: Any, **kwargs: Any) -> dict[str, Any]:
            return self._values(name, *args, **kwargs)

        verb.__name__ = verb.__qualname__ = name
        verb.__doc__ = found.doc
        signature = read_signature(found.signature)
        if signature is not None:
            verb.__signature__ = signature  # type: ignore[attr-defined]  # functions take any attribute
        return verb

    def __dir__(self) -> list[str]:
        common: set[str] | None = None
        for description in self._descriptions(list(self.players), afresh=True).values():
            if isinstance(description, InterfaceDescription):
                names = set(description.methods)
                common = names if common is None else common & names
        return sorted({*super().__dir__(), *(common or ())})

    def _descriptions(
        self, names: Sequence[str], *, afresh: bool = False
    ) -> dict[str, InterfaceDescription | Exception]:
        """What Banks export, asked again of those whose Player is known to be another by now, or `afresh` of all."""
        known, generation, urls = self._described, self._hub.generation, self._urls
        stale = {n: urls[n] for n in names if afresh or n not in known or known[n].generation != generation(urls[n])}
        found: dict[str, InterfaceDescription | Exception] = {}
        if stale and not self._closed:
            for name, description in describe(self._hub, stale).items():
                found[name] = description
                if isinstance(description, InterfaceDescription):
                    known[name] = description
        return {n: found[n] if n in found else known[n] for n in names if n in found or n in known}

    def _check_exported(self, method: str, names: Sequence[str]) -> MethodDescription | None:
        """Return what one of the Banks says of a method; NotExportedError names all that lack it.

        A Bank that cannot be asked does not lack it: the call itself will tell what is the matter with its Player.
        """
        lacking: dict[str, InterfaceDescription] = {}
        for afresh in (False, True):  # a Player may have been restarted with more methods
            found: MethodDescription | None = None
            lacking = {}
            for bank, description in self._descriptions(names, afresh=afresh).items():
                if isinstance(description, InterfaceDescription):
                    if method in description.methods:
                        found = found or description.methods[method]
                    else:
                        lacking[bank] = description
            if not lacking:
                return found
        similar = similar_names(method, [name for description in lacking.values() for name in description.methods])
        raise NotExportedError(method, dict.fromkeys(lacking, "has no such method"), similar)

    # modes and parameters

    def set_mode(self, mode: str, bandwidth: float | None = None, force: bool = False) -> dict[str, Any]:
        """Select a mode; Bank -> (True, text).

        Args:
            mode: Name of a mode.
            bandwidth: Valon frequency, MHz; None or False keeps the mode's.
            force: Load the mode even if it is set already.
        """
        bandwidth = None if bandwidth is False else bandwidth
        return self._values("set_mode", mode, bandwidth, force, _timeout=SET_MODE_TIMEOUT)

    def get_mode(self) -> tuple[bool, Any]:
        """Return (True, mode) if all active Banks agree, else (False, {Bank: mode}); mode is None if none is set."""
        modes = self._values("get_mode")
        first = next(iter(modes.values()))
        return (True, first) if all(m == first for m in modes.values()) else (False, modes)

    def list_modes(self) -> list[str]:
        """Return the modes that all active Banks have."""
        lists = self._values("list_modes")
        first, *others = lists.values()
        return [mode for mode in first if all(mode in other for other in others)]

    def set_param(self, **kvpairs: Any) -> dict[str, Any]:
        """Set parameters of the mode, all of them, in each Bank; Bank -> True, for several {name: True}."""
        banks = self._active("set_param")
        self._check_exported("set_param", banks)
        native = self._native(banks)
        if len(kvpairs) == 1 or len(native) == len(banks):
            return self._values("set_param", **kvpairs)
        # Players of the original set the first of several and are silent about the others: one at a time for them.
        outcomes = self.outcomes("set_param", _banks=native, **kvpairs) if native else {}
        old = [bank for bank in banks if bank not in native]
        single = [self.outcomes("set_param", _banks=old, **{key: value}) for key, value in kvpairs.items()]
        for bank in old:
            failed = next((o[bank] for o in single if o[bank].error is not None), None)
            outcomes[bank] = failed or Outcome(bank, {k: o[bank].value for k, o in zip(kvpairs, single, strict=True)})
        return _all_values("set_param", {bank: outcomes[bank] for bank in banks})

    def _native(self, banks: Sequence[str]) -> list[str]:
        found = self._descriptions(banks).items()
        return [bank for bank, d in found if isinstance(d, InterfaceDescription) and d.native]

    def get_param(self, name: str | None = None) -> dict[str, Any]:
        """Return one parameter, or all of them, of each Bank."""
        return self._values("get_param", name)

    def help_param(self, name: str | None = None) -> Any:
        """Return the help text of one parameter, or of all; the first active Bank answers for all."""
        first = self._active("help_param")[0]
        return self._values("help_param", name, _banks=[first])[first]

    def prepare(self) -> dict[str, Any]:
        """Compute what depends on the parameters, and send everything to the hardware."""
        return self._values("prepare")

    # scans

    def earliest_start(self) -> datetime:
        """Return the earliest time at which all active Banks can start, UTC; StartError names those not ready."""
        return starting.latest(self.outcomes("earliest_start"))

    def start(self, starttime: datetime | None = None) -> dict[str, Any]:
        """Start a scan on all active Banks at one UTC second, or on none; Bank -> (True, text).

        Args:
            starttime: Aware UTC datetime, rounded up to a full second; None: as early as possible.

        Raises:
            StartError: A Bank is not ready, refused or was lost, the time is too early, or the clocks disagree.
                What was armed has been disarmed.
            TypeError, ValueError: `starttime` is no datetime, or not in UTC.
        """
        wanted = starting.checked_time(starttime)
        banks = self._active("start")
        self._check_exported("start", banks)
        when = starting.choose(wanted, starting.latest(self.outcomes("earliest_start", _banks=banks)))
        self._compare_clocks(banks)
        two_phase = [
            bank
            for bank, d in self._descriptions(banks).items()
            if isinstance(d, InterfaceDescription) and {"arm", "commit", "disarm_start"} <= set(d.methods)
        ]
        done = CommonStart(self.outcomes, when).start(two_phase, [bank for bank in banks if bank not in two_phase])
        return {bank: done[bank].value for bank in banks}

    def _compare_clocks(self, banks: Sequence[str]) -> None:
        native = [bank for bank in banks if self._hub.is_native(self._urls[bank])]
        if not native:
            return
        offsets: dict[str, starting.ClockOffset] = {}
        begun = time.time()
        for bank, outcome in self.outcomes("rpc.ping", _banks=native, _timeout=5.0).items():
            if outcome.error is None:
                half = outcome.delay_s / 2
                offsets[bank] = starting.ClockOffset(float(outcome.value["time"]) - begun - half, half)
        spread, sentence = starting.clock_spread(offsets)
        if spread > self.clocks_refuse_s:
            raise StartError(f"{sentence}; the limit is {self.clocks_refuse_s:g} s (clocks_refuse_s)")
        if spread > CLOCKS_WARN_S:
            log.warning("%s", sentence)

    def stop(self) -> dict[str, Any]:
        """End the scan, or monitor mode; Bank -> (True, text)."""
        return self._values("stop")

    def monitor(self) -> dict[str, Any]:
        """Take data without recording them; Bank -> (True, text)."""
        return self._values("monitor")

    def scan_status(self) -> dict[str, Any]:
        """Bank -> (scan running, "NETSTAT=...", "DISKSTAT=...")."""
        return self._values("scan_status")

    def wait_for_scan(
        self, verbose: bool = False, *, every: float = 1.0, progress: Callable[[dict[str, Outcome]], None] | None = None
    ) -> None:
        """Return when the scan has ended on the last active Bank. Ctrl-C leaves the wait, not the scan.

        Args:
            verbose: Print a line at each look.
            every: Pause between looks, s.
            progress: Called with Bank -> outcome of `scan_status` at each look.

        Raises:
            PlayersError: At the end, naming the Banks that failed or stayed away for more than 10 s meanwhile, and
                those whose scan failed (native Players tell).
        """
        waiting = self._active("wait_for_scan")
        banks = list(waiting)
        failed: dict[str, Outcome] = {}
        lost_since: dict[str, float] = {}
        while waiting:
            begun = time.monotonic()
            outcomes = self.outcomes("scan_status", _banks=waiting, _timeout=LOOK_WITHIN_S)
            now = time.monotonic()
            for bank, outcome in outcomes.items():
                if isinstance(outcome.error, PeerLostError | CallTimeoutError):
                    if now - lost_since.setdefault(bank, begun) >= LOST_FOR_GOOD_S:
                        failed[bank] = outcome
                        waiting.remove(bank)
                elif outcome.error is not None:
                    failed[bank] = outcome
                    waiting.remove(bank)
                else:
                    lost_since.pop(bank, None)
                    if not outcome.value[0]:
                        waiting.remove(bank)
            if progress is not None:
                progress(outcomes)
            if verbose:
                print(datetime.now(UTC).strftime("%H:%M:%S"), _states(outcomes), flush=True)
            if waiting:
                time.sleep(every)
        failed |= self._failed_scans([bank for bank in banks if bank not in failed])
        if failed:
            raise PlayersError("wait_for_scan", failed)

    def _failed_scans(self, banks: list[str]) -> dict[str, Outcome]:
        """Those of the Banks that can tell and whose last scan failed."""
        telling = [
            bank
            for bank, d in self._descriptions(banks).items()
            if isinstance(d, InterfaceDescription) and "scan_report" in d.methods
        ]
        reports = self.outcomes("scan_report", _banks=telling, _timeout=LOOK_WITHIN_S) if telling else {}
        failed: dict[str, Outcome] = {}
        for bank, outcome in reports.items():
            report = outcome.value
            if outcome.error is not None:
                failed[bank] = outcome
            elif isinstance(report, dict) and report.get("outcome") == "failed":
                error = ScanFailedError(f"scan {report.get('scan')} failed: {report.get('error')}")
                failed[bank] = Outcome(bank, None, error, outcome.delay_s)
        return failed

    # status

    def set_status(self, **kvpairs: Any) -> dict[str, Any]:
        """Write status keys."""
        return self._values("set_status", **kvpairs)

    def get_status(self, keys: str | Sequence[str] | None = None) -> dict[str, Any]:
        """Return the whole status, those of some keys that exist, or one key, of each Bank."""
        return self._values("get_status", list(keys) if isinstance(keys, tuple) else keys)

    def set_scan_number(self, number: int) -> None:
        """Set the number of the present scan in all active Banks."""
        self._values("set_scan_number", number)

    def increment_scan_number(self) -> dict[str, Any]:
        """Count the scan number up in all active Banks."""
        return self._values("increment_scan_number")

    # switching signals

    def clear_switching_states(self) -> dict[str, Any]:
        """Remove all switching phases; Bank -> (True, 0)."""
        return self._values("clear_switching_states")

    def add_switching_state(
        self, duration: float, blank: bool = False, cal: bool = False, sig_ref_1: bool = False
    ) -> dict[str, Any]:
        """Append a switching phase; Bank -> (True, number of phases).

        Args:
            duration: s.
            blank: Data of the phase are thrown away.
            cal: Noise diode on.
            sig_ref_1: True: reference.
        """
        return self._values("add_switching_state", duration, blank, cal, sig_ref_1)

    def set_gbt_ss(self, period: float, ss_list: Sequence[Sequence[float]]) -> dict[str, Any]:
        """Replace all switching phases; Bank -> (True, number of phases).

        Args:
            period: Of the whole cycle, s.
            ss_list: (start as a fraction of the period, sig/ref, cal, blanking in s) of each phase, ascending.
        """
        return self._values("set_gbt_ss", period, [list(phase) for phase in ss_list])


def _all_values(action: str, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    if any(o.error is not None for o in outcomes.values()):
        raise PlayersError(action, outcomes)
    return Values((bank, o.value) for bank, o in outcomes.items())


def _states(outcomes: dict[str, Outcome]) -> str:
    """What Banks are doing, in one line; Banks of one state together."""
    groups: dict[str, list[str]] = {}
    for bank, outcome in outcomes.items():
        if outcome.error is not None:
            state = type(outcome.error).__name__
        else:
            running, *words = outcome.value
            state = f"{'running' if running else 'done'} {' '.join(map(str, words))}"
        groups.setdefault(state, []).append(bank)
    return "; ".join(f"{' '.join(banks)} {state}" for state, banks in groups.items())
