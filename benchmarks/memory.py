"""Memory of Players over many scans, which has to stay as it is.

`python -m benchmarks.memory [--scans 1000] [--modes MODE1 ...] [--top]` runs a simulated Player of
each mode and takes scans, all at the same time. It prints how much each 100 scans have added to the
Player's memory (RSS), to what Python has allocated in it (tracemalloc), and the same of its
data-taking program, as slopes of straight lines through all scans after the first ones, with their
errors. Exit status 1 if one of them is certainly not flat. `--top` shows which lines of the
Player's code have allocated what is new.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import math
import os
import queue
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.errors import ProxyError, RefusedError

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf" / "dibas.toml"
# the first scans, a fifth of all, do not count: caches are filled, and the allocator finds its size
FIRST_OF = 5
REMEMBERED = 1000  # ended operations that a Player knows; it has as many before the first scan
FLAT_KIB = {
    "player RSS": 100.0,
    "player traced": 10.0,
    "program RSS": 100.0,
    "program traced": 10.0,
}
"""Per 100 scans."""
CERTAIN = 2.0
"""So many errors a slope has to be above the limit."""
IN_THE_PROGRAM = """
import sys
if "spectrometer.daq.program" in sys.orig_argv:
    import gc, os, signal, tracemalloc
    from pathlib import Path
    def report(*_args):
        gc.collect()
        if not tracemalloc.is_tracing():
            tracemalloc.start()
        path = Path(__file__).with_name(f"traced-{os.getpid()}")
        path.with_suffix(".new").write_text(str(tracemalloc.get_traced_memory()[0] / 1024))
        path.with_suffix(".new").rename(path)
    signal.signal(signal.SIGUSR2, report)
"""
"""A `sitecustomize` that lets the data-taking program say what it has allocated."""
READY_WITHIN_S, SCAN_WITHIN_S, LOOK_EVERY_S = 60.0, 60.0, 0.25
NARROW = "{ center_mhz = 300.2, bandwidth_mhz = 0.4, channels = 8, seed = 3 }"


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of mode.

    Attributes:
        mode: Its name.
        receiver: Of its Bank, an inline table.
        parameters: Of each scan in turn: those of one, then those of the next, round and round.
    """

    mode: str
    receiver: str
    parameters: tuple[dict[str, Any], ...]


_HBW = {"exposure": 0.1, "scan_length": 0.4}
_WIDTH_MHZ = 1500.0 / 64  # of a sub-band of MODE20
_CENTRES = [750.0 + _WIDTH_MHZ * (n - 3.5) for n in range(8)]
SUBJECTS = (
    Subject(
        "MODE1",
        "{ center_mhz = 1420.0, bandwidth_mhz = 1.0, seed = 1 }",
        (_HBW, {**_HBW, "source": "B"}),
    ),
    Subject(
        "MODE20",
        f"{{ center_mhz = 1420.0, bandwidth_mhz = {8 * _WIDTH_MHZ}, rate_hz = 250_000, seed = 2 }}",
        tuple(
            {"exposure": 0.6, "scan_length": 1.2, "subband_freq": order}
            for order in (_CENTRES, _CENTRES[::-1])
        ),
    ),
    Subject(
        "INCO_MODE_64",
        NARROW,
        ({"scan_length": 0.5, "integration_time": 0.002, "obs_mode": "search"},),
    ),
)


