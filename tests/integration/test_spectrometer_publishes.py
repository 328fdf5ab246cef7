"""Properties of a spectrometer Bank, as its subscribers see it."""

from __future__ import annotations

import importlib
import os
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sysv_ipc
from astropy.io import fits
from support.player_run import ROOT
from support.recordings import recording
from support.spectrometer_array import write_array

from dealer import Dealer
from player.testing import HostedBank
from spectrometer.daq.liveframes import live_path
from zmqjsonproxy.channels.updates import Update


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[HostedBank]:
    write_array(tmp_path / "array.toml", recording=recording())
    sections = tomllib.loads((tmp_path / "array.toml").read_text())
    settings = sections.pop("banks")["BANKA"]
    settings["status_memory"]["publish_hz"] = 50
    with HostedBank("spectrometer", settings, sections=sections, folder=tmp_path) as one:
        yield one
    assert not live_path(settings["status_memory"]["key"]).exists()  # of a killed program, too


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
        hosted.bank._status.remove(["NEWKEY"])  # type: ignore[attr-defined]  # as set_mode does
        sub.wait_for(lambda u: (u.name, u.value) == ("status.NEWKEY", None), 30)
        assert not sub.lost


def check_spectra(frames: list[Update], name: str, hosted: HostedBank) -> None:
    """Compare live spectra with those of the file."""
    (path,) = hosted.bank.context.data_root.rglob(name)
    with fits.open(path) as hdus:
        axis, table = hdus["SPECTRA"].header, hdus["SPECTRA"].data
        rows, mjd = np.asarray(table["DATA"], float), np.asarray(table["TIME"])
    for frame in frames:
        value, number = frame.value, frame.value["integration"]
        assert value["rows"] == ["XX", "YY"]
        assert (value["x_start"], value["x_delta"]) == (axis["CRVAL1"], axis["CDELT1"])
        assert value["data"].dtype == np.float32
        np.testing.assert_allclose(value["data"], rows[2 * number : 2 * number + 2], rtol=1e-6)
        assert frame.time == pytest.approx((mjd[2 * number] - 40587) * 86400, abs=1e-3)
    assert not any(frame.lost for frame in frames)


def test_a_scan_is_followed_from_its_start_to_its_end(
    hosted: HostedBank,
    d: Dealer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    with d.subscribe(["mode", "daq"]) as state:
        first = state.wait_for(lambda u: u.name == "daq", 30).value
        assert first == {
            "program": None,
            "pid": None,
            "state": "none",
            "mode": None,
            "no_spectrum": "no mode is set",
            "note": "",
        }
        d.set_mode("MODE1")
        modes = ["changing", "set"]
        for wanted in modes:
            state.wait_for(lambda u, w=wanted: u.name == "mode" and u.value["state"] == w, 30)
        running = state.wait_for(lambda u: u.name == "daq" and u.value["state"] == "stopped", 30)
    assert running.value["program"] == "spectrometer-daq"
    assert running.value["mode"] == "MODE1"
    d.set_param(exposure=0.25, scan_length=1.0)
    with d.subscribe("scan") as sub, d.subscribe("spectrum") as spectra:
        assert not sub.next(30).value["is_over"]  # there was none
        d.start()
        over = sub.wait_for(lambda u: u.value["is_over"], 60).value
        assert not sub.lost
        frames = [spectra.next(30)]  # a busy machine leaves some out, and never the last
        while frames[-1].value["integration"] < over["integrations"] - 1:
            frames.append(spectra.next(30))
    assert (over["state"], over["outcome"], over["fraction"]) == ("idle", "done", 1.0)
    assert over["integrations"] == over["planned"] > 0
    check_spectra(frames, over["file"], hosted)
    assert {key: over[key] for key in d.scan_report()["BANKA"]} == d.scan_report()["BANKA"]
    with d.subscribe("scan") as late:
        assert late.next(30).value == over
    follower = importlib.import_module("follow").Follower()
    follower.follow(d)
    told = capsys.readouterr().out
    assert f"100%  BANKA done {over['integrations']} of {over['planned']}" in told
    assert f"BANKA XX, integration {over['integrations'] - 1}, counts^2, " in told
    assert follower.received >= 1
    assert (follower.lost, follower.reopened) == (0, 0)
    killed = running.value["pid"]
    with d.subscribe("daq") as sub:
        os.kill(killed, signal.SIGKILL)  # and it is started anew at once
        sub.wait_for(lambda u: u.value["pid"] not in (None, killed), 60)
