"""The store: what outlives the dashboard, and what becomes of it where it cannot."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.store import Store

TABLES = ("CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY, value TEXT NOT NULL)",)


def add(store: Store, *names: str) -> None:
    def work(connection: sqlite3.Connection) -> None:
        for name in names:
            connection.execute("INSERT INTO things VALUES (?, 'x')", (name,))

    asyncio.run(store.ask(work))


def names(store: Store) -> list[str]:
    def work(connection: sqlite3.Connection) -> list[str]:
        return [str(row["name"]) for row in connection.execute("SELECT name FROM things")]

    return asyncio.run(store.ask(work))


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "dashboard.sqlite3"
    with closing(Store(path, TABLES)) as store:
        add(store, "one")
    with closing(Store(path, (*TABLES, "CREATE TABLE IF NOT EXISTS more (id INTEGER)"))) as store:
        assert names(store) == ["one"]
        assert not store.fault
    assert path.stat().st_mode & 0o077 == 0


def test_work_that_fails_writes_nothing(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "d.sqlite3", TABLES)) as store:
        with pytest.raises(sqlite3.IntegrityError):
            add(store, "one", "one")
        assert names(store) == []
        add(store, "two")
        assert names(store) == ["two"]


@pytest.mark.parametrize("at", [0, 4096])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, at: int) -> None:
    path = tmp_path / "d.sqlite3"
    with closing(Store(path, TABLES)) as store:
        add(store, *map(str, range(500)))
    content = bytearray(path.read_bytes())
    content[at : at + 600] = b"\xff" * 600
    path.write_bytes(content)
    with closing(Store(path, TABLES)) as store:
        assert names(store) == []
        assert not store.fault
    assert (tmp_path / "d.damaged").read_bytes() == bytes(content)


def test_without_a_place_it_works_until_its_end_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for path, why in ((None, "no state directory"), (file / "d.sqlite3", "File exists")):
        with closing(Store(path, TABLES)) as store:
            add(store, "one")
            assert names(store) == ["one"]
            assert why in store.fault


def test_two_programs_share_a_file_and_the_second_knows_it(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.sqlite3"
    with closing(Store(path, TABLES)) as first:
        with closing(Store(path, TABLES)) as second:
            add(first, "one")
            add(second, "two")
            assert names(first) == names(second) == ["one", "two"]
            assert (first.is_shared, second.is_shared) == (False, True)
        with closing(Store(path, TABLES)) as third:
            assert third.is_shared
    with closing(Store(path, TABLES)) as alone:
        assert not alone.is_shared


def test_a_file_works_where_none_can_be_beside_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "d.lock").mkdir()
    with closing(Store(tmp_path / "d.sqlite3", TABLES)) as store:
        add(store, "one")
        assert names(store) == ["one"]
        assert not store.is_shared
    assert "cannot be locked" in caplog.text
