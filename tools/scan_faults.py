"""Table of what an observer is told of scans in which something goes wrong.

`python tools/scan_faults.py` prints it, in about four minutes. One Player in this process, with
`spectrometer-daq` on a synthetic receiver; in each run the data-taking program stands still for a
while, or the host's clock is set (the Bank's clock, not the machine's), or eight processes keep the
machine busy.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from dealer import Dealer, PlayersError, StartError
from player.clock import SystemClock
from player.config import load
from player.host import Host

ROOT = Path(__file__).resolve().parents[1]
SCAN_S, EXPOSURE_S, STILL_S = 5.0, 0.25, 1.5
PLANNED = int(SCAN_S / EXPOSURE_S)
BUSY = 8
READY_WITHIN_S = 60.0


class SetClock(SystemClock):
    """The computer's clock, which a run sets forward or back."""

    step = 0.0

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return super().time() + self.step


@contextmanager
def player(folder: Path, clock: SetClock) -> Iterator[tuple[Dealer, Host]]:
    """A Player whose mode is set, and a Dealer for it."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    key = 0x5C000000 | os.getpid() & 0xFFFFFF
    text = (ROOT / "conf" / "dibas.toml").read_text(encoding="utf-8")
    own = f'status_memory = {{ key = {key}, semaphore = "/scan_faults_{key:x}" }}\nplayer_port = {port}\n'
    text = text.replace("[banks.BANKA]\n", f"[banks.BANKA]\n{own}", 1)
    source = "[banks.BANKA.source]\nmax_lag_s = 0.5\nsynthetic = {}\n\n[banks.BANKB]\n"
    path = folder / "dibas.toml"
    path.write_text(text.replace("[banks.BANKB]\n", source, 1), encoding="utf-8")
    host = Host(load(path), "BANKA", simulate=True, data_root=folder, clock=clock)
    try:
        host.open()
        host.wait_until_ready()
        with Dealer({"BANKA": host.url}) as d:
            d.set_mode("MODE1")
            d.set_param(scan_length=SCAN_S, exposure=EXPOSURE_S)
            d.prepare()
            yield d, host
    finally:
        host.close()


def at(seconds: float, act: Callable[[], object]) -> threading.Timer:
    """Do something in so many seconds."""
    timer = threading.Timer(max(seconds, 0.0), act)
    timer.start()
    return timer


def told(d: Dealer) -> tuple[str, str]:
    """Wait for the scan; its outcome, and what was raised or warned."""
    try:
        d.wait_for_scan()
        raised = ""
    except PlayersError:
        raised = "raises"
    report: dict[str, Any] = d.scan_reports()["BANKA"].value
    counts = f"{report['integrations']} of {report['planned']}"
    words = report["error"] or report["warning"] or "-"
    return f"{report['outcome']}, {counts}", f"{raised + ': ' if raised else ''}{words}"


def starts_in(d: Dealer) -> float:
    """Start a scan; the seconds until it begins. A program that was started anew may need longer
    than one start."""
    end = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            d.start()
            break
        except StartError:
            if time.monotonic() > end:
                raise
    values = d["BANKA"].get_status(["DAQMONO"])
    return float(values["DAQMONO"]) - time.monotonic()


def runs(d: Dealer, clock: SetClock) -> Iterator[tuple[str, str, str]]:
    """Run after run: the fault, the outcome, what is told."""
    for tenth in range(-1, 11):
        begin = starts_in(d) + tenth * SCAN_S / 10
        (program,) = psutil.Process().children()
        timers = [at(begin, program.suspend), at(begin + STILL_S, program.resume)]
        outcome = told(d)
        for timer in timers:
            timer.join()
        yield f"program still for {STILL_S:g} s from {tenth * SCAN_S / 10:g} s on", *outcome
    for state, moment in {
        "waiting": -1.5,
        "armed": -0.4,
        "running": SCAN_S / 2,
        "at its end": SCAN_S + 0.01,
    }.items():
        for step in (3600.0, -3600.0):
            timer = at(starts_in(d) + moment, lambda step=step: setattr(clock, "step", step))  # type: ignore[misc]
            outcome = told(d)
            timer.join()
            clock.step = 0.0
            yield f"clock set by {step:+g} s, {state}", *outcome
    busy = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(BUSY)]
    for process in busy:
        process.start()
    for number in range(3):
        starts_in(d)
        yield f"{BUSY} busy processes, scan {number + 1}", *told(d)
    for process in busy:
        process.kill()


def _spin() -> None:
    while True:
        pass


def main() -> int:
    """Print the table; 1 if a run recorded less than planned and nothing said so."""
    logging.disable(logging.CRITICAL)
    silent = 0
    print(
        f"| fault, in a scan of {SCAN_S:g} s with {PLANNED} integrations | outcome, recorded of planned | told |"
    )
    print("|---|---|---|")
    clock = SetClock()
    with (
        tempfile.TemporaryDirectory(prefix="scan-faults-") as folder,
        player(Path(folder), clock) as (d, _host),
    ):
        for fault, outcome, words in runs(d, clock):
            print(f"| {fault} | {outcome} | {words} |", flush=True)
            silent += f"{PLANNED} of {PLANNED}" not in outcome and words == "-"
    print(f"\nruns in which less than planned was recorded and nothing said so: {silent}")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
