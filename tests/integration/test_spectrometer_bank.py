"""Spectrometer Banks in real Players, on the real recording: what an observer does, and what goes
wrong at night."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from astropy.io import fits
from support.player_run import bank_of, poll
from support.recordings import recording
from support.spectrometer_players import SpectrometerArray

import dealer
from dealer.errors import PlayersError
from zmqjsonproxy.errors import OperationAbortedError, RefusedError, RemoteError

PEAK = 43  # strongest channel of the recording; benchmarks and demo find it by an independent FFT


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpectrometerArray]:
    """One that replays, for tests after which it takes scans."""
    folder = tmp_path_factory.mktemp("replaying")
    with SpectrometerArray(folder, "simulate", recording=recording()) as array:
        yield array


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpectrometerArray]:
    """One that rehearses, for tests that leave it as they found it."""
    with SpectrometerArray(tmp_path_factory.mktemp("shared"), "simulate") as array:
        yield array


@pytest.fixture
def rehearsing(tmp_path: Path) -> Iterator[SpectrometerArray]:
    with SpectrometerArray(tmp_path, "simulate") as array:
        yield array


def files(array: SpectrometerArray, project: str = "") -> list[Path]:
    return sorted((array.data / project).rglob("*.fits"))


def test_a_dealer_runs_a_scan_on_two_players_that_start_on_one_second(tmp_path: Path) -> None:
    with (
        SpectrometerArray(tmp_path, "simulate", recording=recording(), banks=2) as array,
        dealer.Dealer(array.urls) as d,
    ):
        d.add_active_player("BANKA", "BANKB")
        d.set_mode("MODE1")
        d.set_param(exposure=0.5, scan_length=2.0, project_id="TEST", source="J1810+1744")
        d.prepare()
        started = d.start()
        assert all(answer[0] is True for answer in started.values())
        assert all(answer[0] for answer in d.scan_status().values())
        d.wait_for_scan(every=0.2)
        reports = d.scan_report()
        status = d.get_status()
        assert {r["outcome"] for r in reports.values()} == {"done"}
        assert len({str(r["start"]) for r in reports.values()}) == 1
        for bank, report in reports.items():
            with fits.open(array.data / "TEST" / report["file"]) as hdus:
                header, table = {**hdus[0].header, **hdus[1].header}, hdus[1].data
                assert len(table) == 2 * report["integrations"] == 2 * 4
                assert (
                    np.asarray(table["DATA"], float).mean(axis=0).argmax()
                    == PEAK
                    == report["peak_channel"]
                )
                wanted = {
                    "SIMULATE": 1,
                    "DATASRC": "sample_puppi.raw",
                    "BANKNAM": bank,
                    "SRC_NAME": "J1810+1744",
                }
                assert {key: header.get(key) for key in wanted} == wanted
                assert header["NLOOPS"] >= 3
                assert header["REPLAYRT"] > 0
            assert status[bank]["SCANREM"] == "scan terminated"
            assert status[bank]["SIMULATE"] == 1
    assert len(files(array)) == 2


def test_stop_reaches_a_bank_in_the_middle_of_set_mode(tmp_path: Path) -> None:
    array = SpectrometerArray(tmp_path, "simulate", recording=recording(), time_scale=0.5)
    with array, bank_of(array.urls["BANKA"]) as bank:
        outcome: list[BaseException | object] = []

        def change() -> None:
            try:
                outcome.append(bank.set_mode("MODE1"))
            except Exception as error:
                outcome.append(error)

        thread = threading.Thread(target=change)
        thread.start()
        poll(lambda: bank.get_status().get("DAQSTATE") == "starting", "the mode change has begun")
        assert bank.get_mode() is None
        assert bank.stop() == [True, "Mode change aborted; no mode is set"]
        thread.join(30)
        assert isinstance(outcome[0], OperationAbortedError)
        with pytest.raises(RemoteError, match="no mode is set"):
            bank.set_param(exposure=1.0)
        assert bank.set_mode("MODE1") == [True, "new mode MODE1 set!"]


def test_an_armed_start_without_commit_is_taken_back(shared: SpectrometerArray) -> None:
    with bank_of(shared.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        when = bank.earliest_start()[1]
        assert bank.arm(when)[0] is True
        assert bank.scan_status()[0] is True
        with pytest.raises(RefusedError, match="a scan has been started already, it is armed"):
            bank.earliest_start()
        poll(lambda: not bank.scan_status()[0], "taken back")
        assert bank.scan_report()["outcome"] == "failed"
        assert "not committed in time" in bank.scan_report()["error"]
        with pytest.raises(RefusedError, match="no start is armed"):
            bank.commit(when)


def test_no_start_is_promised_while_a_program_is_not_ready(shared: SpectrometerArray) -> None:
    with bank_of(shared.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_status(DAQSTATE="starting")
        with pytest.raises(RefusedError, match="not ready yet: start again in some seconds"):
            bank.earliest_start()
        bank.set_status(DAQSTATE="stopped")
        assert bank.earliest_start()[0] is True


def test_a_committed_start_becomes_a_scan_and_a_disarmed_one_does_not(
    shared: SpectrometerArray,
) -> None:
    with bank_of(shared.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_param(scan_length=1.0)
        when = bank.earliest_start()[1]
        bank.arm(when)
        with pytest.raises(RefusedError, match="armed for"):
            bank.commit([*when[:5], (when[5] + 1) % 60, 0])
        assert bank.commit(when)[0] is True
        assert bank.commit(when)[0] is True  # a Dealer that asks twice after a lost answer
        assert bank.disarm_start() == [True, "Start taken back"]
        assert bank.disarm_start() == [True, "Nothing was armed"]
        assert bank.scan_report()["outcome"] == "aborted"
        when = bank.earliest_start()[1]
        bank.arm(when)
        bank.commit(when)
        poll(lambda: bank.get_status("ARMSTATE") == "armed", "armed")
        poll(lambda: not bank.scan_status()[0], "ended by itself")
        assert bank.scan_report()["outcome"] == "done"


def test_a_rehearsed_scan_counts_down_and_ends(shared: SpectrometerArray) -> None:
    with bank_of(shared.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_param(scan_length=2.0)
        bank.prepare()
        bank.start()
        seen: set[Any] = set()

        def ended() -> bool:
            seen.add(bank.get_status("SCANREM"))
            return not bank.scan_status()[0]

        poll(ended, "the scan ended")
        numbers = {value for value in seen if isinstance(value, int)}
        assert numbers & {0, 1, 2}
        assert all(0 <= number <= 10 for number in numbers)
        assert bank.get_status("SCANREM") == "scan terminated"


def test_stop_ends_a_scan_with_its_file_complete(replaying: SpectrometerArray) -> None:
    with bank_of(replaying.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_param(exposure=0.2, scan_length=60.0, project_id="STOP")
        bank.prepare()
        with pytest.raises(RefusedError, match="No scan running!"):
            bank.stop()
        with pytest.raises(RemoteError, match="and 256 are kept for scans; set_mode empties it"):
            for number in range(2304 // 64):  # callers may fill the status memory, and scans go on
                bank.set_status(**{f"K{number:02d}_{n}": n for n in range(64)})
        bank.start()
        with pytest.raises(RefusedError, match="started already"):
            bank.start()
        with pytest.raises(RefusedError, match="a scan is waiting"):
            bank.prepare()
        with pytest.raises(RefusedError, match="a scan is waiting; stop it first, or use force"):
            bank.set_mode("MODE3")
        poll(lambda: (bank.get_status().get("DAQNINT") or 0) >= 3, "three integrations")
        assert bank.stop() == [True, "Scan ended"]
        report = bank.scan_report()
        assert (report["outcome"], report["error"]) == ("stopped", "")
        with fits.open(files(replaying, "STOP")[0]) as hdus:
            assert len(hdus[1].data) == 2 * report["integrations"] >= 6


def start_long_scan(bank: Any) -> None:
    """Start a scan of a minute; it has two integrations."""
    bank.set_mode("MODE1")
    bank.set_param(exposure=0.2, scan_length=60.0, project_id="LONG")
    bank.set_scan_number(1)
    bank.prepare()
    bank.start()
    poll(lambda: (bank.get_status().get("DAQNINT") or 0) >= 2, "two integrations")


def test_a_daq_that_dies_is_the_scans_failure_and_the_next_scan_works(
    replaying: SpectrometerArray,
) -> None:
    with bank_of(replaying.urls["BANKA"]) as bank:
        start_long_scan(bank)
        (child,) = psutil.Process(replaying.players["BANKA"].process.pid).children()
        child.kill()
        with dealer.Dealer(replaying.urls) as d:
            with pytest.raises(
                PlayersError, match="BANKA: ScanFailedError: scan 2 failed: spectrometer-daq ended"
            ):
                d.wait_for_scan(every=0.1)
        report = bank.scan_report()
        assert report["outcome"] == "failed"
        assert "spectrometer-daq ended during the scan, exit status -9" in report["error"]
        with fits.open(files(replaying, "LONG")[0]) as hdus:
            assert len(hdus[1].data) >= 2
        bank.set_param(scan_length=1.0)
        bank.start()
        poll(lambda: not bank.scan_status()[0], "the next scan ended")
        assert bank.scan_report()["outcome"] == "done"


def test_sigterm_during_a_scan_ends_player_and_daq_with_the_file_complete(tmp_path: Path) -> None:
    with SpectrometerArray(tmp_path, "simulate", recording=recording()) as array:
        with bank_of(array.urls["BANKA"]) as bank:
            start_long_scan(bank)
        (child,) = psutil.Process(array.players["BANKA"].process.pid).children()
        run = array.players["BANKA"]
        assert run.end(signal.SIGTERM)[0] == 0
        assert (
            "did not end, sending" not in run.text
        )  # of the daq: it ended within the time that it is given
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        with fits.open(files(array)[0]) as hdus:
            assert len(hdus[1].data) >= 4


def _quietly(ask: Any) -> Any:
    try:
        return ask()
    except Exception:
        return None


def test_scan_number_goes_on_after_a_restart(rehearsing: SpectrometerArray) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        bank.set_scan_number(41)
        bank.increment_scan_number()
        assert bank.get_status(["SCANNUM", "SCAN"]) == {"SCANNUM": 42, "SCAN": 42}
        for keys in ("scannun", ["SCAN", "SCANNUN"]):  # one rule, whatever the form
            with pytest.raises(
                RefusedError, match=r"not in the status memory: (?i:scannun); did you mean SCANNUM"
            ):
                bank.get_status(keys)
        rehearsing.players["BANKA"].end(signal.SIGTERM)
        rehearsing.run("BANKA")
        poll(
            lambda: _quietly(lambda: bank.get_status("SCANNUM") == 42), "the number is there again"
        )


FOREIGN = """
import sys
from spectrometer.status import StatusBuffer
key, semaphore = int(sys.argv[1]), sys.argv[2]
with StatusBuffer(key, semaphore) as status:
    status.update({"DAQSTATE": "stopped", "NETSTAT": "init", "SCANSTAT": "stopped"})
    for line in sys.stdin:
        word = line.strip().upper()
        if word == "START":
            status.update({"DAQSTATE": "running", "SCANSTAT": "running", "NETSTAT": "receiving", "DAQNINT": 7})
        elif word == "STOP":
            status.update({"DAQSTATE": "stopped", "SCANSTAT": "stopped", "NETSTAT": "waiting"})
        elif word == "QUIT":
            break
"""


def test_a_foreign_data_taking_program_is_fed_the_originals_words(tmp_path: Path) -> None:
    program = tmp_path / "foreign_daq"
    array = SpectrometerArray(tmp_path, board=False, daq=program)
    key = array.status_key("BANKA")
    (tmp_path / "foreign.py").write_text(FOREIGN)
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} {tmp_path / 'foreign.py'} {key} /test_status_{key:x}\n"
    )
    os.chmod(program, 0o755)
    with array, bank_of(array.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_param(scan_length=1.0)
        bank.start()
        poll(lambda: not bank.scan_status()[0], "the scan ended")
        report = bank.scan_report()
        assert (report["outcome"], report["integrations"]) == ("done", 7)
        assert bank.get_status("SIMULATE") == 0
