"""The Players of all hosts as their supervisords and they themselves tell: one view, and orders in
turn.

supervisord knows whether a process lives, the Player whether it answers; what is shown is both
beside each other.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from dealer.hosts import PROGRAM_PREFIX, BankOnHost, Installation
from dealer.supervisord import ProcessInfo, Supervisord, SupervisorError, abnormal_ends, loop_age
from zmqjsonproxy import CallResult, PeerLostError, RemoteError, ThreadHub

__all__ = ["HostsReport", "OrderOutcome", "ProgramRow", "Supervision"]

CRASHES, CRASHES_WITHIN_S = 3, 600.0
"""So many ends that nobody asked for within so many seconds are a crash loop."""
CRASH_LOOP = "crash loop"
PING_WITHIN_S = 3.0
POLL_S = 0.2
GRACE_S = 0.25
"""Of the common deadline, so much is left for the answers that arrive in time to be taken, s."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProgramRow:
    """A program of a host.

    Attributes:
        host: Host.
        program: Its name at supervisord.
        bank: Its Bank; empty if it is no Player of this array.
        state: supervisord's; empty: it has no such program.
        ready: The Player answers, and is the process that supervisord started; None: it is no
            Player.
        pid: 0 if it does not run.
        up_s: Since its start, s.
        crashes: Ends that nobody asked for, since it was last stopped, as far as supervisord's log
            goes back; None: the log cannot be read.
        condition: In a word: ready, running, starting, stopping, stopped, ended, not ready, crash
            loop, crashed, missing, unknown.
        note: More on it.
        since: Since when it is so, by the clock of its host, UTC, unix seconds; None: not known.
    """

    host: str
    program: str
    bank: str
    state: str
    ready: bool | None
    pid: int
    up_s: float
    crashes: int | None
    condition: str
    note: str = ""
    since: float | None = None

    @property
    def is_well(self) -> bool:
        """Tell whether nobody need look after it: it works, or was stopped on purpose."""
        return self.condition in ("ready", "running", "stopped", "ended")


@dataclass(frozen=True, slots=True)
class HostsReport:
    """All that could be heard.

    Attributes:
        rows: Programs, by host.
        trouble: Host -> why its supervisord could not be asked.
        homeless: Banks whose host has no [hosts.X].
        without_banks: Hosts with a [hosts.X] and no Bank of the file.
    """

    rows: Sequence[ProgramRow]
    trouble: Mapping[str, str]
    homeless: Sequence[BankOnHost] = ()
    without_banks: Sequence[str] = ()

    @property
    def is_well(self) -> bool:
        """Tell whether nobody need look after anything."""
        return not self.trouble and all(row.is_well for row in self.rows)

    def describe(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "programs": [asdict(row) for row in self.rows],
            "unreachable": dict(self.trouble),
            "without_supervisor": {bank.name: bank.host for bank in self.homeless},
            "without_banks": list(self.without_banks),
        }


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """Outcome of an order to one Player.

    Attributes:
        bank: Its Bank.
        outcome: "ready", "stopped", "failed", or "left alone".
        text: More on it.
        took_s: s.
    """

    bank: str
    outcome: str
    text: str
    took_s: float = 0.0


