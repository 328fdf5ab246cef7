"""Control of a real Player: published, and kept when the Player is started again."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.toy_bank import write_configuration

from dealer import Dealer, PlayersError
from player.config import load
from player.host import Host
from zmqjsonproxy.errors import NotInControlError


def started(folder: Path) -> Host:
    path = folder / "dibas.toml"
    if not path.exists():
        write_configuration(path, {"BANKA": {}})
    host = Host(
        load(path), "BANKA", "tcp://127.0.0.1:*", data_root=folder, state_dir=folder / "state"
    )
    host.open()
    host.wait_until_ready()
    return host


def test_control_outlives_three_starts_of_its_player_and_is_published(tmp_path: Path) -> None:
    with started(tmp_path) as host, Dealer({"BANKA": host.url}) as d:
        with d.subscribe("control") as published:
            updates = iter(published)
            assert next(updates).value["owner"] is None
            taken = d.take_control("night", minutes=60, stays=True)["BANKA"]
            assert next(updates).value["number"] == taken.number == 1
        assert d.nap(0.0) == {"BANKA": "slept"}
        with pytest.raises(NotInControlError, match="night"):  # as endpoints of the site ask
            host._check_control()
    ends = []
    for _ in range(3):
        with started(tmp_path) as host, Dealer({"BANKA": host.url}) as d:
            with pytest.raises(PlayersError, match="night"):
                d.nap(0.0)
            with pytest.raises(PlayersError, match="night"):
                d.take_control("also")
            ends.append(d.who_controls()["BANKA"].until)
            d.use_control({"BANKA": taken.credential})
            assert d.nap(0.0) == {"BANKA": "slept"}
    assert ends == [taken.until] * 3
    with started(tmp_path) as host, Dealer({"BANKA": host.url}) as d:
        d.use_control({"BANKA": taken.credential})
        d.release_control()
        assert d.take_control("day")["BANKA"].number == 2
