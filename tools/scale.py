"""Measure what one more Player, and one more record, cost: memory and files of a Dealer, bytes on
disk, CPU time of sinks. Prints a table; needs servers for the sinks, by their URLs.

python tools/scale.py --players 1000 --postgres URL --redis URL
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from benchmarks.floors import side_by_side  # noqa: E402
from benchmarks.subject import player  # noqa: E402
from dealer import Dealer  # noqa: E402
from player.clock import SystemClock  # noqa: E402
from player.history import History  # noqa: E402
from player.journal import Journal  # noqa: E402
from player.sinks.destination import Destination, RecordKind, RecordOrigin  # noqa: E402
from player.sinks.postgres import PostgresDestination  # noqa: E402
from player.sinks.redis import RedisDestination  # noqa: E402
from player.sinks.sending import Sending  # noqa: E402
from player.tables import HistoryConfig, JournalConfig  # noqa: E402
from zmqjsonproxy.caller import Caller  # noqa: E402
from zmqjsonproxy.channels.properties import PropertyTable  # noqa: E402
from zmqjsonproxy.engine.callrecords import CallOutcome, CallRecord  # noqa: E402

OWNER = RecordOrigin(array="scale", bank="BANKA")
KEYS, ROUNDS = 50, 200
COMMANDS = 5000
PROGRAMS = {"PostgreSQL": "postgres", "Redis": "redis-server"}
PORTION = 200
"""Players of a process."""


def dealer_rows(count: int) -> Iterator[tuple[str, str]]:
    """Yield memory and open files of a Dealer for each of so many Players."""
    with ExitStack() as stack:
        urls = [url for _ in range(0, count, PORTION) for url in stack.enter_context(_players())]
        own = psutil.Process()
        memory, files = own.memory_info().rss, own.num_fds()
        dealer = stack.enter_context(
            Dealer({f"P{at}": url for at, url in enumerate(urls[:count])}, timeout=60)
        )
        dealer.add_active_player(*dealer.available_players)
        for _ in range(3):
            assert all(each.error is None for each in dealer.outcomes("add", 2, 3).values())
        used = own.memory_info().rss - memory
        yield f"memory of a Dealer, for each of {count} Players", f"{used / count / 1024:.0f} KiB"
        yield "open files of it, likewise", f"{(own.num_fds() - files) / count:.2f}"


@contextmanager
def _players() -> Iterator[list[str]]:
    """Run PORTION Players in a process; their URLs."""
    here, there = multiprocessing.Pipe()
    spawning = multiprocessing.get_context("spawn")
    process = spawning.Process(target=side_by_side, args=(there, PORTION, player), daemon=True)
    process.start()
    there.close()
    try:
        yield here.recv().split()
    finally:
        process.kill()
        process.join()


def _sent(sending: Sending, program: str) -> tuple[float, float]:
    """Return the CPU time of this process, and of all of a server, for each point that is sent,
    us."""
    try:
        begun, server_begun = time.process_time(), _cpu_of(program)
        sending.send()
        here, there = time.process_time() - begun, _cpu_of(program) - server_begun
        return 1e6 * here / (ROUNDS * KEYS), 1e6 * there / (ROUNDS * KEYS)
    finally:
        sending.drop()


def _cpu_of(program: str) -> float:
    known = [each.info for each in psutil.process_iter(["name", "cpu_times"])]
    times = [each["cpu_times"] for each in known if each["name"] == program and each["cpu_times"]]
    return float(sum(each.user + each.system for each in times))


def record_rows(destinations: Mapping[str, Destination]) -> Iterator[tuple[str, str]]:
    """Yield what points of a history cost on disk, and sent to servers."""
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        table = PropertyTable([])
        history = History(Path(folder), HistoryConfig(rate=100.0), {"": table}, SystemClock())
        sendings: dict[str, Sending] = {}
        for name, destination in destinations.items():
            sendings[name] = Sending(destination, (RecordKind.HISTORY,), lambda _seconds: False)
            sendings[name].follow_points(history)
        for number in range(ROUNDS):
            for key in range(KEYS):
                table.publish(f"status.K{key}", number + key / 7)
            history.flush(60.0)
        for name, sending in sendings.items():
            here, there = _sent(sending, PROGRAMS[name])
            yield (
                f"CPU time of a point sent to {name}: Player; {name}",
                f"{here:.0f}; {there:.0f} us",
            )
        history.close()
        size = sum(path.stat().st_size for path in Path(folder).iterdir())  # without its log
        yield "a point of a history on the Player's disk", f"{size / ROUNDS / KEYS:.0f} bytes"


def journal_row() -> tuple[str, str]:
    """Return what a command costs on the Player's disk."""
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        journal = Journal(Path(folder), JournalConfig(), SystemClock())
        for number in range(COMMANDS):
            record = CallRecord(
                target="bank.set_level",
                args=[number / 7],
                kwargs={},
                caller=Caller("anna@control.example.org:31337", key="anna"),
                call_id=f"{number:032x}",
                began_us=time.time_ns() // 1000,
                began=time.monotonic(),
            )
            record.end(CallOutcome.DONE)
            journal.take(record)
            if number % PORTION == 0:
                journal.flush(60.0)
        journal.close(60.0)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        return "a command in a journal on the Player's disk", f"{size / COMMANDS:.0f} bytes"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--players", type=int, default=200)
    parser.add_argument("--postgres", metavar="URL")
    parser.add_argument("--redis", metavar="URL")
    args = parser.parse_args(argv)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found: dict[str, Destination] = {}
    if args.postgres:
        found["PostgreSQL"] = PostgresDestination(args.postgres, OWNER)
    if args.redis:
        found["Redis"] = RedisDestination(args.redis, OWNER, prefix="scale", length=100_000)
    for what, figure in (*dealer_rows(args.players), *record_rows(found), journal_row()):
        print(f"{what:60} {figure}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
