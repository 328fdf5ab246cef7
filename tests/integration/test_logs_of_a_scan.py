"""The log of a Player and of its data-taking program through a scan, as one stream in one
format."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.player_run import ROOT, PlayerRun, clean_environment, poll
from support.recordings import recording
from support.spectrometer_array import write_array

from zmqjsonproxy.client import ZMQJSONProxyClient
from zmqjsonproxy.errors import RefusedError

PATIENCE_S = 240.0  # of a call; set_mode starts a process

LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?P<level>[A-Z]+) +(?P<program>[\w-]+)/(?P<bank>\w+)"
    r"(?: scan=(?P<scan>\d+))? (?P<logger>[\w.-]+): (?P<event>.*)"
)


def observe(tmp_path: Path, *words: str) -> str:
    """Run a scan of a second and a half with the level turned up and down; what the Player has
    logged."""
    config = tmp_path / "array.toml"
    urls = write_array(config, recording=recording())
    environment = clean_environment(DIBAS_DATA=str(tmp_path / "data"))
    arguments = ("BANKA", urls["BANKA"], "simulate", "--config", config, *words)
    with PlayerRun(*arguments, log=tmp_path / "log", env=environment) as run:
        poll(lambda: "ready: BANKA" in run.text, "ready")
        with ZMQJSONProxyClient(None, "bank", urls["BANKA"], PATIENCE_S) as bank:
            assert bank.get_log_level() == "info"
            assert bank.set_log_level("debug") == "info"
            with pytest.raises(
                RefusedError, match="'loud' is no level of a log; there are debug, info"
            ):
                bank.set_log_level("loud")
            bank.set_mode("MODE1")
            bank.set_param(exposure=0.5, scan_length=1.5)
            bank.prepare()
            assert bank.start()[0] is True
            poll(lambda: bank.scan_report().get("outcome") == "done", "the scan")
            bank.set_log_level("warning")
            run.process.send_signal(signal.SIGUSR1)
            poll(lambda: bank.get_log_level() == "debug", "SIGUSR1")
            run.process.send_signal(signal.SIGUSR1)
            poll(lambda: bank.get_log_level() == "warning", "the second SIGUSR1")
        assert run.end()[0] == 0
        return run.text


def check(records: list[dict[str, Any]]) -> None:
    assert {(record["program"], record["bank"]) for record in records} == {
        ("player", "BANKA"),
        ("spectrometer-daq", "BANKA"),
    }
    assert [record["event"] for record in records if record["level"].lower() == "debug"]
    during = [record for record in records if record.get("scan")]
    assert len({str(record["scan"]) for record in during}) == 1
    assert {record["program"] for record in during} == {"player", "spectrometer-daq"}
    armed = next(n for n, record in enumerate(records) if "is armed for" in record["event"])
    over = next(
        n for n, record in enumerate(records) if re.search(r"scan \d+: done", record["event"])
    )
    assert all(
        record.get("scan") for record in records[armed : over + 1] if record["program"] == "player"
    )
    assert not any(record.get("scan") for record in records[over + 1 :])
    assert any(record["event"].startswith("writing ") and record.get("scan") for record in records)
    assert [record["event"] for record in records[-3:]] == [
        "the level of the log is now warning; it was debug",
        "SIGUSR1: the level of the log is now debug",
        "SIGUSR1: the level of the log is now warning",
    ] or records[-1]["level"].lower() in ("warning", "error")


def test_every_line_of_a_scan_has_one_format(tmp_path: Path) -> None:
    lines = [text for text in observe(tmp_path).splitlines() if not text.startswith("    ")]
    matches = [LINE.fullmatch(text) for text in lines]
    assert [text for text, match in zip(lines, matches, strict=True) if match is None] == []
    check([match.groupdict() for match in matches if match is not None])


def test_with_log_json_every_line_is_an_object(tmp_path: Path) -> None:
    check([json.loads(text) for text in observe(tmp_path, "--log-json").splitlines()])


def test_the_data_taking_program_alone_has_the_same_options(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spectrometer.daq.program", "--source", "x", "--log-level", "loud"],
        capture_output=True,
        text=True,
        timeout=600,
        env=clean_environment(),
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert "invalid choice: 'loud'" in done.stderr
