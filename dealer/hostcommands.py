"""The commands `dealer hosts ...`: what each takes and prints."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from commandline import (
    DONE,
    FAILED,
    Argument,
    Command,
    Run,
    argument,
    command,
    count,
    flag,
    json_text,
    render_rows,
    say,
    tell,
    tell_line,
)
from dealer.errors import ConfigurationError
from dealer.hosts import BankOnHost, Installation, read_installation
from dealer.services import open_hub
from dealer.supervision import HostsReport, OrderOutcome, ProgramRow, Supervision
from dealer.supervisord import ProcessInfo, Supervisord, SupervisorError

__all__ = ["COMMAND"]

STATUS_WITHIN_S = 5.0
ORDER_WITHIN_S = 60.0
FOLLOW_EVERY_S = 0.5
LINE_BYTES = 400
"""A line of a log is taken to have up to so many bytes, when its last ones are looked for."""
HEAD = ("host", "program", "Bank", "supervisor", "ready", "pid", "up", "crashes", "condition")
USAGE_ERRORS = (ConfigurationError,)


@contextmanager
def _supervision(
    options: argparse.Namespace, within: float
) -> Iterator[tuple[Installation, Supervision]]:
    installation = read_installation(options.config)
    with open_hub() as hub:
        yield installation, Supervision(installation, hub, options.timeout or within)


# status


def _status(options: argparse.Namespace) -> int:
    with _supervision(options, STATUS_WITHIN_S) as (_, supervision):
        report = supervision.status(options.names)
    told = {"is_well": report.is_well, **report.describe()}
    tell(options.json, told, "\n".join(_lines(report)))
    return DONE if report.is_well else FAILED


def _lines(report: HostsReport) -> list[str]:
    lines = [render_rows(HEAD, [_cells(row) for row in report.rows])] if report.rows else []
    lines += [f"no answer: {why}" for why in report.trouble.values()]
    lines += [f"{bank.name}: no [hosts.{bank.host}]: nobody to ask" for bank in report.homeless]
    for host in report.without_banks:
        programs = sum(row.host == host for row in report.rows)
        count = f"{programs or 'no'} program{'' if programs == 1 else 's'}"
        said = "does not answer" if host in report.trouble else f"answers, and has {count}"
        lines.append(f"{host}: no Bank of the file is on it; its supervisord {said}")
    return lines


def _cells(row: ProgramRow) -> tuple[object, ...]:
    return (
        row.host,
        row.program,
        row.bank or "-",
        row.state or "-",
        {True: "yes", False: "no", None: "-"}[row.ready],
        row.pid or "-",
        _duration(row.up_s) if row.pid else "-",
        "-" if row.crashes is None else row.crashes,
        f"{row.condition}: {row.note}" if row.note else row.condition,
    )


def _duration(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86400)
    return (f"{days}d " if days else "") + time.strftime("%H:%M:%S", time.gmtime(rest))


# orders


def _order(options: argparse.Namespace) -> int:
    outcomes: list[OrderOutcome] = []

    def tell(outcome: OrderOutcome) -> None:
        outcomes.append(outcome)
        if not options.json:
            took = f" ({outcome.took_s:.1f} s)" if outcome.took_s else ""
            print(f"{outcome.bank}: {outcome.outcome}: {outcome.text}{took}", flush=True)

    with _supervision(options, ORDER_WITHIN_S) as (installation, supervision):
        banks = installation.choose(options.names)
        scanning = [] if options.force else supervision.scanning(banks)
        if scanning:
            words = f"{', '.join(scanning)}: a scan runs; nothing was done. Wait for its end, or use --force"
            raise SupervisorError(options.order, words)
        is_well = supervision.order(options.order, banks, options.at_once, tell)
    if options.json:
        print(json_text({each.bank: asdict(each) for each in outcomes}))
    return DONE if is_well else FAILED


# logs


class _Log:
    """Log of one Player, as far as it was read."""

    def __init__(
        self, installation: Installation, bank: BankOnHost, stream: str, within: float
    ) -> None:
        self.bank, self._stream, self._within = bank, stream, within
        self._address = installation.supervisors[bank.host]
        self._end = 0
        self._begun_line = ""

    def last(self, lines: int) -> list[str]:
        """Return the last whole lines."""
        supervisord, process = self._find()
        size = supervisord.log_size(process, self._stream)
        begin = max(size - lines * LINE_BYTES, 0)
        self._end = begin
        found = self._read(supervisord, process, size)
        return found[-lines:]

    def more(self) -> list[str]:
        """Return the lines that have come since."""
        supervisord, process = self._find()
        size = supervisord.log_size(process, self._stream)
        if size < self._end:  # it was rotated
            self._end = 0
        return self._read(supervisord, process, size)

    def _find(self) -> tuple[Supervisord, ProcessInfo]:
        supervisord = Supervisord(self._address, time.monotonic() + self._within)
        return supervisord, supervisord.process(self.bank.program)

    def _read(self, supervisord: Supervisord, process: ProcessInfo, size: int) -> list[str]:
        if size <= self._end:
            return []
        text, read = supervisord.log(process, self._stream, self._end, size - self._end)
        self._end += read
        *lines, self._begun_line = (self._begun_line + text).split("\n")
        return lines


def _log(options: argparse.Namespace) -> int:
    installation = read_installation(options.config)
    banks = installation.choose(options.names)
    within = options.timeout or STATUS_WITHIN_S
    logs = [
        _Log(installation, bank, "Stderr" if options.stderr else "Stdout", within) for bank in banks
    ]
    status = DONE
    troubled: dict[str, str] = {}

    def show(log: _Log, read: Callable[[], list[str]]) -> bool:
        name = log.bank.name
        try:
            lines = read()
        except SupervisorError as error:
            if troubled.get(name) != str(error):  # once, not at each look
                troubled[name] = str(error)
                say("dealer", f"{name}: {error}")
            return False
        troubled.pop(name, None)
        for line in lines:
            text = f"{name}: {line}" if len(logs) > 1 else line
            tell_line(options.json, {"bank": name, "line": line}, text)
        return True

    for log in logs:
        if not show(log, lambda log=log: log.last(options.lines)):  # type: ignore[misc]  # mypy knows no such default
            status = FAILED
    try:
        while options.follow:
            time.sleep(FOLLOW_EVERY_S)
            for log in logs:
                show(log, log.more)
    except KeyboardInterrupt:
        return DONE
    return status


def _at_once(number: int) -> Argument:
    text = "N at a time; default: %(default)s"
    return argument("--at-once N", text, type=count, default=number)


def _command(name: str, run: Run, text: str, *arguments: Argument, **defaults: Any) -> Command:
    names = argument("names HOST|BANK", "default: all", nargs="*")
    return command(name, run, text, names, *arguments, usage_errors=USAGE_ERRORS, defaults=defaults)


_FORCE = flag("--force", "also while a scan runs, which ends the scan")
COMMAND = command(
    "hosts",
    _status,
    "see, start and stop the Players of all hosts, through their supervisords",
    usage_errors=USAGE_ERRORS,
    epilog="Exit status: 0 all is well, or stopped on purpose; 1 something needs looking after; 2 usage.",
    defaults={"names": []},
    commands=(
        _command(
            "status",
            _status,
            "show what supervisord says of each program, and whether its Player answers",
        ),
        _command(
            "start",
            _order,
            "start Players and wait until they are ready",
            _at_once(64),
            order="start",
            force=True,
        ),
        _command(
            "stop",
            _order,
            "stop Players and wait for their ends; nothing starts them again by itself",
            _at_once(64),
            _FORCE,
            order="stop",
        ),
        _command(
            "restart",
            _order,
            "stop and start Players one after the other; end at the first that stays away",
            _at_once(1),
            _FORCE,
            order="restart",
        ),
        _command(
            "log",
            _log,
            "print the last lines of the Players' logs",
            flag("-f --follow", "go on with new lines, until Ctrl-C"),
            argument("-n --lines N", "N of each; default: %(default)s", type=count, default=10),
            flag("--stderr", "their standard error, where supervisord keeps it apart"),
        ),
    ),
)
