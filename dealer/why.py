"""Questions behind "why is this Bank not ready?": all Players and supervisords are asked at once, changes
nothing anywhere. What answers mean is known in `dealer.whytroubles`, the chain in `dealer.whychain`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from commandline import Finding
from dealer.absence import absence_finding, host_finding, unreachable_host
from dealer.clocks import CLOCK_WRONG_S, clock_finding, offset_of
from dealer.errors import ConfigurationError
from dealer.fanout import describe, fan_out
from dealer.hosts import BankOnHost, Installation, read_installation
from dealer.players import is_port_manager
from dealer.supervision import CRASH_LOOP, HostsReport, ProgramRow, Supervision
from dealer.supervisord import SupervisorError
from dealer.whychain import PLAYER, Trouble, Why, chain_of
from dealer.whytroubles import (
    absence_trouble,
    control_troubles,
    finding_trouble,
    hindrance_troubles,
    host_trouble,
    log_troubles,
    name_troubles,
    program_troubles,
    record_troubles,
    supervisor_trouble,
)
from groundwork.values import JsonValue
from zmqjsonproxy import InterfaceDescription, ThreadHub
from zmqjsonproxy.errors import AccessError

__all__ = ["ArrayQuestion", "ask_why", "installation_of"]

SUPERVISORS_WITHIN_S = 4.0
LOG_BYTES = 16_000
"""Of the end of a Player's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayQuestion:
    """Question about an array, and who asks it.

    Attributes:
        urls: Bank -> URL of its Player, of all Banks in question.
        installation: Hosts with their supervisords; None: nothing is known of them.
        timeout: Of one question to all Players, s.
        ours: Banks whose control whoever asks has.
        leases: Bank -> number of the lease that whoever asks was given; it may have ended since.
        silent_since: Bank -> when its Player was heard last, UTC, unix seconds; as far as it is known.
    """

    urls: Mapping[str, str]
    installation: Installation | None = None
    timeout: float = 3.0
    ours: Collection[str] = ()
    leases: Mapping[str, int] = field(default_factory=dict)
    silent_since: Mapping[str, float] = field(default_factory=dict)

    def home(self, bank: str) -> BankOnHost:
        """Return where a Bank is at home; without a file, at the host of its address."""
        known = self.installation
        if known is not None and bank in known.banks:
            return known.banks[bank]
        host = self.urls[bank].partition("://")[2].rpartition(":")[0]
        return BankOnHost(bank, host, self.urls[bank])


def ask_why(hub: ThreadHub, question: ArrayQuestion) -> dict[str, Why]:
    """Return why each of some Banks is not ready, in their order.

    Args:
        hub: To ask with.
        question: What is asked.
    """
    asked = _Asked(hub, question, time.time())
    hosts = _HostsInTheBackground(hub, question)
    asked.ask_players()
    asked.take_hosts(hosts.result())
    return {bank: asked.why(bank) for bank in question.urls}


def installation_of(config: str | os.PathLike[str] | None) -> Installation | None:
    """Return the hosts of the array's file; None: a port manager stands for it, or it has a fault."""
    if is_port_manager(config):
        return None
    try:
        return read_installation(config)
    except ConfigurationError:  # `dealer hosts` says which; Players are asked all the same
        return None


class _HostsInTheBackground:
    """View of the hosts, which is waited for while Players are asked."""

    def __init__(self, hub: ThreadHub, question: ArrayQuestion) -> None:
        self._hub, self._question = hub, question
        self._report: HostsReport | None = None
        self._asking = threading.Thread(target=self._ask, daemon=True)
        self._asking.start()

    def _ask(self) -> None:
        known = self._question.installation
        if known is None:
            return
        names = [bank for bank in self._question.urls if _has_supervisor(known, bank)]
        if names:
            within = min(self._question.timeout, SUPERVISORS_WITHIN_S)
            try:
                self._report = Supervision(known, self._hub, within).status(names)
            except ConfigurationError:  # the file is another one by now
                return

    def result(self) -> HostsReport | None:
        """Wait for it; None: nothing is known of the hosts."""
        self._asking.join()
        return self._report


def _has_supervisor(installation: Installation, bank: str) -> bool:
    home = installation.banks.get(bank)
    return home is not None and home.host in installation.supervisors


