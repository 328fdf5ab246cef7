"""What a spectrometer Bank publishes, as its subscribers see it."""

from __future__ import annotations

import os
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sysv_ipc
from support.recordings import recording
from support.spectrometer_array import write_array

from dealer import Dealer
from player.testing import HostedBank


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[HostedBank]:
    write_array(tmp_path / "array.toml", recording=recording())
    sections = tomllib.loads((tmp_path / "array.toml").read_text())
    settings = sections.pop("banks")["BANKA"]
    settings["status_memory"]["publish_hz"] = 50
    with HostedBank("spectrometer", settings, sections=sections, folder=tmp_path) as one:
        yield one


@pytest.fixture
def d(hosted: HostedBank) -> Iterator[Dealer]:
    with Dealer(hosted.players) as one:
        one.add_active_player("BANKA")
        yield one


def test_all_of_the_status_memory_is_published_whoever_writes_it(
    hosted: HostedBank, d: Dealer
) -> None:
    d.set_status(OBSERVER="first")
    with d.subscribe("status.*") as sub:
        sub.wait_for(lambda u: (u.name, u.value) == ("status.OBSERVER", "first"), 30)
        memory = sysv_ipc.SharedMemory(hosted.bank.context.config.status_memory.key, 0, size=0)
        image = memory.read()
        memory.write(image.replace(b"'first   '", b"'another '"))
        memory.detach()
        sub.wait_for(lambda u: (u.name, u.value) == ("status.OBSERVER", "another"), 30)
        d.set_status(NEWKEY=5)
        assert sub.wait_for(lambda u: u.name == "status.NEWKEY", 30).value == 5
        d.set_mode("MODE1")
        sub.wait_for(lambda u: (u.name, u.value) == ("status.NEWKEY", None), 30)
        sub.wait_for(lambda u: (u.name, u.value) == ("status.MODESTAT", "set"), 30)
        assert not sub.lost


def test_a_scan_is_followed_from_its_start_to_its_end(hosted: HostedBank, d: Dealer) -> None:
    with d.subscribe(["mode", "daq"]) as state:
        first = state.wait_for(lambda u: u.name == "daq", 30).value
        assert first == {"program": None, "pid": None, "state": "none", "mode": None}
        d.set_mode("MODE1")
        modes = ["changing", "set"]
        for wanted in modes:
            state.wait_for(lambda u, w=wanted: u.name == "mode" and u.value["state"] == w, 30)
        running = state.wait_for(lambda u: u.name == "daq" and u.value["state"] == "stopped", 30)
    assert running.value["program"] == "spectrometer-daq"
    assert running.value["mode"] == "MODE1"
    d.set_param(exposure=0.25, scan_length=1.0)
    with d.subscribe("scan") as sub:
        assert not sub.next(30).value["is_over"]  # there was none
        d.start()
        over = sub.wait_for(lambda u: u.value["is_over"], 60).value
        assert not sub.lost
    assert (over["state"], over["outcome"], over["fraction"]) == ("idle", "done", 1.0)
    assert over["integrations"] == over["planned"] > 0
    assert {key: over[key] for key in d.scan_report()["BANKA"]} == d.scan_report()["BANKA"]
    with d.subscribe("scan") as late:
        assert late.next(30).value == over
    os.kill(running.value["pid"], signal.SIGKILL)
    with d.subscribe("daq") as sub:
        ended = sub.wait_for(lambda u: u.value["state"] == "ended", 30).value
    assert ended["pid"] is None
