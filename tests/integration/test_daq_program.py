"""The data-taking program as a real process, on the real recording."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import psutil
import pytest
import sysv_ipc
from astropy.io import fits
from support.daq import TWO_PHASES, daq_command
from support.memory import private_status
from support.player_run import ROOT, poll
from support.recordings import recording

from spectrometer.daq.control import DaqProcess
from spectrometer.daq.errors import DaqNotRunningError
from spectrometer.status import StatusBuffer
from spectrometer.status.protocol.cards import Value

VALUES = {
    "NCHAN": "1024",
    "EXPOSURE": 0.1,
    "SCANLEN": 0,
    "PROJID": "TEST",
    "BANKNAM": "BANKA",
    "SCANNUM": 3,
    "OBSBW": 800.0,
    "OBSFREQ": 1440.0,
    "SWPERIOD": 0.2,
    **TWO_PHASES,
}


@contextlib.contextmanager
def status_for(data: Path) -> Iterator[StatusBuffer]:
    """A status memory for scans into this directory."""
    with private_status() as buffer:
        link = Path(
            f"/tmp/t{buffer.key:x}"
        )  # a card holds 68 characters; the path of a test may be longer
        link.symlink_to(data)
        buffer.update({**VALUES, "DATADIR": str(link)})
        data.mkdir()
        yield buffer
        link.unlink()


@pytest.fixture
def status(tmp_path: Path) -> Iterator[StatusBuffer]:
    with status_for(tmp_path / "d") as buffer:
        yield buffer


def started(status: StatusBuffer, *arguments: str, source: str = "sample_puppi.raw") -> DaqProcess:
    command = daq_command(status, "--source", str(recording(source)), *arguments)
    process = DaqProcess(command, cwd=ROOT)
    process.start()
    try:
        poll(lambda: status.get("DAQSTATE") == "stopped", "DAQSTATE stopped")
    except BaseException:
        process.stop()
        raise
    return process


@pytest.fixture
def daq(status: StatusBuffer) -> Iterator[Callable[..., DaqProcess]]:
    with contextlib.ExitStack() as made:

        def start(*arguments: str, source: str = "sample_puppi.raw") -> DaqProcess:
            process = started(status, *arguments, source=source)
            made.callback(process.stop)
            return process

        yield start


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StatusBuffer, DaqProcess]]:
    """One program for all that it refuses: it goes on each time."""
    with status_for(tmp_path_factory.mktemp("refusing") / "d") as status:
        process = started(status)
        yield status, process
        process.stop()


def refuses(refusing: tuple[StatusBuffer, DaqProcess], change: Mapping[str, Value]) -> str:
    """Tell it to start with other values; what it says."""
    status, process = refusing
    before = status.read()["DATADIR"]
    status.update({**VALUES, "DAQERR": "", "DAQNOTE": "", **change})
    process.send("START")
    poll(lambda: status.get("DAQERR"), "DAQERR")
    status.update({"DATADIR": before})
    assert process.is_running
    return str(status.get("DAQERR"))


def arm(status: StatusBuffer) -> None:
    status.update({"DAQSTART": repr(time.time()), "ARMSTATE": "armed"})


def only_file(status: StatusBuffer) -> Path:
    (path,) = (Path(str(status.get("DATADIR"))) / "TEST").iterdir()
    return path


def independent_peak() -> int:
    """Peak channel by numpy alone: blocks cut by fixed offsets, plain FFTs, no filter."""
    raw = np.fromfile(recording("sample_puppi.raw"), np.int8)
    blocks = [raw[n * 22784 + 6400 : (n + 1) * 22784].reshape(4, 1024, 2, 2) for n in range(4)]
    samples = np.concatenate([blocks[0], *(block[:, 64:] for block in blocks[1:])], axis=1).astype(
        float
    )
    voltages = (samples[..., 0] + 1j * samples[..., 1])[:, : 15 * 256].reshape(4, 15, 256, 2)
    power = (np.abs(np.fft.fft(voltages, axis=2)) ** 2).sum(axis=(1, 3))
    return int(np.fft.fftshift(power, axes=1).argmax())


def test_scan_by_words_on_stdin(status: StatusBuffer, daq: Callable[..., DaqProcess]) -> None:
    process = daq()
    process.send("start")
    poll(lambda: status.get("NETSTAT") == "receiving", "NETSTAT receiving")
    assert not status.get("DAQFITS")
    arm(status)
    poll(lambda: int(status.get("DAQNINT") or 0) >= 5, "5 integrations")
    process.send("STOP")
    poll(lambda: status.get("SCANSTAT") == "stopped", "SCANSTAT stopped")
    values = status.read()
    assert values["DAQPEAK"] == independent_peak()
    assert values["DAQERR"] == ""
    blocks = float(values["DAQBLKS"]) + float(values["DAQDROP"])  # a busy machine may drop some
    assert blocks == 4 * (int(values["DAQLOOPS"]) + 1)
    path = only_file(status)
    assert path.name == values["DAQFITS"]
    with fits.open(path) as units:
        units.verify("exception")
        header, data = units[0].header, units["SPECTRA"].data
        assert (header["OBSFREQ"], header["OBSBW"], header["TBIN"]) == (356.6875, 0.001, 0.004)
        assert (header["SIMULATE"], header["DATASRC"], header["NTAPS"]) == (
            True,
            "sample_puppi.raw",
            8,
        )
        assert (header["REPLAYRT"], header["NLOOPS"]) == (pytest.approx(39040), values["DAQLOOPS"])
        assert header["SWREACH"] > 0
        assert set(data["POL"]) == {"XX", "YY"}
        assert set(zip(data["STATE"].tolist(), data["CAL"].tolist(), strict=True)) == {
            (0, 1),
            (1, 0),
        }
        assert len(set(data["INTEGNUM"].tolist())) == values["DAQNINT"]
        weighted = (data["DATA"] * data["NSPECTRA"][:, None]).sum(axis=0)
        assert int(weighted.argmax()) == independent_peak()
    assert process.stop() == 0
    assert status.get("DAQSTATE") == "exiting"


def test_scan_length_ends_the_scan_by_itself(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    status.update({"SCANLEN": 20.0, "POLARIZE": "CROSS", "SWPERIOD": 1.0})
    for key in [k for k in status.read() if k.startswith("_S")]:
        status.remove([key])
    process = daq("--fast", "--start-at-once")
    process.send("START")
    poll(
        lambda: status.get("DAQNINT") == 200 and status.get("SCANSTAT") == "stopped",
        "200 integrations",
    )
    with fits.open(only_file(status)) as units:
        data = units[1].data
        assert len(data) == 800
        assert units[0].header["SWREACH"] == 0  # nothing is switched, so nothing is left out
        assert set(data["POL"]) == {"XX", "YY", "REXY", "IMXY"}
        assert data["EXPOSURE"].sum() / 4 == pytest.approx(200 * 8 * 256 / 39040)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"NCHAN": 16384}, "3904"),
        ({"NCHAN": "unspecified"}, "NCHAN is not set"),
        ({"DATADIR": "unspecified"}, "DATADIR is not set"),
        ({"DATADIR": "/proc"}, "data directory TEST: "),
        ({"DATADIR": "/proc/no"}, "there is no data root; is its disk mounted?"),
        ({"EXPOSURE": "nan"}, "status key EXPOSURE is"),
        ({"NCHAN": "inf"}, "status key NCHAN is"),
        ({"SCANNUM": 1e300}, "status key SCANNUM is"),
        # a card holds what is wrong and what would be right
        ({"NCHAN": 16384}, "recording too short for NCHAN 16384: at most 8192"),
        ({"SCANLEN": 0.1, "EXPOSURE": 5.0}, "SCANLEN 0.1 s: 8 taps of 0.328 s need 2.62 s"),
    ],
)
def test_what_cannot_start_is_told_in_the_status(
    refusing: tuple[StatusBuffer, DaqProcess], change: dict[str, Value], text: str
) -> None:
    status, process = refusing
    assert text in refuses(refusing, change)
    assert status.get("SCANSTAT") == "stopped"
    process.send("nonsense")
    poll(lambda: "NONSENSE" in str(status.get("DAQNOTE")), "DAQNOTE")
    assert process.is_running


def test_a_recording_that_is_cut_short_is_told_in_the_status(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    daq("--start-at-once", source="sample_vegas.raw").send("START")
    poll(lambda: status.get("DAQERR"), "DAQERR")
    assert "sample_vegas.raw: cut short, expected 132186112 bytes, found 7920" in str(
        status.get("DAQERR")
    )
    assert status.get("SCANSTAT") == "stopped"


def test_full_disk_is_reported_and_rows_are_kept(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    process = daq("--start-at-once", "--fast")
    assert process.pid is not None
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
    process.send("START")
    poll(lambda: status.get("DISKSTAT") == "full", "DISKSTAT full")
    poll(lambda: "disk full" in str(status.get("DAQERR")), "DAQERR")
    with fits.open(only_file(status)) as units:
        units.verify("exception")
        room = 1041 * 2880 - units[1].fileinfo()["datLoc"]
        assert len(units[1].data) == status.get("DAQNROW") == room // (76 + 4096)
    assert process.is_running


def test_a_file_that_is_removed_while_it_is_written_ends_the_scan_and_the_next_one_works(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    process = daq("--start-at-once")
    process.send("START")
    poll(lambda: status.get("DAQNROW"), "rows")
    shutil.rmtree(Path(str(status.get("DATADIR"))) / "TEST")
    poll(lambda: status.get("SCANSTAT") == "stopped", "stopped")
    assert str(status.get("DAQERR")).startswith("disk: the file was removed while it was written")
    process.send("START")
    poll(lambda: status.get("DAQERR") == "" and status.get("DAQNROW"), "rows of the next scan")
    process.send("STOP")
    poll(lambda: status.get("SCANSTAT") == "stopped", "stopped")
    assert status.get("DAQERR") == ""
    only_file(status)


def test_a_data_root_that_is_on_another_disk_than_before_is_told(
    status: StatusBuffer, daq: Callable[..., DaqProcess], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("d") / "root"  # a card has room for 68 characters
    (root.parent / "mounted").mkdir()
    root.symlink_to(root.parent / "mounted")
    status.update({"DATADIR": str(root)})
    process = daq()
    for folder, note in (
        (None, ""),
        ("/dev/shm", "the data root is on another disk than before: is it mounted?"),
    ):
        with contextlib.ExitStack() as stack:
            if folder is not None:
                root.unlink()
                root.symlink_to(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
            process.send("START")
            poll(lambda: status.get("NETSTAT") == "receiving", "receiving")
            assert status.get("DAQNOTE") == note
            process.send("STOP")
            poll(lambda: status.get("SCANSTAT") == "stopped", "stopped")


def test_monitor_writes_no_file(status: StatusBuffer, daq: Callable[..., DaqProcess]) -> None:
    process = daq()
    process.send("MONITOR")
    poll(lambda: status.get("DAQPEAK") is not None, "a peak")
    assert status.get("DAQPEAK") == independent_peak()
    process.send("STOP")
    poll(lambda: status.get("SCANSTAT") == "stopped", "stopped")
    assert not (Path(str(status.get("DATADIR"))) / "TEST").exists()


def test_sigterm_ends_with_a_complete_file(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    process = daq("--start-at-once")
    process.send("START")
    poll(lambda: int(status.get("DAQNINT") or 0) >= 1, "an integration")
    assert process.stop(quit_s=0, term_s=5) == 0
    with fits.open(only_file(status)) as units:
        units.verify("exception")
        assert len(units[1].data) >= 4


def test_end_of_the_parent_ends_the_program(status: StatusBuffer, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, signal\n"
        "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(p.pid, flush=True); signal.pause()\n"
    )
    program = daq_command(status, "--source", str(recording("sample_puppi.raw")))
    command = [sys.executable, "-c", code, *program]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        poll(lambda: status.get("DAQSTATE") == "stopped", "DAQSTATE stopped")
        parent.kill()  # our end of the input stays open: the death signal has to do it
        poll(lambda: status.get("DAQSTATE") == "exiting", "DAQSTATE exiting")
    poll(
        lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie",
        "the end",
    )


def test_child_that_ignores_everything_is_killed_in_time() -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    ended: list[int] = []
    happened = threading.Event()

    def on_exit(returncode: int) -> None:
        ended.append(returncode)
        happened.set()

    process = DaqProcess([sys.executable, "-c", code], on_exit=on_exit)
    with pytest.raises(DaqNotRunningError, match="never started"):
        process.send("START")
    process.start()
    begun = time.monotonic()
    assert process.stop(quit_s=0.2, term_s=0.2, kill_s=2) in (-signal.SIGKILL, -signal.SIGTERM)
    assert time.monotonic() - begun < 30
    assert happened.wait(30)
    assert not process.is_running
    with pytest.raises(DaqNotRunningError, match="has ended"):
        process.send("STOP")


def test_a_start_time_from_a_spoilt_memory_begins_no_scan(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    program = daq()
    program.send("START")
    poll(lambda: status.get("NETSTAT") == "receiving", "receiving")
    for wrong in ("nan", "-1", "1e300"):
        status.update({"DAQSTART": wrong, "ARMSTATE": "armed", "DAQERR": ""})
        poll(lambda: "DAQSTART" in str(status.get("DAQERR")), "DAQERR")
    foreign = b"TSYS    =                  nan".ljust(80)
    memory = sysv_ipc.SharedMemory(status.key, 0, size=0)
    image = status.snapshot()
    end = image.index(b"END  ")
    memory.write(foreign + b"END".ljust(80), end)
    memory.detach()
    status.update({"DAQSTART": 0, "DAQERR": ""})  # long ago: what is late is dropped
    poll(lambda: status.get("DAQFITS"), "a file")
    time.sleep(0.3)
    program.send("STOP")
    poll(lambda: status.get("SCANSTAT") == "stopped", "stopped")
    assert program.is_running
    only_file(status)


def announced(status: StatusBuffer, ahead_s: float) -> float:
    """Write a start as a Bank does; when it is, on the monotonic clock."""
    at = time.monotonic() + ahead_s
    status.update({"DAQSTART": time.time() + ahead_s, "DAQMONO": at, "ARMSTATE": "waiting"})
    return at


def test_a_program_that_is_stopped_by_a_signal_over_a_whole_scan_says_that_all_of_it_is_lost(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    status.update({"SCANLEN": 0.7})
    process = daq()
    start = announced(status, 1.0)
    process.send("START")
    poll(lambda: status.get("NETSTAT") == "receiving", "receiving")
    assert process.pid is not None
    assert time.monotonic() < start
    os.kill(process.pid, signal.SIGSTOP)
    status.update({"ARMSTATE": "armed"})
    poll(lambda: time.monotonic() > start + 0.8, "the end of the scan")
    status.update({"ARMSTATE": "idle"})
    process.send("STOP")
    status.remove(["DAQMONO"])
    os.kill(process.pid, signal.SIGCONT)
    poll(lambda: status.get("SCANSTAT") == "stopped", "stopped")
    values = status.read()
    assert [values[key] for key in ("DAQPLAN", "DAQNINT", "DAQLOST", "DAQDROP", "DAQFITS")] == [
        7,
        0,
        0.7,
        28,
        "",
    ]


def test_a_program_that_is_stopped_by_a_signal_within_a_scan_says_what_is_lost(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    status.update({"SCANLEN": 3.5})
    process = daq("--max-lag-s", "0.3")
    start = announced(status, 0.2)
    status.update({"ARMSTATE": "armed"})
    process.send("START")
    poll(lambda: int(status.get("DAQNINT") or 0) >= 2, "two integrations")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    poll(lambda: time.monotonic() > start + 3.5, "the end of the scan")
    os.kill(process.pid, signal.SIGCONT)
    poll(lambda: status.get("SCANSTAT") == "stopped", "the end")
    values = status.read()
    assert values["DAQPLAN"] == 35
    assert 2 <= values["DAQNINT"] < 35
    assert values["DAQLOST"] == pytest.approx(values["DAQDROP"] / 4 * 0.1, abs=1e-4)
    assert values["DAQLOST"] >= 0.1
    with fits.open(only_file(status)) as units:
        header, rows = units[0].header, units["SPECTRA"].data
        assert [header[key] for key in ("DAQPLAN", "DAQNINT", "DAQLOST", "DAQEND")] == [
            35,
            values["DAQNINT"],
            values["DAQLOST"],
            "incomplete",
        ]
        assert len(set(rows["INTEGNUM"].tolist())) == values["DAQNINT"]


def test_a_directory_that_cannot_be_written_is_told_before_the_scan_begins(
    status: StatusBuffer, daq: Callable[..., DaqProcess]
) -> None:
    (Path(str(status.get("DATADIR"))) / "TEST").write_text("a file in the way")
    daq().send("START")
    poll(lambda: status.get("DAQERR"), "DAQERR")
    assert status.get("DAQERR") == "data directory TEST: File exists"
    assert status.get("NETSTAT") != "receiving"
