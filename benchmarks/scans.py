"""Time that an observer loses between scans and at a mode change, with a simulated board and
`spectrometer-daq`.

One Player in a process of its own, with the waits of a real board (`time_scale` 1), called by a
Dealer.
"""

from __future__ import annotations

import calendar
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from dealer import Dealer

CONF = Path(__file__).resolve().parents[1] / "conf" / "dibas.toml"
ARM_DELAY_S = 4.0  # of the mode
LENGTHS = (2.0, 2.3, 2.7, 2.0)  # some end between two pulses
MODES = ("MODE2", "MODE1", "MODE3", "MODE1")


def _configuration(folder: Path) -> tuple[Path, str]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    key = (os.getpid() << 8 & 0x7FFFFF00) + 1
    own = f'status_memory = {{ key = {key}, semaphore = "/bench_status_{key:x}" }}\nplayer_port = {port}\n'
    text = CONF.read_text(encoding="utf-8").replace("[banks.BANKA]\n", f"[banks.BANKA]\n{own}", 1)
    text = text.replace(
        "[banks.BANKB]\n", "[banks.BANKA.source]\nsynthetic = {}\n\n[banks.BANKB]\n", 1
    )
    path = folder / "dibas.toml"
    path.write_text(text, encoding="utf-8")
    return path, f"tcp://127.0.0.1:{port}"


def _dead_times(d: Dealer) -> list[float]:
    """Seconds from the end of each scan to the start of the next."""
    d.set_mode("MODE1")
    ended, taken = None, list[float]()
    for length in LENGTHS:
        d.set_param(scan_length=length, exposure=0.5)
        d.start()
        d.wait_for_scan()
        report = d.scan_report()["BANKA"]
        begun = calendar.timegm(tuple(report["start"][:6]))
        if ended is not None:
            taken.append(begun - ended)
        ended = begun + length
    return taken


def _mode_changes(d: Dealer) -> list[float]:
    taken = []
    for mode in MODES:
        begun = time.perf_counter()
        d.set_mode(mode)
        taken.append(time.perf_counter() - begun)
    return taken


def _measure(_effort: Effort) -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="dealer-player-") as folder:
        config, url = _configuration(Path(folder))
        environment = {**os.environ, "DIBAS_DATA": str(Path(folder) / "data")}
        words = [
            sys.executable,
            "-m",
            "player.cli",
            "BANKA",
            url,
            "simulate",
            "--config",
            str(config),
        ]
        Path(environment["DIBAS_DATA"]).mkdir()
        player = subprocess.Popen([*words, "--log-level", "error"], env=environment)
        try:
            with Dealer({"BANKA": url}) as d:
                end = time.monotonic() + 60.0
                while d.outcomes("get_mode")["BANKA"].error is not None and time.monotonic() < end:
                    time.sleep(0.2)
                dead, changes = _dead_times(d), _mode_changes(d)
        finally:
            player.terminate()
            player.wait(20)
    return [
        Row(
            f"dead time between scans, arm delay {ARM_DELAY_S:g} s",
            None,
            max(dead),
            None,
            5.5,
            None,
            "s",
        ),
        Row(
            "mode change inside a family, simulated board",
            None,
            statistics.median(changes),
            None,
            2.5,
            None,
            "s",
        ),
    ]


PARTS: dict[str, Part] = {"all": _measure}