class _Asked:
    """Answers so far, as troubles of each Bank."""

    def __init__(self, hub: ThreadHub, question: ArrayQuestion, at: float) -> None:
        self._hub, self._question, self._at = hub, question, at
        self._troubles: dict[str, list[Trouble]] = {bank: [] for bank in question.urls}
        self._depends: dict[str, Mapping[str, Sequence[str]]] = {}
        self._kinds: dict[str, str] = {}

    def why(self, bank: str) -> Why:
        """Return the chain of a Bank."""
        troubles, depends = self._troubles[bank], self._depends.get(bank)
        return chain_of(bank, self._at, troubles, depends, self._kinds.get(bank, ""))

    # Players

    def ask_players(self) -> None:
        """Ask all of them."""
        reachable = {}
        for bank, url in self._question.urls.items():
            if (unknown := host_finding(bank, url)) is None:
                reachable[bank] = url
            else:
                self._troubles[bank].append(finding_trouble(unknown, "name service of this host"))
        native = {}
        for bank, told in describe(self._hub, reachable, self._question.timeout).items():
            if isinstance(told, InterfaceDescription):
                if told.native:
                    native[bank] = told
            else:
                self._take_absence(bank, reachable[bank], told)
        self._ask_banks(native)

    def _take_absence(self, bank: str, url: str, error: Exception) -> None:
        finding = absence_finding(bank, url, error)
        since = self._question.silent_since.get(bank)
        self._troubles[bank].append(absence_trouble(finding, self._at, since))
        if not isinstance(error, AccessError) and (why := unreachable_host(url)):
            self._troubles[bank].append(host_trouble(self._question.home(bank), why, self._at))

    def _ask_banks(self, native: Mapping[str, InterfaceDescription]) -> None:
        def ask(method: str, *, exported: bool = False) -> dict[str, tuple[JsonValue, float]]:
            urls = {
                bank: self._question.urls[bank]
                for bank, told in native.items()
                if not exported or method in told.methods
            }
            found = fan_out(self._hub, urls, method, (), {}, self._question.timeout)
            return {b: (one.value, one.delay_s) for b, one in found.items() if one.error is None}

        begun = time.time()
        for bank, (ping, delay) in ask("rpc.ping").items():
            offset = offset_of(ping, begun, delay)
            if offset is not None and offset.is_beyond(CLOCK_WRONG_S):
                finding = clock_finding(bank, offset)
                self._take(bank, [] if finding is None else [finding])
        for bank, (kind, _) in ask("get_kind", exported=True).items():
            self._kinds[bank] = str(kind)
        for bank, (name, _) in ask("get_bank_name", exported=True).items():
            url = self._question.urls[bank]
            self._troubles[bank] += name_troubles(bank, url, name, self._at)
        for bank, (told, _) in ask("get_readiness", exported=True).items():
            self._depends[bank] = _dependence(told)
            self._troubles[bank] += hindrance_troubles(bank, told, self._at)
        for bank, (state, _) in ask("control.state").items():
            is_ours = bank in self._question.ours or _is_number_of(
                state, self._question.leases.get(bank)
            )
            self._troubles[bank] += control_troubles(bank, state, self._at, is_ours=is_ours)
        for what in ("journal", "history"):
            for bank, (state, _) in ask(f"{what}.state").items():
                self._troubles[bank] += record_troubles(what, state, self._at)

    def _take(self, bank: str, findings: Sequence[Finding]) -> None:
        self._troubles[bank] += [finding_trouble(each, "rpc.ping") for each in findings]

    # hosts

    def take_hosts(self, report: HostsReport | None) -> None:
        """Take what supervisords told, and the last words of Players that ended."""
        if report is None:
            return
        for bank in self._question.urls:
            why = report.trouble.get(self._question.home(bank).host)
            if why is not None and self._is_absent(bank):
                host = self._question.home(bank).host
                self._troubles[bank].append(supervisor_trouble(host, why, self._at))
        for row in report.rows:
            if row.bank in self._troubles:
                self._take_program(row)

    def _is_absent(self, bank: str) -> bool:
        return any(trouble.thing in (PLAYER, "host") for trouble in self._troubles[bank])

    def _take_program(self, row: ProgramRow) -> None:
        found = program_troubles(row)
        self._troubles[row.bank] += found
        if found and (row.crashes or row.condition in (CRASH_LOOP, "crashed")):
            home = self._question.home(row.bank)
            self._troubles[row.bank] += log_troubles(home, self._last_lines(home))

    def _last_lines(self, bank: BankOnHost) -> list[str]:
        """Return the end of a Player's log; of one whose standard error is kept apart that, too."""
        known = self._question.installation
        assert known is not None
        until = time.monotonic() + min(self._question.timeout, SUPERVISORS_WITHIN_S)
        lines: list[str] = []
        for stream in ("Stdout", "Stderr"):
            supervision = Supervision(known, self._hub, SUPERVISORS_WITHIN_S)
            try:
                lines += supervision.last_lines(bank, stream, LOG_BYTES, until)
            except SupervisorError:  # it keeps none
                continue
        return lines


def _is_number_of(state: JsonValue, number: int | None) -> bool:
    """Tell whether the lease of a `control.state` has a number; None: whoever asks has none."""
    return number is not None and isinstance(state, Mapping) and state.get("number") == number


def _dependence(told: JsonValue) -> dict[str, list[str]]:
    """Return the declaration of a kind, which is anybody's code; what is none is left out."""
    depends = told.get("depends") if isinstance(told, Mapping) else None
    return {
        str(thing): [str(each) for each in needed]
        for thing, needed in (depends.items() if isinstance(depends, Mapping) else ())
        if isinstance(needed, list)
    }
