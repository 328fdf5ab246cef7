"""A Bank with a synthetic receiver beside its recording: chosen by status key, a full disk, a
damaged status memory."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import sysv_ipc
from astropy.io import fits
from support.player_run import PlayerRun, clean_environment, poll
from support.recordings import recording
from support.spectrometer_array import write_array

from player.config import load
from spectrometer.config import SpectrometerBankConfig
from spectrometer.status import StatusBuffer
from spectrometer.status.protocol.cards import find_end
from zmqjsonproxy.client import ZMQJSONProxyClient
from zmqjsonproxy.errors import RemoteError

RECEIVER = "synthetic = { cal_k = 10.0, tsys_k = [20.0, 20.0], correlation = 0.5, seed = 3 }, flush_rows = 1"
EXPOSURE_S, SCAN_S = 0.5, 1.5
CALL_S = 60.0  # a mode change starts a program, on a loaded machine


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "array.toml"
    write_array(path, recording=recording(), arm_delay_s=2.0, board=False)
    text = path.read_text()
    source = f'source = {{ file = "{recording()}"'
    assert source in text
    path.write_text(text.replace(source, f"{source}, {RECEIVER}"))
    return path


@pytest.fixture
def player(config: Path, tmp_path: Path) -> Iterator[PlayerRun]:
    url = f"tcp://127.0.0.1:{load(config).banks['BANKA'].player_port}"
    environment = clean_environment(DIBAS_DATA=str(tmp_path / "data"))
    words = ("BANKA", url, "simulate", "--config", config)
    with PlayerRun(*words, log=tmp_path / "player.log", env=environment) as run:
        run.wait_ready()
        yield run
        run.end(signal.SIGTERM)


@contextlib.contextmanager
def bank_of(port: int | None) -> Iterator[Any]:
    with ZMQJSONProxyClient(None, "bank", f"tcp://127.0.0.1:{port}", CALL_S) as proxy:
        yield proxy


def prepare(bank: Any, **parameters: Any) -> None:
    bank.set_mode("MODE1")
    bank.set_param(exposure=EXPOSURE_S, scan_length=SCAN_S, project_id="SYN", **parameters)
    bank.set_gbt_ss(0.1, [(0.0, 0, 1, 0.02), (0.5, 0, 0, 0.02)])
    bank.prepare()


def is_started(bank: Any) -> bool:
    """Start; False: the program was too slow for the second that was chosen."""
    try:
        bank.start()
    except RemoteError as error:
        if "it is slow: give it more time" not in str(error):
            raise
        return False
    return True


def scan(bank: Any) -> dict[str, Any]:
    poll(lambda: is_started(bank), "a start that a busy machine keeps up with")
    poll(
        lambda: bank.scan_report()["outcome"] not in ("starting", "waiting", "running"),
        "the end of the scan",
    )
    report: dict[str, Any] = bank.scan_report()
    return report


def test_a_status_key_chooses_and_the_states_differ_by_the_diode(
    config: Path, tmp_path: Path, player: PlayerRun
) -> None:
    with bank_of(load(config).banks["BANKA"].player_port) as bank:
        prepare(bank)
        bank.set_status(DAQSRC="SYNTHETIC")
        report = scan(bank)
        assert (report["outcome"], report["error"]) == ("done", "")
        with fits.open(tmp_path / "data" / "SYN" / report["file"]) as units:
            header, data = units[0].header, units["SPECTRA"].data
            assert (header["SIMULATE"], header["DATASRC"], header["SIMCAL"]) == (
                True,
                "synthetic receiver",
                10.0,
            )
            assert "computed" in str(header["HISTORY"])
            levels = [
                data["DATA"][(data["CAL"] == cal) & (data["POL"] == "XX")].mean() for cal in (1, 0)
            ]
        # 20 K against 30 K: half as much again; what reaches over the ends of a state is left out
        assert 9.5 < float(np.subtract(*levels)) * header["SIMKPCNT"] < 10.5
        bank.set_status(DAQSRC="TELESCOPE")
        with pytest.raises(
            RemoteError, match="DAQSRC is TELESCOPE; expected RECORDING or SYNTHETIC"
        ):
            bank.start()
        bank.set_status(DAQSRC="RECORDING")
        with pytest.raises(
            RemoteError, match=r"state 0 lasts 0\.03\d* s less blanking; 8 taps need 0\.3\d* s"
        ):
            bank.start()  # the recording has fewer samples in a second, and a spectrum takes longer
        bank.set_gbt_ss(0.1, [(0.0, 0, 0, 0.0)])
        bank.prepare()
        report = scan(bank)
        with fits.open(tmp_path / "data" / "SYN" / report["file"]) as units:
            assert units[0].header["DATASRC"] == "sample_puppi.raw"


def test_a_player_starts_on_a_damaged_memory_and_puts_it_right_when_asked(
    config: Path, tmp_path: Path
) -> None:
    table = load(config).banks["BANKA"]
    assert isinstance(table, SpectrometerBankConfig)
    names = table.status_memory
    StatusBuffer(names.key, names.semaphore).close()
    memory = sysv_ipc.SharedMemory(names.key, 0, size=0)
    memory.write(b"\xa5" * 184320)
    memory.detach()
    words = ("BANKA", f"tcp://127.0.0.1:{table.player_port}", "simulate", "--config", config)
    environment = clean_environment(DIBAS_DATA=str(tmp_path / "data"))
    with (
        PlayerRun(*words, log=tmp_path / "player.log", env=environment) as run,
        bank_of(table.player_port) as bank,
    ):
        run.wait_ready()
        assert bank.check_status()[0].startswith("cards 0 to 2303 (byte 0): bytes that are no text")
        assert bank.repair_status()["found"]
        bank.set_scan_number(4)
        assert bank.get_status("SCANNUM") == 4
        run.end(signal.SIGTERM)


def test_a_full_disk_and_a_damaged_memory_are_told_and_survived(
    config: Path, tmp_path: Path, player: PlayerRun
) -> None:
    table = load(config).banks["BANKA"]
    assert isinstance(table, SpectrometerBankConfig)
    with bank_of(table.player_port) as bank:
        prepare(bank)
        bank.set_status(DAQSRC="SYNTHETIC")
        (program,) = psutil.Process(player.process.pid).children()
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        report = scan(bank)
        assert (report["outcome"], report["error"]) == ("failed", "disk full: File too large")
        with fits.open(tmp_path / "data" / "SYN" / report["file"]) as units:
            units.verify("exception")
            assert len(units["SPECTRA"].data) == bank.get_status("DAQNROW") > 0
        resource.prlimit(
            program.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )

        assert bank.check_status() == []
        values = bank.get_status()
        memory = sysv_ipc.SharedMemory(table.status_memory.key, 0, size=0)
        end = find_end(bytes(memory.read()))
        assert end is not None
        memory.write(b"\xa5" * 300, end)
        memory.detach()
        (first, *_others) = bank.check_status()
        (told,) = [each["text"] for each in bank.get_findings() if first in each["text"]]
        assert told.startswith("the status memory is damaged: ")
        assert first.startswith(
            f"cards {end // 80} to {end // 80 + 3} (byte {end}): bytes that are no text: a5 a5"
        )
        poll(
            lambda: "repair_status puts it right: cards" in (tmp_path / "player.log").read_text(),
            "a line in the log",
        )
        with pytest.raises(RemoteError, match="is damaged, repair_status puts it right"):
            bank.set_status(OBSERVER="me")
        found = bank.repair_status()
        assert found["found"][0] == first
        kept = Path(found["kept"]).read_bytes()
        assert (len(kept), kept[end : end + 300]) == (184320, b"\xa5" * 300)
        assert bank.check_status() == []
        assert bank.repair_status() == {"found": [], "kept": ""}
        after = bank.get_status()
        assert {key: after[key] for key in values if key != "DAQPULSE"} == {
            key: value for key, value in values.items() if key != "DAQPULSE"
        }
        assert scan(bank)["outcome"] == "done"