class Supervision:
    """The supervisords and Players of an array.

    Args:
        installation: Where they are.
        hub: To ask Players with.
        within: Deadline of a view, and of an order to one Player, s.
    """

    def __init__(self, installation: Installation, hub: ThreadHub, within: float) -> None:
        self._installation, self._hub, self._within = installation, hub, within

    # one view

    def status(self, names: Iterable[str] = ()) -> HostsReport:
        """Ask all supervisords and all Players at once.

        Args:
            names: Hosts and Banks to show; none: all.

        Raises:
            ConfigurationError: Neither Banks nor hosts.
        """
        wanted = list(names)
        shown = self._installation.choose(wanted)
        named = {*wanted, *(bank.host for bank in shown)}
        hosts = [host for host in self._installation.supervisors if not wanted or host in named]
        pings: dict[str, CallResult] = {}

        def ping() -> None:
            pings.update(self._ping(shown, min(self._within - GRACE_S, PING_WITHIN_S)))

        asking = threading.Thread(target=ping, daemon=True)
        asking.start()
        heard = _in_parallel(hosts, self._ask, self._within)
        asking.join()
        rows: list[ProgramRow] = []
        trouble = {
            host: str(answer) for host, answer in heard.items() if isinstance(answer, Exception)
        }
        for host in hosts:
            banks = {bank.program: bank for bank in shown if bank.host == host}
            answer = heard[host]
            if isinstance(answer, Exception):
                rows += [self._unknown(bank, pings[bank.name]) for bank in banks.values()]
                continue
            processes, log = answer
            for process in processes:
                bank = banks.pop(process.name, None)
                if bank is not None or not wanted or host in wanted:
                    rows.append(
                        _row(host, process, bank, pings.get(bank.name) if bank else None, log)
                    )
            rows += [
                ProgramRow(
                    host,
                    bank.program,
                    bank.name,
                    "",
                    False,
                    0,
                    0.0,
                    None,
                    "missing",
                    "no such program",
                )
                for bank in banks.values()
            ]
        homeless = [
            bank
            for bank in self._installation.banks.values()
            if not wanted and bank.host not in self._installation.supervisors
        ]
        at_home = {bank.host for bank in self._installation.banks.values()}
        return HostsReport(rows, trouble, homeless, [host for host in hosts if host not in at_home])

    def _ask(self, host: str) -> tuple[list[ProcessInfo], list[str] | None]:
        supervisord = self._supervisord(host, self._within)
        processes = supervisord.processes()
        try:
            return processes, supervisord.main_log()
        except SupervisorError:  # it may keep none
            return processes, None

    def _supervisord(self, host: str, within: float) -> Supervisord:
        return Supervisord(self._installation.supervisors[host], time.monotonic() + within)

    def last_lines(self, bank: BankOnHost, stream: str, most: int, until: float) -> list[str]:
        """Return the last lines of the log of a Player, of at most so many bytes.

        Args:
            bank: Its Bank.
            stream: "Stdout" or "Stderr".
            most: Bytes.
            until: Deadline, s, monotonic.

        Raises:
            SupervisorError: It cannot be asked, or keeps no log.
        """
        supervisord = Supervisord(self._installation.supervisors[bank.host], until)
        process = supervisord.process(bank.program)
        size = supervisord.log_size(process, stream)
        begin = max(size - most, 0)
        text, _ = supervisord.log(process, stream, begin, size - begin)
        return text.splitlines()[1 if begin else 0 :]

    def _ping(self, banks: Sequence[BankOnHost], within: float) -> dict[str, CallResult]:
        results = self._hub.call_each(
            [bank.url for bank in banks], "rpc", "ping", (), None, max(within, 0.05)
        )
        return {bank.name: result for bank, result in zip(banks, results, strict=True)}

    def _unknown(self, bank: BankOnHost, ping: CallResult) -> ProgramRow:
        answers = _answers(ping)
        note = "its Player answers" if answers else "its Player does not answer"
        return ProgramRow(
            bank.host, bank.program, bank.name, "", answers, 0, 0.0, None, "unknown", note
        )

    # orders

    def scanning(self, banks: Sequence[BankOnHost]) -> list[str]:
        """Return the Banks that take data now, as far as they tell."""
        results = self._hub.call_each(
            [bank.url for bank in banks], "bank", "scan_status", (), None, PING_WITHIN_S
        )
        return [
            bank.name
            for bank, result in zip(banks, results, strict=True)
            if isinstance(result.value, list) and result.value[:1] == [True]
        ]

    def order(
        self,
        word: str,
        banks: Sequence[BankOnHost],
        at_once: int,
        tell: Callable[[OrderOutcome], None],
    ) -> bool:
        """Give an order for some Banks at a time, and wait for its end; whether all did as they
        were told.

        Args:
            word: `start`: start Players and wait until they are ready; `stop`: stop them and wait
                for their ends; `restart`: both, and if one does not come back, the rest is left
                alone.
            banks: In this order.
            at_once: How many at a time.
            tell: Called with each outcome as it is known.
        """
        order = {"start": self._start, "stop": self._stop, "restart": self._restart}[word]
        goes_on = word != "restart"
        is_well = True
        rest = list(banks)
        while rest and (is_well or goes_on):
            now, rest = rest[:at_once], rest[at_once:]
            told: queue.SimpleQueue[OrderOutcome] = queue.SimpleQueue()
            for bank in now:
                threading.Thread(target=_carry_out, args=(bank, order, told), daemon=True).start()
            for _ in now:
                outcome = told.get()
                is_well = is_well and outcome.outcome != "failed"
                tell(outcome)
        for bank in rest:
            tell(OrderOutcome(bank.name, "left alone", "the one before it did not come back"))
        return is_well

    def _start(self, bank: BankOnHost) -> str:
        until = time.monotonic() + self._within
        supervisord = Supervisord(self._installation.supervisors[bank.host], until)
        process = supervisord.process(bank.program)
        if process.state not in ("RUNNING", "STARTING", "BACKOFF"):
            supervisord.start(process)
        return self._await_ready(bank, supervisord, until)

    def _stop(self, bank: BankOnHost) -> str:
        until = time.monotonic() + self._within
        supervisord = Supervisord(self._installation.supervisors[bank.host], until)
        process = supervisord.process(bank.program)
        if process.state in ("RUNNING", "STARTING", "BACKOFF"):
            supervisord.stop(process)
        while True:
            process = supervisord.process(bank.program)
            if process.state not in ("RUNNING", "STARTING", "BACKOFF", "STOPPING"):
                return f"stopped: exit status {process.exit_status}"
            self._pause(bank, until, f"it is still {process.state}")

    def _restart(self, bank: BankOnHost) -> str:
        self._stop(bank)
        return self._start(bank)

    def _await_ready(self, bank: BankOnHost, supervisord: Supervisord, until: float) -> str:
        state, remedy = "", f"see: dealer hosts log {bank.name}"
        while True:
            try:
                process = supervisord.process(bank.program)
            except SupervisorError as error:
                if not state:
                    raise
                why = f"{error.text}; before that: {state}; {remedy}"
                raise SupervisorError(bank.host, why) from error
            if process.state == "FATAL":
                why = process.why or f"exit status {process.exit_status}"
                raise SupervisorError(bank.host, f"supervisord gave it up: {why}; {remedy}")
            ping = self._ping([bank], min(until - time.monotonic(), PING_WITHIN_S))[bank.name]
            if process.pid and _is_ready(ping, process.pid):
                return f"ready: pid {process.pid}"
            state = f"{process.state}, {_silence(ping, process.pid)}"
            self._pause(bank, until, f"{state}; {remedy}")

    def _pause(self, bank: BankOnHost, until: float, state: str) -> None:
        if time.monotonic() + POLL_S >= until:
            raise SupervisorError(bank.host, f"not within {self._within:g} s: {state}")
        time.sleep(POLL_S)


