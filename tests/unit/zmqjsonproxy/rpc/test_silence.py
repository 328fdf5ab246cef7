"""Silence of connections: what was not looked at for long is not judged by it."""

from __future__ import annotations

import pytest

from zmqjsonproxy.rpc import silence
from zmqjsonproxy.rpc.silence import Silence

KNOWN = {"tcp://talks:1": 1, "tcp://silent:1": 2}


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Silence:
    monkeypatch.setattr(silence, "_quiet_for", {1: 0.2, 2: 5.0}.get)
    return Silence(0.65)


def test_a_connection_is_silent_after_its_time(watch: Silence) -> None:
    found = [watch.look(KNOWN, 100 + 0.1 * step) for step in range(9)]
    assert found == [{}] * 7 + [{"tcp://silent:1": 2}] * 2


def test_who_looked_away_gives_the_whole_time_again(watch: Silence) -> None:
    for step in range(9):
        watch.look(KNOWN, 100 + 0.1 * step)
    assert watch.look(KNOWN, 120.0) == {}
    assert watch.look(KNOWN, 120.2) == {}


def test_what_is_no_connection_is_not_silent() -> None:
    assert silence._quiet_for(10**6) == 0
    with open(__file__, encoding="utf-8") as file:
        assert silence._quiet_for(file.fileno()) == 0
        assert file.read(3) == '"""'