@dataclass(slots=True)
class Series:
    """Measurements after each scan, KiB."""

    values: dict[str, list[float]] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, values: dict[str, float], outcome: str) -> None:
        """Take note of one scan."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def slopes(self) -> dict[str, tuple[float, float]]:
        """Return what 100 scans add, KiB, and its error."""
        return {
            name: slope_of(values[len(values) // FIRST_OF :])
            for name, values in self.values.items()
        }


def slope_of(values: Sequence[float]) -> tuple[float, float]:
    """Return the slope of a straight line, per 100 values, and its error."""
    count = len(values)
    if count < 3:
        return 0.0, math.inf
    line = statistics.linear_regression(range(count), values)
    rest = sum((y - line.intercept - line.slope * x) ** 2 for x, y in enumerate(values))
    return 100 * line.slope, 100 * math.sqrt(rest / (count - 2) * 12 / (count**3 - count))


# the Player


def serve(config: Path, bank: str, data: Path) -> int:
    """Run a Player that says how much memory it has, one line of JSON for each line that it
    reads."""
    from player.config import load
    from player.host import Host
    from player.logs import set_up_logging

    set_up_logging("error", bank)
    before = None
    with Host(load(config), bank, simulate=True, data_root=data) as host:
        host.open()
        tracemalloc.start(5)
        print(json.dumps({}), flush=True)
        for line in sys.stdin:
            gc.collect()
            measured: dict[str, Any] = {
                "rss": psutil.Process().memory_info().rss / 1024,
                "traced": tracemalloc.get_traced_memory()[0] / 1024,
            }
            if line.strip() == "begin":
                before = tracemalloc.take_snapshot()
            if line.strip() == "top" and before is not None:
                ours = [tracemalloc.Filter(False, tracemalloc.__file__)]
                differences = (
                    tracemalloc.take_snapshot().filter_traces(ours).compare_to(before, "traceback")
                )
                measured["top"] = [
                    "\n    ".join([str(d), *d.traceback.format()]) for d in differences[:8]
                ]
            print(json.dumps(measured), flush=True)
    return 0


class Player:
    """One that is measured, a process of its own."""

    def __init__(self, folder: Path, bank: str, subject: Subject, number: int) -> None:
        self.config, self.url = _configuration(folder, bank, subject, number)
        words = [
            sys.executable,
            "-m",
            "benchmarks.memory",
            "--serve",
            str(self.config),
            bank,
            str(folder / "data"),
        ]
        self.inside = folder / "inside"
        self.inside.mkdir()
        (self.inside / "sitecustomize.py").write_text(IN_THE_PROGRAM)
        environment = {**os.environ, "PYTHONPATH": f"{self.inside}{os.pathsep}{ROOT}"}
        self.process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.ask("")

    def ask(self, word: str) -> dict[str, Any]:
        """Measure it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if word:
            print(word, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(
                f"the Player of {self.config} ended with status {self.process.wait()}"
            )
        found: dict[str, Any] = json.loads(answer)
        return found

    def program(self) -> dict[str, float]:
        """Measure its data-taking program."""
        (child,) = psutil.Process(self.process.pid).children()
        told = self.inside / f"traced-{child.pid}"
        told.unlink(missing_ok=True)
        child.send_signal(signal.SIGUSR2)
        end = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                return {
                    "program RSS": child.memory_info().rss / 1024,
                    "program traced": float(told.read_text()),
                }
            time.sleep(0.01)
        raise TimeoutError("the data-taking program does not say what it has allocated")

    def close(self) -> None:
        """End it in order."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(30)


def _configuration(folder: Path, bank: str, subject: Subject, number: int) -> tuple[Path, str]:
    """The shipped file with what one Bank needs of its own; and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    key = (os.getpid() << 8 & 0x7FFFFF00) + number
    own = (
        f'status_memory = {{ key = {key}, semaphore = "/memory_{key:x}" }}\nplayer_port = {port}\n'
        f"source = {{ taps = 2, synthetic = {subject.receiver} }}\n"
    )
    text = CONF.read_text(encoding="utf-8").replace(
        f"[banks.{bank}]\n", f"[banks.{bank}]\n{own}", 1
    )
    path = folder / f"{subject.mode}.toml"
    path.write_text(f"{text}\n[spectrometer]\ntime_scale = 0.01\n", encoding="utf-8")
    return path, f"tcp://127.0.0.1:{port}"


# scans


def take_scans(
    player: Player,
    subject: Subject,
    scans: int,
    tell: queue.SimpleQueue[str],
    *,
    is_compared: bool = False,
) -> Series:
    """Take the scans of one Player; it is told where its memory begins to count, if it
    `is_compared` with its end."""
    series = Series()
    with ZMQJSONProxyClient(None, "bank", player.url, READY_WITHIN_S) as bank:
        bank.set_mode(subject.mode)
        for _ in range(REMEMBERED):
            with contextlib.suppress(RefusedError):
                bank.set_mode("NONE")
        for number in range(scans):
            try:
                bank.set_param(**subject.parameters[number % len(subject.parameters)])
                bank.prepare()
                bank.start()
                outcome = _end_of_scan(bank)
            except (
                ProxyError
            ) as error:  # the machine may be too busy for a scan; memory counts all the same
                outcome = type(error).__name__
            if is_compared and number == scans // FIRST_OF:
                player.ask("begin")
            measured = player.ask("measure")
            series.add(
                {
                    "player RSS": measured["rss"],
                    "player traced": measured["traced"],
                    **player.program(),
                },
                outcome,
            )
            for path in (player.config.parent / "data" / "JUNK").glob("*"):
                path.unlink(missing_ok=True)  # those of other Players too, which have them open
            if (number + 1) % max(scans // 10, 1) == 0:
                now = ", ".join(
                    f"{name} {values[-1]:.0f} KiB" for name, values in series.values.items()
                )
                tell.put(f"{subject.mode}: {number + 1} scans, {now}")
    return series


def _end_of_scan(bank: Any) -> str:
    """Wait for the end; its outcome."""
    end = time.monotonic() + SCAN_WITHIN_S
    while time.monotonic() < end:
        if not bank.scan_status()[0]:
            return str(bank.scan_report()["outcome"])
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"a scan did not end within {SCAN_WITHIN_S:g} s")


@contextmanager
def _players(subjects: Sequence[Subject]) -> Iterator[list[Player]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="memory-")))
        players = []
        for number, subject in enumerate(subjects):
            (folder / subject.mode).mkdir()
            players.append(Player(folder / subject.mode, "BANKA", subject, number))
            stack.callback(players[-1].close)
        yield players


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory", description=__doc__.partition("\n\n")[0]
    )
    modes = [subject.mode for subject in SUBJECTS]
    parser.add_argument(
        "--scans", type=int, default=1000, metavar="N", help="of each mode; default: %(default)s"
    )
    parser.add_argument(
        "--modes", nargs="+", choices=modes, default=modes, metavar="MODE", help="default: all"
    )
    parser.add_argument(
        "--top", action="store_true", help="show which lines have allocated what is new"
    )
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command: 1 if a memory grows."""
    options = build_parser().parse_args(argv)
    if options.serve:
        config, bank, data = options.serve
        return serve(Path(config), bank, Path(data))
    subjects = [subject for subject in SUBJECTS if subject.mode in options.modes]
    results: dict[str, Series] = {}
    tell: queue.SimpleQueue[str] = queue.SimpleQueue()
    with _players(subjects) as players:

        def run(player: Player, subject: Subject) -> None:
            try:
                results[subject.mode] = take_scans(
                    player, subject, options.scans, tell, is_compared=options.top
                )
                if options.top:
                    tell.put(
                        "\n".join(
                            [f"{subject.mode}: what is new", *player.ask("top").get("top", [])]
                        )
                    )
            except Exception as error:
                tell.put(f"{subject.mode}: {type(error).__name__}: {error}")
            finally:
                tell.put("")

        for player, subject in zip(players, subjects, strict=True):
            threading.Thread(target=run, args=(player, subject), daemon=True).start()
        left = len(subjects)
        while left:
            if line := tell.get():
                print(line, flush=True)
            else:
                left -= 1
    return report(subjects, results)


def report(subjects: Sequence[Subject], results: dict[str, Series]) -> int:
    """Print the table; 1 if a memory grows, or scans could not be taken."""
    faults = [f"{subject.mode}: no scans" for subject in subjects if subject.mode not in results]
    print(
        f"\n{'mode':12} {'KiB per 100 scans':17} {'slope':>9} {'+-':>8} {'limit':>7} {'at the end':>11}  outcomes"
    )
    for mode, series in results.items():
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in series.outcomes.items())
        for name, (slope, error) in series.slopes().items():
            limit, last = FLAT_KIB[name], series.values[name][-1]
            print(
                f"{mode:12} {name:17} {slope:9.1f} {error:8.1f} {limit:7.0f} {last:11.0f}  {outcomes}"
            )
            if slope - CERTAIN * error > limit:
                faults.append(
                    f"{mode}: {name} grows by {slope:.1f} +- {error:.1f} KiB per 100 scans"
                )
    for fault in faults:
        print(f"memory: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
