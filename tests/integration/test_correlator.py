"""The correlator as programs of a runner profile: it ends as it is told to, and what it wrote is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from correlator.cli import main
from correlator.lags import find_fringe
from correlator.visibilities import read_visibilities
from support.player_run import ROOT

from gateways.difx.protocol.products import ProductsReader
from gateways.difx.protocol.progress import read_progress

PROGRAM = (sys.executable, str(ROOT / "examples" / "correlate.py"))
HANG_S = 120.0
EXPERIMENT = """
channels = 32
integration_s = 0.01
pace = {pace}
[stations.AA.receiver]
centers_mhz = [1420.0]
width_mhz = 0.5
polarizations = 1
[stations.BB.receiver]
centers_mhz = [1420.0]
width_mhz = 0.5
polarizations = 1
seed = 2
delay_us = [11.0]
[[scans]]
name = "No0001"
source = "3C273"
start_mjd = 60310
start_s = 43200.0
duration_s = {duration}
"""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


@pytest.fixture
def done(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process: status, output, errors."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        return status, *capsys.readouterr()

    return call


def started(stack: ExitStack, *words: str | Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )

    def end() -> None:
        process.kill()
        process.communicate()

    stack.callback(end)
    return process


def experiment(folder: Path, *, pace: float = 0.0, duration: float = 0.2) -> Path:
    (path := folder / "demo.v2d").write_text(EXPERIMENT.format(pace=pace, duration=duration))
    return path


def test_a_job_is_prepared_checked_and_run_and_its_delay_is_found(
    done: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "demo_No0001.input"
    assert done("prepare", experiment(tmp_path)) == (0, f"FILE {path}\n", "")
    status, said, complaints = done("check", path)
    assert (status, complaints) == (0, "")
    assert "2 stations, 3 products of 32 channels, 20 integrations" in said
    status, said, complaints = done("run", path)
    assert (status, complaints) == (0, "")
    progress = [found for line in said.splitlines() if (found := read_progress(line))]
    fraction, times = progress[-1]
    assert (fraction, times.weights) == (1.0, (1.0, 1.0))
    assert times.reached == times.stop == pytest.approx(60310.5 + 0.2 / 86400, abs=1e-7)
    found = read_visibilities(tmp_path / "demo_No0001.difx")
    fringe = find_fringe(found.spectra[0], width_hz=0.5e6, integration_s=0.01)
    assert abs(fringe.delay_s - 11e-6) < 0.2e-6  # a tenth of a lag
    status, said, _ = done("show", path)
    assert (status, len(said.splitlines())) == (0, 4)
    status, said, complaints = done("run", path)
    assert (status, said) == (1, "")
    assert "demo_No0001.difx: there is output already; remove it first" in complaints
    (tmp_path / "demo_No0001.difx").unlink()
    status, said, _ = done("run", "--restart", "0.16", path)
    assert (status, said.splitlines()[-1]) == (0, "4 integrations are in demo_No0001.difx")
    later = read_visibilities(tmp_path / "demo_No0001.difx")
    assert later.header.first == 16
    np.testing.assert_array_equal(later.spectra[0], found.spectra[0][16:])


def test_recordings_give_the_visibilities_of_their_receivers_and_gaps_are_told(
    done: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "demo_No0001.input"
    done("prepare", experiment(tmp_path))
    status, said, _ = done("record", path, tmp_path)
    assert (status, said) == (0, f"FILE {tmp_path / 'AA.raw'}\nFILE {tmp_path / 'BB.raw'}\n")
    (recorded := tmp_path / "recorded.input").write_text(
        """
        channels = 32
        integration_s = 0.01
        [stations.AA]
        recordings = ["AA.raw"]
        [stations.BB]
        recordings = ["BB.raw"]
        [scan]
        name = "No0001"
        start_mjd = 60310
        start_s = 43200.0
        duration_s = 0.4
        """
    )
    assert done("run", path)[0] == 0
    status, _, complaints = done("run", recorded)
    assert status == 0
    warnings = complaints.splitlines()  # seven blocks of 16384 samples, 0.229 s
    assert warnings[:2] == [
        f"warning: {name}: data only from 0.000 s to 0.229 s of the scan" for name in ("AA", "BB")
    ]
    assert [line.partition(" are ")[0] for line in warnings[2:]] == [
        "warning: AA: data",
        "warning: BB: data",
    ]
    there, simulated = (
        read_visibilities(tmp_path / f"{name}.difx") for name in ("recorded", "demo_No0001")
    )
    np.testing.assert_array_equal(there.spectra[0][:20], simulated.spectra[0])
    assert there.weights[:22].min() == 1.0
    assert there.weights[24:].max() == 0.0
    late = recorded.read_text().replace("43200.0", "50000.0")
    recorded.write_text(late)
    (tmp_path / "recorded.difx").unlink()
    status, _, complaints = done("run", recorded)
    assert status == 1
    assert "no data within the scan" in complaints
    assert "recorded.input: no station has data within the scan" in complaints


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_products_of_a_running_job_come_until_it_is_ended(
    done: Callable[..., tuple[int, str, str]],
    number: signal.Signals,
    status: int,
    tmp_path: Path,
    stack: ExitStack,
) -> None:
    path = tmp_path / "demo_No0001.input"
    assert done("prepare", experiment(tmp_path, pace=0.5, duration=600))[0] == 0
    products = started(stack, "products", path)  # before the job, whose output it waits for
    job = started(stack, "run", path)
    assert products.stdout is not None
    reader, got = ProductsReader(), []
    while len(got) < 3:
        data = products.stdout.read1()
        assert data, products.stderr and products.stderr.read()
        got += reader.feed(data)
    job.send_signal(number)
    said, complaints = job.communicate(timeout=HANG_S)
    assert (job.returncode, complaints) == (status, b"")
    assert (b"stopped after" in said) == (number != signal.SIGKILL)
    rest, complaints = products.communicate(timeout=HANG_S)
    assert (products.returncode, complaints) == (0, b"")
    got += reader.feed(rest)
    found = read_visibilities(tmp_path / "demo_No0001.difx")
    assert reader.header == found.header
    assert [one.number for one in got] == list(range(len(found.weights)))
    np.testing.assert_array_equal([one.spectra[0] for one in got], found.spectra[0])


def test_what_cannot_be_done_is_one_line_and_a_status(
    done: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (path := tmp_path / "job.input").write_text("[scan]\n")
    for words in (("check", path), ("run", tmp_path / "none.input"), ("prepare", path)):
        status, said, complaints = done(*words)
        assert (status, said, complaints.count("\n")) == (1, "", 1)
        assert complaints.startswith(f"correlate: {words[1]}: ")
    assert done("products", "--patience", "0.01", path)[0] == 1
    with pytest.raises(SystemExit) as ended:
        done("correlate")
    assert ended.value.code == 2