def _carry_out(
    bank: BankOnHost, order: Callable[[BankOnHost], str], told: queue.SimpleQueue[OrderOutcome]
) -> None:
    begun = time.monotonic()
    outcome, text = "failed", ""
    try:
        outcome, _, text = order(bank).partition(": ")
    except Exception as error:  # whoever waits for the outcome must get one
        text = (
            str(error) if isinstance(error, SupervisorError) else f"{type(error).__name__}: {error}"
        )
    told.put(OrderOutcome(bank.name, outcome, text, round(time.monotonic() - begun, 3)))


def _in_parallel(
    hosts: Sequence[str], ask: Callable[[str], T], within: float
) -> dict[str, T | Exception]:
    """Ask about all hosts at once, until one deadline: host -> answer, or why there is none."""
    answers: queue.SimpleQueue[tuple[str, T | Exception]] = queue.SimpleQueue()

    def one(host: str) -> None:
        try:
            answers.put((host, ask(host)))
        except Exception as error:  # a thread that died would be taken for one that is slow
            answers.put((host, error))

    for host in hosts:
        threading.Thread(target=one, args=(host,), daemon=True).start()
    end = time.monotonic() + within + GRACE_S
    heard: dict[str, T | Exception] = {}
    while len(heard) < len(hosts):
        try:
            host, answer = answers.get(timeout=max(end - time.monotonic(), 0.0))
        except queue.Empty:
            break
        heard[host] = answer
    late = SupervisorError
    return {
        h: heard[h] if h in heard else late(h, f"its supervisord has not answered in {within:g} s")
        for h in hosts
    }


