"""Sinks as the configuration names them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.sinks import Files

from player.config import load
from player.errors import ConfigError
from player.sinks.destination import Destination, RecordOrigin, SinkAwayError
from player.sinks.opening import open_sinks
from player.sinks.postgres import PostgresDestination
from player.sinks.redis import RedisDestination
from player.tables import Config

BANK = '[banks.BANKA]\nkind = "support.publishing_bank:PublishingBank"\nhpc_host = "localhost"\n'
OWNER = RecordOrigin(array="vegas", bank="BANKA")
BOTH = """
[instrument.postgres]
url = "postgresql://dealer:secret@db/observatory?sslmode=require"
array = "vegas"
history = false

[instrument.redis]
url = "redis://:secret@hub:6379/0"
array = "vegas"
"""


def configured(folder: Path, text: str) -> Config:
    path = folder / "array.toml"
    path.write_text(text + BANK)
    return load(path)


def test_those_of_the_file_are_opened_and_tell_no_password(tmp_path: Path) -> None:
    followers = open_sinks(configured(tmp_path, BOTH), "BANKA", simulated=False)
    try:
        for follower in followers:
            follower.follow_calls(Files())
        states = [follower.state() for follower in followers]
    finally:
        for follower in followers:
            follower.close()
    names = [state["name"] for state in states]
    assert names == ["postgresql://...@db/observatory", "redis://...@hub:6379/0"]
    assert all(state["up"] is False and "journal" in state for state in states)


def test_without_a_table_there_is_none(tmp_path: Path) -> None:
    assert open_sinks(configured(tmp_path, ""), "BANKA", simulated=True) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('url = "postgresql://db/observatory?password=x"\narray = "a"', "before the @"),
        ('url = "http://db"\narray = "a"', "postgres"),
        ('url = "postgresql://db/observatory"', "array"),
        ('url = "postgresql://db/observatory"\narray = "a b"', "array"),
    ],
)
def test_a_table_that_would_not_do_is_refused(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        configured(tmp_path, f"[instrument.postgres]\n{line}\n")


@pytest.mark.parametrize(
    ("destination", "package"),
    [
        (PostgresDestination("postgresql://db/x", OWNER), "asyncpg"),
        (RedisDestination("redis://hub", OWNER, prefix="p", length=1000), "redis"),
    ],
)
def test_a_package_that_is_missing_is_told_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, destination: Destination, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    try:
        with pytest.raises(SinkAwayError, match="pip install 'dealer-player"):
            destination.open()
    finally:
        destination.drop()
