"""A correlator job from nothing, over the packet protocol of DiFX: two simulated receivers, and the delay
between them.

A gateway runs under supervisord, and a client of ours prepares, starts and watches a job of the small FX
correlator as the DiFX GUI does. The same job is seen by a Dealer, by `dealer watch`, and as relayed
messages. A second job is stopped. The delay and the fringe rate that the model of the second station
lacks come out of the lags as they were put in, or the exit status is 1.

All processes end, and all files but the picture and the visibilities go, whatever ends the demo.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from correlator.lags import Fringe, find_fringe, lag_spectrum
from correlator.visibilities import Visibilities, read_visibilities
from processes import START_S, DemoError, Processes, start_port_manager

import dealer
from gateways.difx.client import (
    ConnectionLostError,
    DifxClient,
    JobEnd,
    JobFunction,
    JobNodes,
    JobResult,
    TaskEvent,
)
from gateways.difx.client.protocol.monitoring import MonitorBlock
from gateways.difx.errors import DifxError
from groundwork.progressline import ProgressLine
from portmanager import PortManager

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "demo-difx-run"
PROGRAM = [sys.executable, str(ROOT / "examples" / "correlate.py")]
BANK, SERVICE, VERSION = "DIFX", "GUISERVER", "DIFX-DEVEL"
SCAN_S, LONG_S, INTEGRATION_S, CHANNELS = 8.0, 600.0, 0.25, 64
CENTERS_MHZ, WIDTH_MHZ = (1420.0, 1420.25), 0.25
LAG_US = 1 / (2 * WIDTH_MHZ)
"""Step of the lags of a spectrum of real samples, as the monitor of DiFX counts them."""
TRUE_US, MODEL_US = (133.0, 0.01002), (120.0, 0.01)
"""Delay of the second station: microseconds, microseconds per second."""
END_S = 120.0

EXPERIMENT = f"""\
obs_code = "DEMO"
channels = {CHANNELS}
integration_s = {INTEGRATION_S}
crossed = false
pace = 1.0

[stations.AA.receiver]
centers_mhz = {list(CENTERS_MHZ)}
width_mhz = {WIDTH_MHZ}
seed = 1

[stations.BB]
delay_us = {list(MODEL_US)}

[stations.BB.receiver]
centers_mhz = {list(CENTERS_MHZ)}
width_mhz = {WIDTH_MHZ}
delay_us = {list(TRUE_US)}
seed = 2

[[scans]]
name = "No0001"
source = "3C273"
ra = 3.2687
dec = 0.0358
start_mjd = 60310
start_s = 43200.0
duration_s = {SCAN_S}

[[scans]]
name = "No0002"
source = "3C279"
start_mjd = 60310
start_s = 43300.0
duration_s = {LONG_S}
"""


@dataclass(frozen=True, slots=True)
class PutIn:
    """Delay and rate that the model of the second station lacks, in the middle of the scan."""

    delay_us: float
    rate_hz: float


def put_in() -> PutIn:
    """Return what has to be found."""
    delay, rate = (true - model for true, model in zip(TRUE_US, MODEL_US, strict=True))
    return PutIn(delay + rate * SCAN_S / 2, rate * float(np.mean(CENTERS_MHZ)))


def write_configuration(folder: Path, manager: int) -> Path:
    """Write the array's file: a gateway, and the correlator as its runner profile."""
    words = {
        key: [*PROGRAM, key, "{file}" if key == "prepare" else "{input}"]
        for key in ("check", "run", "prepare", "products")
    }
    (folder / "data").mkdir()
    lines = [
        "[instrument]",
        'player_port = "service:"',
        f'portmanager = "127.0.0.1:{manager}"',
        "[dealer]",
        f'players = ["{BANK}"]',
        f"[banks.{BANK}]",
        'kind = "difx"',
        'hpc_host = "localhost"',
        f'root = "{folder / "data"}"  # the clients\' /',
        f"[banks.{BANK}.endpoints.guiserver]",
        f'port = "service:{SERVICE}"',
        f"[banks.{BANK}.runner.{VERSION}]",
        *(f"{key} = {command!r}" for key, command in words.items()),
    ]
    path = folder / "array.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def start_gateway(processes: Processes, config: Path, manager: int) -> DifxClient:
    """Start the gateway under supervisord; return a client of it when it serves."""
    folder = processes.folder
    (folder / "log").mkdir()
    words = ["supervisor-config", "--config", config, "--all", "--log-dir", folder / "log"]
    made = subprocess.run(
        [sys.executable, "-m", "player", *map(str, words), "--complete", str(folder)],
        capture_output=True,
        text=True,
        env=processes.environment,
        check=False,
    )
    if made.returncode:
        raise DemoError(f"the file for supervisord could not be made: {made.stderr}")
    (ini := folder / "supervisord.conf").write_text(made.stdout)
    supervisord = processes.start("supervisord", "supervisor.supervisord", "--nodaemon", "-c", ini)
    end = time.monotonic() + START_S
    while time.monotonic() < end and supervisord.poll() is None:
        with PortManager("127.0.0.1", manager) as client:
            found = [each for each in client.list() if each.service == SERVICE]
        if found:
            try:
                return DifxClient("127.0.0.1", found[0].port)
            except ConnectionLostError:
                pass
        time.sleep(0.1)
    logs = [path.read_text() for path in sorted((folder / "log").glob("*"))]
    raise DemoError("\n".join(["the gateway did not start:", *logs]))


NODES = JobNodes(manager="localhost", sources=("AA", "BB"), processors=(("localhost", 1),))


class Seen:
    """What each of those who look at the first job has seen of it.

    Attributes:
        blocks: Of the live monitor.
        events: Of the job's task connection.
        messages: Relayed, of the job.
        dealer: States that a Dealer had by subscription.
        watch: Lines of `dealer watch`.
    """

    def __init__(self) -> None:
        self.blocks: list[MonitorBlock] = []
        self.events: list[TaskEvent] = []
        self.messages: list[str] = []
        self.dealer: list[dict[str, Any]] = []
        self.watch: list[str] = []


def watch_monitor(client: DifxClient, path: str, seen: Seen) -> None:
    """Follow the baselines of a job live, to its end."""
    with client.monitor(path) as monitor:
        monitor.request([each for each in monitor.products.products if not each.is_auto], fft_size=2 * CHANNELS)
        for block in monitor:
            seen.blocks.append(block)


def main_() -> None:
    """."""
