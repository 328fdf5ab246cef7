"""Spectrometer Banks in real Players, on the real recording: what an observer does, and what goes
wrong at night."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import sysv_ipc
import zmq
from astropy.io import fits
from support.original_client import OriginalClient
from support.player_run import PlayerRun, bank_of, clean_environment, free_port, player, poll
from support.recordings import recording
from support.spectrometer_array import write_array

import dealer
from dealer.errors import PlayersError
from player.config import load
from spectrometer.config import SpectrometerBankConfig
from spectrometer.instruments.simulators.roach import BoardSimulator
from spectrometer.status.buffer import StatusBuffer
from zmqjsonproxy.errors import OperationAbortedError, RefusedError, RemoteError

PEAK = 43  # strongest channel of the recording; benchmarks and demo find it by an independent FFT


class Array:
    """Players of a configuration; ended, and their status memories looked for, at the end."""

    def __init__(self, directory: Path, *words: str, **options: Any) -> None:
        self.data = directory / "data"
        self.config = directory / "array.toml"
        self.urls = write_array(self.config, **options)
        self.players: dict[str, PlayerRun] = {}
        self._words = words
        self._directory = directory

    def run(self, bank: str) -> PlayerRun:
        environment = clean_environment(DIBAS_DATA=str(self.data))
        log = self._directory / f"{bank}.{time.monotonic_ns()}.log"
        run = PlayerRun(
            bank, self.urls[bank], *self._words, "--config", self.config, log=log, env=environment
        )
        self.players[bank] = run
        run.wait_ready()
        return run

    def status_key(self, bank: str) -> int:
        table = load(self.config).banks[bank]
        assert isinstance(table, SpectrometerBankConfig)
        return table.status_memory.key

    def status(self, bank: str) -> StatusBuffer:
        table = load(self.config).banks[bank]
        assert isinstance(table, SpectrometerBankConfig)
        return StatusBuffer(table.status_memory.key, table.status_memory.semaphore, create=False)

    def __enter__(self) -> Array:
        for bank in self.urls:
            self.run(bank)
        return self

    def __exit__(self, *_exc: object) -> None:
        for run in self.players.values():
            if run.process.poll() is None:
                run.end(signal.SIGTERM)
        for bank, run in self.players.items():
            run.__exit__(None, None, None)
            with pytest.raises(sysv_ipc.ExistentialError):
                sysv_ipc.SharedMemory(self.status_key(bank), 0, size=0)


@pytest.fixture
def replaying(tmp_path: Path) -> Iterator[Array]:
    with Array(tmp_path, "simulate", recording=recording()) as array:
        yield array


@pytest.fixture
def rehearsing(tmp_path: Path) -> Iterator[Array]:
    with Array(tmp_path, "simulate") as array:
        yield array


def files(array: Array) -> list[Path]:
    return sorted(array.data.rglob("*.fits"))


def test_a_dealer_runs_a_scan_on_two_players_that_start_on_one_second(tmp_path: Path) -> None:
    with (
        Array(tmp_path, "simulate", recording=recording(), banks=2) as array,
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
    array = Array(tmp_path, "simulate", recording=recording(), time_scale=0.5)
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


def test_an_armed_start_without_commit_is_taken_back(rehearsing: Array) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
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


def test_no_start_is_promised_while_a_program_is_not_ready(rehearsing: Array) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_status(DAQSTATE="starting")
        with pytest.raises(RefusedError, match="not ready yet: start again in some seconds"):
            bank.earliest_start()
        bank.set_status(DAQSTATE="stopped")
        assert bank.earliest_start()[0] is True


def test_a_committed_start_becomes_a_scan_and_a_disarmed_one_does_not(rehearsing: Array) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
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


def test_a_rehearsed_scan_counts_down_and_ends(rehearsing: Array) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
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


def test_stop_ends_a_scan_with_its_file_complete(replaying: Array) -> None:
    with bank_of(replaying.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_param(exposure=0.2, scan_length=60.0)
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
        with fits.open(files(replaying)[0]) as hdus:
            assert len(hdus[1].data) == 2 * report["integrations"] >= 6


def start_long_scan(bank: Any) -> None:
    """Start a scan of a minute; it has two integrations."""
    bank.set_mode("MODE1")
    bank.set_param(exposure=0.2, scan_length=60.0)
    bank.prepare()
    bank.start()
    poll(lambda: (bank.get_status().get("DAQNINT") or 0) >= 2, "two integrations")


def test_a_daq_that_dies_is_the_scans_failure_and_the_next_scan_works(replaying: Array) -> None:
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
        with fits.open(files(replaying)[0]) as hdus:
            assert len(hdus[1].data) >= 2
        bank.set_param(scan_length=1.0)
        bank.start()
        poll(lambda: not bank.scan_status()[0], "the next scan ended")
        assert bank.scan_report()["outcome"] == "done"


def test_sigterm_during_a_scan_ends_player_and_daq_with_the_file_complete(tmp_path: Path) -> None:
    with Array(tmp_path, "simulate", recording=recording()) as array:
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


def test_scan_number_goes_on_after_a_restart(rehearsing: Array) -> None:
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


def _quietly(ask: Any) -> Any:
    try:
        return ask()
    except Exception:
        return None


def test_clients_of_the_original_get_its_shapes(rehearsing: Array) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 20_000)
        socket.connect(rehearsing.urls["BANKA"])

        def ask(proc: str, *args: Any, **kwargs: Any) -> Any:
            socket.send(
                json.dumps({"name": "bank", "proc": proc, "args": args, "kwargs": kwargs}).encode()
            )
            return json.loads(socket.recv())

        assert ask("get_mode") is None
        assert (
            ask("get_status")
            is ask("get_status", "SCANNUM")
            is ask("get_status", ["SCANNUM"])
            is None
        )
        assert ask("start")[0] is False
        assert "no mode is set" in ask("earliest_start")[1]
        assert ask("set_mode", "NOPE")[0] is False
        assert ask("set_mode", None)[0] is False
        assert ask("set_mode", "MODE1") == [True, "new mode MODE1 set!"]
        kept = "mode MODE1 is already set, use force; parameters and switching states are kept"
        assert ask("set_param", source="KEPT") is True
        assert ask("set_mode", "MODE1", 1500.0) == [False, kept]
        assert ask("get_param", "source") == "KEPT"
        assert {"MODE1", "MODE29", "INCO_MODE_64"} <= set(ask("list_modes"))
        assert ask("set_param", filter_bw=800)[0] is False
        assert ask("set_param", exposure=0.1) is True
        assert "EXCEPTION" in ask("set_param", nonsense=1)
        assert ask("get_param", "exposure") == 0.1
        assert "Hz" in ask("help_param", "cal_freq")
        assert ask("set_gbt_ss", 0.1, [[0.0, 0, 1, 0.002], [0.5, 0, 0, 0.002]]) == [True, 4]
        assert ask("clear_switching_states") == [True, 0]
        assert ask("add_switching_state", 0.5, False, True) == [True, 1]
        assert ask("prepare") is None
        assert ask("scan_status")[0] is False
        assert ask("stop") == [False, "No scan running!"]
        assert ask("monitor")[0] is True
        assert ask("stop") == [True, "Ending monitor mode."]
        assert ask("set_status", OBSID="night 7", LST=1.5) is None
        assert ask("get_status", ["OBSID", "LST", "NOSUCH"]) == {"OBSID": "night 7", "LST": "1.5"}
        assert ask("get_status", "OBSID") == "night 7"
        assert "KeyError" in ask("get_status", "NOSUCH")["EXCEPTION"][0]
        assert ask("set_param", scan_length=1.0) is True
        answer = ask("start", None)
        assert answer[0] is True
        assert "Starting at" in answer[1]
        assert ask("scan_status")[0] is True
        assert ask("earliest_start")[0] is True  # the original's Dealer unpacks a time
        assert ask("start")[0] is False
        assert ask("stop") == [True, "Scan ended"]
        socket.send(b'{"name": "bank.roach", "proc": "list_methods", "args": [], "kwargs": {}}')
        assert {"listdev", "progdev", "read_int", "write_int"} <= {
            name for name, _doc in json.loads(socket.recv())
        }
        socket.send(b'{"name": "bank.valon", "proc": "get_frequency", "args": [0], "kwargs": {}}')
        assert json.loads(socket.recv()) == 1500.0


def test_a_start_of_the_original_is_answered_when_the_board_is_armed_and_others_meanwhile(
    rehearsing: Array,
) -> None:
    url = rehearsing.urls["BANKA"]
    with OriginalClient(url) as old, OriginalClient(url) as other, bank_of(url) as bank:
        bank.set_mode("MODE1")
        bank.set_param(scan_length=1000.0)
        bank.prepare()
        message = {"name": "bank", "proc": "start", "args": [], "kwargs": {}}
        old.socket.send(json.dumps(message).encode())
        poll(lambda: other.ask("get_status", "ARMSTATE") == "waiting", "the start")
        assert other.ask("get_mode") == "MODE1"
        assert old.socket.poll(0) == 0 or other.ask("get_status", "ARMSTATE") == "armed"
        assert json.loads(old.socket.recv())[0] is True
        assert other.ask("get_status", "ARMSTATE") == "armed"
        assert other.ask("stop") == [True, "Scan ended"]


def test_status_values_are_texts_for_clients_of_the_original_only(rehearsing: Array) -> None:
    texts = {  # Python 2 wrote floats with 12 digits
        "NCHAN": "1024",
        "EXPOSURE": "1.000341504",
        "FPGACLK": "187500000.0",
        "CHAN_BW": "1464843.75",
        "EFSAMPFR": "3000000000.0",
        "NUMPHASE": "1",
        "_SPHS_01": "0.0",
        "_SSRF_01": "0",
        "FLAG": "True",
        "LONG": "1.00034149867",
        "TINY": "1e-20",
        "LARGE": "1.23456789012e+12",
    }
    url = rehearsing.urls["BANKA"]
    with OriginalClient(url) as old, bank_of(url) as bank:
        bank.set_mode("MODE1")
        more: dict[str, Any] = {"LARGE": 1234567890123.4, "TEXT": "0.10", "TAKEN": 1.5}
        old.ask("set_status", FLAG=True, LONG=1.0003414986666668, TINY=1e-20, **more)
        with rehearsing.status("BANKA") as program:
            program.update({"DAQNINT": 7, "TAKEN": 2.5})
        values, given = bank.get_status(), old.ask("get_status")
        assert {key: given[key] for key in texts} == texts
        assert (values["FLAG"], values["LONG"], given["TEXT"]) == (1, 1.0003414986666668, "0.10")
        assert type(values["EXPOSURE"]) is float
        assert (given["DAQNINT"], given["TAKEN"]) == (7, 2.5)  # another wrote it last
        assert old.ask("get_status", "NCHAN") == "1024"
        assert given.keys() == values.keys()


def test_a_board_that_does_not_answer_is_named_and_no_mode_is_set(tmp_path: Path) -> None:
    config, port = tmp_path / "array.toml", free_port()
    urls = write_array(config)
    config.write_text(
        config.read_text().replace(
            'katcp_host = "nowhere.invalid"', f'katcp_host = "127.0.0.1", katcp_port = {port}'
        )
    )
    run = PlayerRun("BANKA", urls["BANKA"], "--config", config, log=tmp_path / "player.log")
    with run, bank_of(urls["BANKA"]) as bank:
        run.wait_ready()
        for _ in range(2):
            with pytest.raises(
                RemoteError, match=rf"board 127\.0\.0\.1:{port}: \?valon-new-port .*: no connection"
            ):
                bank.set_mode("MODE1")
            assert bank.get_mode() is None
        with (
            BoardSimulator({}, port=port),
            pytest.raises(RemoteError, match=r"\?progdev h1k_.*: fail no image h1k_"),
        ):
            bank.set_mode("MODE1")  # it is there now, but has no such image
        with pytest.raises(RemoteError, match=r"no mode is set .*set_mode\(MODE1\)"):
            bank.prepare()


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = tmp_path / "array.toml"
    urls = write_array(config, recording=tmp_path / "nowhere.raw")
    done = player("BANKA", urls["BANKA"], "simulate", "--config", config)
    assert done.returncode != 0
    assert f"banks.BANKA.source.file: there is no file {tmp_path / 'nowhere.raw'}" in done.stderr


def test_a_missing_program_fails_the_mode_change_and_names_it(tmp_path: Path) -> None:
    with Array(tmp_path, board=False) as array, bank_of(array.urls["BANKA"]) as bank:
        with pytest.raises(
            RemoteError,
            match="mode MODE1 could not be set up, no mode is set now: vegas_hpc_server",
        ):
            bank.set_mode("MODE1")
        assert bank.get_mode() is None
        with pytest.raises(RemoteError, match="no mode is set \\(set_mode\\(MODE1\\)"):
            bank.get_param("exposure")


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
    array = Array(tmp_path, board=False, daq=program)
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


def test_a_failed_prepare_changes_nothing_and_says_why(rehearsing: Array) -> None:
    with dealer.Dealer(rehearsing.urls) as d:
        d.set_mode("MODE1")
        before = d.get_status("EXPOSURE")
        d.clear_switching_states()
        with pytest.raises(PlayersError, match="there is no switching phase"):
            d.prepare()
        assert d.get_status("EXPOSURE") == before
        d.add_switching_state(1.0)
        d.prepare()


def test_the_configuration_is_read_again_or_says_what_is_wrong(
    rehearsing: Array, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        text = rehearsing.config.read_text()
        rehearsing.config.write_text(text.replace("[modes.MODE2]", "[modes.SPECIAL]"))
        assert bank.read_config_file() == "config file loaded."
        assert "SPECIAL" in (modes := bank.list_modes())
        assert "MODE2" not in modes
        broken = rehearsing.config.with_name("broken.toml")
        broken.write_text(text.replace("nchan = 1024", 'nchan = "many"'))
        assert "modes.MODE1.nchan" in bank.read_config_file(str(broken))
        assert "modes.MODE1.nchan" in bank.read_config_file("broken.toml")
        assert bank.list_modes() == modes
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        (elsewhere / "site.toml").write_text(
            '[banks.BANKA]\nkind = "no_such_module:X"\ntelescope = "${HOME}"\n'
        )
        os.mkfifo(fifo := rehearsing.config.with_name("fifo.toml"))
        (link := rehearsing.config.with_name("link.toml")).symlink_to(elsewhere / "site.toml")
        for path, says in (
            (elsewhere / "site.toml", "is not below the folders"),
            (link, "is not below the folders"),
            ("/dev/zero", "is not below the folders"),
            (fifo, "is no regular file"),
            ("none.toml", "No such file"),
            ("/proc/self/environ", "is not below the folders"),
        ):
            with pytest.raises(RefusedError, match=says):
                bank.read_config_file(str(path))
        assert bank.list_modes() == modes
        rehearsing.config.write_text(text)
        player = rehearsing.players["BANKA"]
        player.process.send_signal(signal.SIGHUP)
        told = "SIGHUP: BANKA reads its configuration again: config file loaded."
        poll(lambda: told in player.text, "a line in the log")
        assert "MODE2" in bank.list_modes()


def test_a_mode_that_the_file_describes_anew_is_not_taken_for_set(rehearsing: Array) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        bank.set_mode("MODE1", 1440.0)
        told = (
            "mode MODE1 is set already; parameters and switching states have their defaults again"
        )
        assert bank.set_mode("MODE1") == [True, told]
        assert bank.read_config_file() == "config file loaded."
        assert bank.set_mode("MODE1") == [True, "new mode MODE1 set!"]
        assert bank.get_status("FPGACLK") == 1500e6 / 8


def test_arguments_of_any_kind_get_an_answer_that_names_them(rehearsing: Array) -> None:
    strange: list[Any] = [-1, 1.5, 10**400, float("nan"), [1, [2]], {"a": [1]}, "x", True]
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        for method, allowed, text in [
            ("set_mode", [], "is not supported; .*list_modes names all"),
            ("get_param", [], "no such parameter; there are"),
            ("help_param", [], "no such parameter; there are"),
            ("get_status", ["x"], "expected None, the name of a key, or a list of names"),
            ("read_config_file", ["x"], "expected the path of a file"),
            ("set_scan_number", [], "expected a whole number"),
            ("commit", [], "the start time"),
            ("start", [], "the start time"),
            ("add_switching_state", [1.5, True], "switching phase|expected a number of s"),
            ("set_gbt_ss", [], "missing|required"),
        ]:
            for value in strange:
                if not any(value is item or value == item for item in allowed):
                    with pytest.raises((RefusedError, RemoteError), match=text) as caught:
                        getattr(bank, method)(value)
                    assert getattr(caught.value, "traceback", []) == []  # the sentence says it all
        for value in [0, *strange[2:]]:
            with pytest.raises((RefusedError, RemoteError), match="bandwidth"):
                bank.set_mode("MODE1", value)
        assert bank.get_mode() == "MODE1"
        assert bank.scan_status()[0] is False
