"""The history: what is published, by key, over time, without further code for any kind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.player_run import poll

from player.dataroot import Mounts
from player.history import History, members
from player.recordspan import RecordSpan
from player.tables import HistoryConfig
from player.testing.clock import ManualClock
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.properties import PropertyTable

WITHIN = 30.0
NOW_US = 1_700_000_000_000_000  # of the clock


def history_of(path: Path, table: PropertyTable, *keys: str, **more: Any) -> History:
    config = HistoryConfig(rate=100.0, keys=list(keys or ("*",)))
    return History(path, config, {"": table}, ManualClock(), **more)


def kept(history: History, *keys: str, **how: Any) -> list[tuple[str, Any]]:
    assert history.flush(WITHIN)
    return [(point["key"], point["value"]) for point in history.points(keys, RecordSpan(**how))]


def test_values_of_all_kinds_come_back_as_they_were_published(tmp_path: Path) -> None:
    table = PropertyTable([Declared(name="level", unit="dB")])
    history = history_of(tmp_path, table)
    values = [1.5, 2, True, "text\n\x1b", None, 2**70, -(2**63), math.inf, "\ud800", 2, 2.0]
    for value in values:
        table.publish("level", value)
        assert history.flush(WITHIN)
    assert [value for _, value in kept(history, "level")] == [
        *values[:8],
        "\\ud800",
        *values[9:],
    ]
    table.publish("level", math.nan)
    assert math.isnan(kept(history, "level", newest=True, most=1)[0][1])
    assert history.known_keys() == [{"name": "level", "unit": "dB"}]
    history.close()


def test_what_is_published_later_is_kept_too_and_what_does_not_change_is_kept_once(
    tmp_path: Path,
) -> None:
    table = PropertyTable([])
    history = history_of(tmp_path, table)
    for value in (1, 1, 1, 2):
        table.publish("status.SCANNUM", value, NOW_US + value)
        assert history.flush(WITHIN)
    points = history.points(["status.SCANNUM"])
    assert [(point["value"], point["time"]) for point in points] == [
        (1, 1.7e9 + 1e-6),
        (2, 1.7e9 + 2e-6),
    ]
    history.close()


def test_of_a_burst_the_last_value_is_kept(tmp_path: Path) -> None:
    table = PropertyTable([Declared(name="count")])
    history = history_of(tmp_path, table)
    for value in range(20_000):
        table.publish("count", value)
    found = kept(history, "count")
    assert found[-1] == ("count", 19_999)
    assert len(found) < 20_000  # 100 Hz
    assert history.state()["lost"] == 0
    history.close()


def test_parts_tables_and_patterns_have_their_keys(tmp_path: Path) -> None:
    bank, part = PropertyTable([]), PropertyTable([Declared(name="turns", unit="1")])
    config = HistoryConfig(rate=100.0, keys=["load", "dial.*"])
    history = History(tmp_path, config, {"": bank, "dial": part}, ManualClock())
    bank.publish("load", {"user": 0.5, "cores": [1, 2], "name": "a"})
    bank.publish("other", 1)
    part.publish("turns", 3)
    bank.declare(Declared(name="dial.alarm", kind=PropertyKind.MESSAGE))
    bank.publish("dial.alarm", {"text": "ring"})
    assert history.flush(WITHIN)
    assert [key["name"] for key in history.known_keys()] == ["dial.turns", "load.name", "load.user"]
    history.close()


def test_the_value_in_force_at_a_moment_is_the_last_before_it(tmp_path: Path) -> None:
    table = PropertyTable([])
    history = history_of(tmp_path, table)
    for at in (10, 20, 30):
        table.publish("x", at, NOW_US + at * 1_000_000)
        assert history.flush(WITHIN)
    table.publish("y", True, NOW_US)
    found = [history.in_force(["x", "y", "z"], 1.7e9 + at) for at in (0, 10, 10.5, 29.9, 31)]
    assert [{key: point["value"] for key, point in each.items()} for each in found] == [
        {},
        {"y": True},
        {"x": 10, "y": True},
        {"x": 20, "y": True},
        {"x": 30, "y": True},
    ]
    assert kept(history, "x", since=1.7e9 + 20, until=1.7e9 + 30) == [("x", 20)]
    history.close()


def test_each_new_file_begins_with_all_present_values(tmp_path: Path) -> None:
    clock = ManualClock()
    table = PropertyTable([])
    config = HistoryConfig(rate=100.0, days=16)
    history = History(tmp_path, config, {"": table}, clock)
    table.publish("rare", 7, int(clock.time() * 1e6))
    for step in range(24):
        clock.advance(108_000)
        table.publish("often", step, int(clock.time() * 1e6))
        assert history.flush(WITHIN)
    (rare, *others) = kept(history, "rare")
    assert set(others) <= {("rare", 7)}
    assert rare == ("rare", 7)
    often = kept(history, "often")
    assert often[-1] == ("often", 23)
    assert often[0][1] > 2  # 30 days passed, 16 are kept
    history.close()


def test_who_asks_does_not_wait_for_the_rate(tmp_path: Path) -> None:
    table = PropertyTable([])
    history = History(tmp_path, HistoryConfig(rate=0.0001), {"": table}, ManualClock())
    table.publish("x", 1)
    assert kept(history, "x") == [("x", 1)]
    history.close()


def test_nothing_is_listened_to_after_its_end(tmp_path: Path) -> None:
    table = PropertyTable([Declared(name="x")])
    history = history_of(tmp_path, table)
    table.publish("x", 1)
    history.close(WITHIN)
    assert (table.on_new, table.properties["x"].listeners) == ({}, {})
    table.publish("x", 2)
    again = history_of(tmp_path, PropertyTable([]))
    assert kept(again, "x") == [("x", 1)]
    again.close()


def test_no_network_file_system_is_used(tmp_path: Path) -> None:
    mounts = Mounts(frozenset({Path("/"), tmp_path}), frozenset(), {tmp_path: "cifs"})
    table = PropertyTable([])
    history = history_of(tmp_path / "h", table, mounts=mounts, retry_s=0.01)
    table.publish("x", 1)
    poll(lambda: history.state()["trouble"], "no trouble is told")
    assert "network file system (cifs)" in str(history.state()["trouble"])
    history.close()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@settings(max_examples=30)
@given(
    value=SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(st.text(max_size=3), SCALARS | st.lists(SCALARS))
)
def test_members_are_scalars_of_the_value(value: Any) -> None:
    found = members("x", value)
    scalars = (bool, int, float, str, type(None))
    if isinstance(value, dict):
        wanted = {f"x.{key}": one for key, one in value.items() if isinstance(one, scalars)}
    else:
        wanted = {"x": value} if isinstance(value, scalars) else {}
    assert repr(found) == repr(wanted)


@pytest.mark.parametrize("value", [b"bytes", [1], {"deep": {"er": 1}}])
def test_what_is_no_scalar_is_not_kept(tmp_path: Path, value: object) -> None:
    table = PropertyTable([])
    history = history_of(tmp_path, table)
    table.publish("x", value)
    assert history.flush(WITHIN)
    assert history.known_keys() == []
    history.close()