# what answers mean


def _answers(ping: CallResult) -> bool:
    return ping.error is None or isinstance(
        ping.error, RemoteError
    )  # Players of the original know no ping


def _is_ready(ping: CallResult, pid: int) -> bool:
    if not isinstance(ping.value, dict):
        return _answers(ping)
    return ping.value.get("pid") == pid


def _silence(ping: CallResult, pid: int) -> str:
    """Say why a Player is not ready."""
    if isinstance(ping.value, dict) and ping.value.get("pid") != pid:
        return f"another process (pid {ping.value.get('pid')}) answers in its place"
    if isinstance(ping.error, PeerLostError):
        return f"nobody answers: {ping.error.reason}"
    return "it does not answer"


def _row(
    host: str,
    process: ProcessInfo,
    bank: BankOnHost | None,
    ping: CallResult | None,
    log: Sequence[str] | None,
) -> ProgramRow:
    crashes, lately = (None, 0) if log is None else abnormal_ends(log, process, CRASHES_WITHIN_S)
    ready = None if ping is None else bool(process.pid) and _is_ready(ping, process.pid)
    condition, note = _condition(process, ready, lately)
    if ready is False and process.pid and ping is not None:
        note = "; ".join(text for text in (note, _silence(ping, process.pid)) if text)
    name = bank.name if bank is not None else ""
    if bank is None and process.name.startswith(PROGRAM_PREFIX):
        note = "; ".join(text for text in (note, "no Bank of this array") if text)
    return ProgramRow(
        host,
        process.name,
        name,
        process.state,
        ready,
        process.pid,
        process.up_s,
        crashes,
        condition,
        note,
        _since(process, condition, log),
    )


def _since(process: ProcessInfo, condition: str, log: Sequence[str] | None) -> float | None:
    """Return since when a program is in its condition; a crash loop began with its first end."""
    if not process.changed:
        return None
    is_loop = condition == CRASH_LOOP and log is not None
    return process.changed - (loop_age(log or (), process, CRASHES_WITHIN_S) if is_loop else 0.0)


def _condition(process: ProcessInfo, ready: bool | None, lately: int) -> tuple[str, str]:
    """Return the word for what a program is in, and more on it."""
    status = f"exit status {process.exit_status}"
    ended = ("crashed", status) if process.exit_status else ("ended", f"by itself, {status}")
    final = {
        "STOPPED": ("stopped", ""),
        "STOPPING": ("stopping", ""),
        "EXITED": ended,
        "FATAL": (CRASH_LOOP, f"given up: {process.why or status}"),
        "BACKOFF": (CRASH_LOOP, process.why or "it ends while it starts"),
    }
    if process.state in final:
        return final[process.state]
    if lately >= CRASHES:
        return CRASH_LOOP, f"ended {lately} times in {CRASHES_WITHIN_S / 60:.0f} minutes"
    if ready:
        return "ready", ""
    runs = "running" if ready is None else "not ready"
    words = {"STARTING": ("starting", ""), "RUNNING": (runs, "")}
    return words.get(process.state, ("unknown", process.state))
