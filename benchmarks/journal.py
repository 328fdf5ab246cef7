"""Commands with a journal, in turn with the same commands without one; the history's rate of points.

The floor of these rows is our own server without a journal, so a ratio is what the journal costs: a
record at begin and end, and the thread that writes, with full synchronisation, on the disk that has
the temporary files.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.calls import SMALL, calling
from benchmarks.comparison import Program, compare
from benchmarks.floors import Telling, cores
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from benchmarks.subject import player, serve, serve_at
from player.clock import SystemClock
from player.history import History
from player.journal import Journal
from player.tables import HistoryConfig, JournalConfig
from zmqjsonproxy.channels.properties import PropertyTable

__all__ = ["PARTS"]

KEYS, ROUNDS = 200, 50


def _serve_journaled(connection: Telling) -> None:
    """Serve a Subject as `bank` for ever, with a journal."""
    with tempfile.TemporaryDirectory(prefix="benchmark-journal-") as folder:
        server = player()
        server.engine.on_command = Journal(Path(folder), JournalConfig(), SystemClock()).take
        serve_at(connection, server)


def _commands(effort: Effort) -> list[Row]:
    here, *others = cores()
    client = partial(calling, "set_value", (2, 3))
    programs = {"floor": Program(serve, client), "ours": Program(_serve_journaled, client)}
    times = compare(here, here, programs, effort, SMALL)
    rows = [
        times.row("command with a journal, of one without, one core", 1.10, 1.05),
        times.row("p99 of it", part=0.99),
    ]
    if others:
        apart = compare(here, others[0], programs, effort, SMALL)
        rows.append(apart.row("command with a journal, of one without, two cores", 1.10, 1.05))
    return rows


def _points(_effort: Effort) -> list[Row]:
    """Publish all keys over and over, each time until all are on disk."""
    with tempfile.TemporaryDirectory(prefix="benchmark-history-") as folder:
        table = PropertyTable([])
        history = History(Path(folder), HistoryConfig(rate=100.0), {"": table}, SystemClock())
        begun = time.process_time()
        for number in range(ROUNDS):
            for key in range(KEYS):
                table.publish(f"status.K{key}", number)
            history.flush(60.0)
        taken = time.process_time() - begun
        history.close()
    return [
        Row(
            "CPU time of a point of the history",
            None,
            1e6 * taken / ROUNDS / KEYS,
            None,
            100,
            50,
            "us",
        )
    ]


PARTS: dict[str, Part] = {"commands": _commands, "points": _points}
