"""Plan of an observing script: what it would do, when, and how long it takes. It runs against
models of the Banks in virtual time.

The script runs in a process of its own (`dealer.planrun`), from which nothing of it comes back but
records: every question to Banks that changes something, and every one that fails, is a row of the
plan.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dealer.errors import DealerError
from dealer.planrows import LIMIT_S, Row
from dealer.players import configuration_path, find_players
from dealer.rehearsal import DEFAULT_KIND, factory_of

__all__ = ["Plan", "plan_script"]

GRACE_S = 5.0
"""After the limit the process of the script says itself where it hangs, and is killed only
later."""


@dataclass(slots=True)
class Plan:
    """A script that has been planned.

    Attributes:
        script: The file.
        start: Unix time at which it began, s.
        rows: In the order of time.
        seconds: How long it takes.
        banks: How many Banks there are models of.
    """

    script: Path
    start: float
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    banks: int = 0

    @property
    def faults(self) -> list[Row]:
        """The rows that fail."""
        return [row for row in self.rows if row.is_fault]

    @property
    def doubts(self) -> list[tuple[Row, str]]:
        """Doubts, each with its row."""
        return [(row, doubt) for row in self.rows for doubt in row.doubts]


def plan_script(
    script: Path,
    words: Sequence[str] = (),
    config: str | os.PathLike[str] | None = None,
    *,
    shows: bool = False,
    limit: float = LIMIT_S,
    begin: float | None = None,
) -> Plan:
    """Run a script to its end, in virtual time, and return what happened.

    Args:
        script: A python file, run as `__main__`.
        words: Its arguments.
        config: Configuration of the array, for Dealers that name none; None: as a Dealer finds it.
        shows: What it, and its children, print goes to standard error; False: nowhere.
        limit: Real time that it has, s.
        begin: When it is begun, UTC, unix seconds; None: now.

    Raises:
        DealerError, RefusedError: There are no models, or the configuration is faulty.
    """
    if (
        config is not None or "DIBAS_CONFIG" in os.environ or "DIBAS_DIR" in os.environ
    ):  # else the script names it
        find_players(
            None, configuration_path(config)
        )  # what is wrong with it is no fault of the script
    factory_of(DEFAULT_KIND)  # so that what is not installed is told at once
    from dealer.planrun import (
        Run,
        carry_out,
    )  # now: it takes its time, which is not that of the script

    plan = Plan(script, float(math.ceil(time.time() if begin is None else begin)))
    with tempfile.TemporaryDirectory(prefix="dealer-plan-") as folder:
        records = Path(folder) / "records"
        records.touch()
        run = Run(script, tuple(words), config, str(records), plan.start, shows, limit)
        pid = _fork()
        if pid == 0:
            carry_out(run)
        status = _await(pid, limit + GRACE_S)
        _take(plan, _records(records), status, limit)
    return plan


def _fork() -> int:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it may be closed
            stream.flush()  # or the child would write it once more
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of threads: the child uses none of the parent's
        return os.fork()


def _await(pid: int, within: float) -> int | None:
    """Wait for the process of a script; how it ended, None if it had to be killed."""
    end, pause = time.monotonic() + within, 0.001
    try:
        while time.monotonic() < end:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        return None
    finally:
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # its session, with the children that it has
            os.waitpid(pid, 0)


def _records(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_bytes().splitlines():
        with contextlib.suppress(ValueError):  # cut off by an end in the middle
            yield json.loads(line)


def _take(plan: Plan, records: Iterator[dict[str, Any]], status: int | None, limit: float) -> None:
    """Make a plan of what the process of the script has left."""
    has_ended = False
    for record in records:
        if "row" in record:
            plan.rows.append(Row.read(record["row"]))
        elif "refused" in record:
            text = f"not done in a plan: {record['by']} (process {record['pid']}) wants to {record['refused']}"
            plan.rows.append(Row(plan.seconds, (), "(connection)", text, 0, True))
        elif "end" in record:
            has_ended, plan.banks = True, record["banks"]
            plan.seconds = record["end"]
        plan.seconds = max([plan.seconds, *(row.at for row in plan.rows[-1:])])
    if has_ended:
        return
    if status is not None and status >= 0:
        raise DealerError(
            f"the process that ran {plan.script} ended with status {status} and left no plan"
        )
    how = (
        f"hangs, and was ended after {limit:g} s of real time"
        if status is None
        else _signal(-status)
    )
    plan.rows.append(Row(plan.seconds, (), "(script)", f"the script {how}", 0, True))


def _signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(number).name}"
    return f"was ended by signal {number}"
