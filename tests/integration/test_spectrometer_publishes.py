"""What a spectrometer Bank publishes, as its subscribers see it."""

from __future__ import annotations

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
