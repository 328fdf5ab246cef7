"""Losses in the middle of a scan: a board that is lost, a data-taking program that
hangs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import psutil
from support.player_run import PlayerRun, bank_of, clean_environment, poll
from support.spectrometer_array import write_array

from player import Bank

ROOT = Path(__file__).parents[2]


def test_a_board_that_is_lost_in_a_scan_is_told_while_it_runs_and_ends_it_without_its_image(
    tmp_path: Path,
) -> None:
    config = tmp_path / "array.toml"
    write_array(config, arm_delay_s=2.0)
    with Bank(
        "BANKA", config=config, simulate=True, environment={"DIBAS_DATA": str(tmp_path)}
    ) as bank:
        bank.set_mode("MODE1")
        bank.set_param(scan_length=60.0, exposure=0.5)
        bank.prepare()
        bank.start()
        poll(lambda: bank.get_status().get("BOARDST") == "answers", "the scan")
        bank.roach.request("sim-fault", ["drop", "status"])
        poll(lambda: str(bank.get_status("BOARDST")).startswith("lost"), "the loss")
        assert bank.scan_status()[
            0
        ]  # data may go on; only what is left of them at the end fails the scan
        bank.roach.request("sim-fault", ["none"])
        poll(lambda: bank.get_status("BOARDST") == "answers", "the board's return")
        bank.roach.request("sim-fault", ["unprogrammed"])
        poll(lambda: not bank.scan_status()[0], "the end of the scan")
        report = bank.scan_report()
        assert report["outcome"] == "failed"
        assert "runs no image any more, found at" in report["error"]
        assert "after it did not answer:" in report["error"]


def test_a_program_that_hangs_in_a_scan_fails_it_long_before_its_end(tmp_path: Path) -> None:
    config, program = tmp_path / "array.toml", tmp_path / "daq"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {ROOT / 'examples' / 'foreign_daq.py'}\n")
    program.chmod(0o755)
    url = write_array(config, board=False, arm_delay_s=2.5, daq=program)["BANKA"]
    config.write_text(config.read_text().replace("[dealer]", "daq_silent_s = 3\n[dealer]", 1))
    environment = clean_environment(DIBAS_DATA=str(tmp_path / "data"))
    with PlayerRun(
        "BANKA", url, "--config", config, log=tmp_path / "log", env=environment
    ) as player:
        player.wait_ready()
        with bank_of(url) as bank:
            bank.set_mode("MODE1")
            bank.set_param(scan_length=3600.0, exposure=0.5)
            bank.prepare()
            bank.start()
            (child,) = psutil.Process(player.process.pid).children()
            child.suspend()
            poll(lambda: not bank.scan_status()[0], "the end of the scan")
            report = bank.scan_report()
            assert report["outcome"] == "failed"
            assert report["error"].startswith(
                "daq hangs: its heartbeat (DAQPULSE) has stood still at "
            )
            assert report["error"].endswith("; it is ended and started anew")
            assert not child.is_running()
            bank.set_param(scan_length=1.0)
            bank.start()
            poll(lambda: not bank.scan_status()[0], "the end of the next scan")
            assert bank.scan_report()["outcome"] == "done"
        player.end(signal.SIGTERM)
