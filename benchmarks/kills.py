"""Kills the data-taking program at random moments, and counts what is left of its FITS file.

`python -m benchmarks.kills [--kills 30] [--seed 1]` prints a table: the moment of SIGKILL, the rows
that the program had reported in the status memory (DAQNROW), the rows that astropy reads. Every row
that was reported has to be readable and whole. Each program is a process of its own, forked from
one that has imported everything, because the import takes longer than the scan.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from spectrometer.daq.liveframes import live_path, remove_leftover
from spectrometer.status import StatusBuffer, StatusMemoryError

EXPOSURE_S, NCHAN, CHANNELS = 0.004, 256, 2
LONGEST_S = 0.8
STARTS_WITHIN_S = 60.0

FORKS = """
import os, sys
from spectrometer.daq.program import main
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        os._exit(main(line.split()))
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""Starts a program for each line of arguments, says its process, and how it ended."""


@dataclass(frozen=True, slots=True)
class Kill:
    """State that one SIGKILL left."""

    moment: float
    """Seconds after the first row was reported; negative: before any was."""
    reported: int
    readable: int
    uncounted: int
    """Bytes at the end of the file that its header does not count yet."""
    fault: str
    """Fault of the file; empty if there is none."""


def read_rows(path: Path) -> tuple[int, int, str]:
    """Rows that astropy reads, bytes behind them, and what is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bytes behind the last row that the header counts
        with fits.open(path, memmap=False) as units:
            table = units["SPECTRA"]
            data = table.data
            end = table.fileinfo()["datLoc"] + table.fileinfo()["datSpan"]
            rows, beyond = len(data), path.stat().st_size - end
            if not units[0].header["SIMULATE"]:
                return rows, beyond, "SIMULATE is missing"
            if units[0].header["DAQEND"] != "unfinished":
                return rows, beyond, "it says that it was ended in order"
            if not rows:
                return rows, beyond, ""
            if (data["NSPECTRA"] <= 0).any() or not (np.asarray(data["DATA"]) > 0).all():
                return rows, beyond, "a row is not whole"
            numbers = sorted(set(data["INTEGNUM"].tolist()))
            if numbers != list(range(len(numbers))):
                return rows, beyond, "an integration is missing"
            return rows, beyond, ""


@contextlib.contextmanager
def forks() -> Iterator[subprocess.Popen[str]]:
    """The process that starts programs."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise SystemExit("benchmarks.kills: the data-taking program cannot be imported")
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def kill_once(
    server: subprocess.Popen[str], status: StatusBuffer, root: Path, number: int, after_s: float
) -> Kill:
    """Start a scan, kill it so many seconds after its first row was reported (negative: after its
    start), look."""
    assert server.stdin is not None
    assert server.stdout is not None
    status.update(
        {
            "NCHAN": NCHAN,
            "EXPOSURE": EXPOSURE_S,
            "SCANLEN": 0,
            "PROJID": "KILLS",
            "BANKNAM": "BANKA",
            "SCANNUM": number,
            "DAQNROW": 0,
            "DAQFITS": "",
        }
    )
    flush = (
        "--fast --flush-rows 1" if number % 2 else "--flush-s 0.02 --max-lag-s 60"
    )  # this machine may be busy
    server.stdin.write(
        f"--once --outlive-parent {flush} --data-dir {root} --status-key {status.key} "
        f'--status-semaphore {status.semaphore} --synthetic {{"channels":{CHANNELS},"seed":{number}}}\n'
    )
    server.stdin.flush()
    process = int(server.stdout.readline())
    key, limit = ("DAQNROW" if after_s >= 0 else "DAQFITS"), time.monotonic() + STARTS_WITHIN_S
    while not status.get(key):
        if time.monotonic() > limit or select.select([server.stdout], [], [], 0.001)[0]:
            os.kill(process, signal.SIGKILL)
            raise SystemExit(
                f"benchmarks.kills: scan {number} did not begin: {status.get('DAQERR')}"
            )
    time.sleep(abs(after_s))
    try:
        before = int(status.read().get("DAQNROW", 0))
    except StatusMemoryError as error:
        raise SystemExit(str(error)) from error
    os.kill(process, signal.SIGKILL)
    if int(server.stdout.readline()) != signal.SIGKILL:
        raise SystemExit(f"benchmarks.kills: scan {number} ended before it was killed")
    reported = max(before, int(status.read().get("DAQNROW", 0)))
    (path,) = (root / "KILLS").glob(f"*_{number}.fits")
    readable, beyond, fault = read_rows(path)
    if not fault and readable < reported:
        fault = "reported rows are lost"
    return Kill(after_s, reported, readable, beyond, fault)


def kills(count: int, seed: int, longest_s: float = LONGEST_S) -> Iterator[Kill]:
    """Kill so many scans, one after the other, each at most `longest_s` after its first report."""
    moments = random.Random(seed)
    key = 0x4B000000 | int.from_bytes(os.urandom(3), "big")
    status = StatusBuffer(key, f"/kills_{key:x}")
    try:
        with tempfile.TemporaryDirectory() as directory, forks() as server:
            for number in range(count):
                early = number % 5 == 4
                moment = moments.uniform(0, longest_s) * (-0.05 if early else 1)
                yield kill_once(server, status, Path(directory), number, moment)
    finally:
        status.unlink()
        remove_leftover(live_path(key))


def main() -> int:
    """Print the table; 1 if a row was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kills", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("| kill | moment, ms | rows reported | rows readable | bytes not counted yet | |")
    print("| ---: | ---------: | ------------: | ------------: | --------------------: | - |")
    lost = 0
    for number, kill in enumerate(kills(options.kills, options.seed), 1):
        lost += bool(kill.fault)
        numbers = (
            f"| {number:4} | {kill.moment * 1e3:10.1f} | {kill.reported:13} | {kill.readable:13} "
        )
        print(f"{numbers}| {kill.uncounted:21} | {kill.fault or 'whole'} |", flush=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
