"""The data-taking program in pulsar modes, as a real process: killed in the middle, and a full
disk."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.daq import daq_command
from support.memory import private_status
from support.player_run import ROOT, poll

from spectrometer.daq.control import DaqProcess
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.status import StatusBuffer

RECEIVER = {"center_mhz": 300.0, "bandwidth_mhz": 0.4, "channels": 4}
SETUP = {
    "BACKEND": "GUPPI",
    "OBS_MODE": "SEARCH",
    "OBSNCHAN": "64",
    "TBIN": "0.001",
    "DS_TIME": 1,
    "NPOL": 4,
    "POL_TYPE": "IQUV",
    "ONLY_I": 0,
    "SCANLEN": 0,
    "PROJID": "TEST",
    "BANKNAM": "BANKA",
    "SCANNUM": 3,
    "BLOCSIZE": 65536,
}


@pytest.fixture
def status() -> Iterator[StatusBuffer]:
    with private_status() as buffer:
        buffer.update(SETUP)
        yield buffer


@pytest.fixture
def daq(status: StatusBuffer, tmp_path: Path) -> Iterator[Callable[[], DaqProcess]]:
    made: list[DaqProcess] = []

    def start() -> DaqProcess:
        what = ["--synthetic", json.dumps(RECEIVER), "--data-dir", str(tmp_path)]
        command = daq_command(status, *what, "--start-at-once", "--fast")
        process = DaqProcess(command, cwd=ROOT)
        made.append(process)
        process.start()
        poll(lambda: status.get("DAQSTATE") == "stopped", "DAQSTATE stopped")
        return process

    yield start
    for process in made:
        process.stop(quit_s=2.0)


def rows_of(path: Path) -> int:
    """Rows, or blocks, that a reader finds; all of them whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bytes behind the last row that the header counts
        if path.suffix == ".raw":
            reader = GuppiFile(path)
            read = sum(piece.samples.shape[1] for piece in reader.pieces())
            assert (read, reader.missing) == (reader.samples, 0)
            reader.close()
            return reader.block_count
        with fits.open(path, memmap=False) as units:
            rows = units["SUBINT"].data
            assert (rows["DAT_SCL"] > 0).all()
            assert np.diff(rows["OFFS_SUB"]) == pytest.approx(rows["TSUBINT"][0], rel=0.1)
            return len(rows)


@pytest.mark.parametrize("obs_mode", ["SEARCH", "RAW"])
def test_a_killed_program_leaves_all_that_it_reported(
    status: StatusBuffer, daq: Callable[[], DaqProcess], tmp_path: Path, obs_mode: str
) -> None:
    status.update({"OBS_MODE": obs_mode})
    process = daq()
    process.send("START")
    poll(lambda: int(status.get("DAQNROW") or 0) >= 3, "3 rows")
    assert process.pid is not None
    subprocess.run(["kill", "-KILL", str(process.pid)], check=True)
    assert process.wait(10.0) == -signal.SIGKILL
    reported = int(status.get("DAQNROW") or 0)
    (path,) = (tmp_path / "TEST").iterdir()
    assert path.name == status.get("DAQFITS")
    assert rows_of(path) >= reported >= 3


def test_a_full_disk_keeps_the_rows_that_it_took_and_the_program_goes_on(
    status: StatusBuffer, daq: Callable[[], DaqProcess], tmp_path: Path
) -> None:
    process = daq()
    assert process.pid is not None
    for obs_mode in ("SEARCH", "RAW"):
        status.update({"OBS_MODE": obs_mode, "DISKSTAT": ""})
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        process.send("START")
        poll(lambda: status.get("DISKSTAT") == "full", "DISKSTAT full")
        poll(lambda: "disk full" in str(status.get("DAQERR")), "DAQERR")
        path = tmp_path / "TEST" / str(status.get("DAQFITS"))
        assert rows_of(path) == status.get("DAQNROW") > 0
        assert process.is_running
    assert len(list((tmp_path / "TEST").iterdir())) == 2
