"""Records of a Player in real servers of PostgreSQL and Redis, which go away and come back."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.database_servers import LocalServer, postgres_server, redis_server
from support.player_run import poll
from support.publishing_bank import PublishingBank

from player.sinks.base import CallEntry, HistoryPoint
from player.sinks.destination import RecordKind, RecordOrigin, RecordPage, SinkAwayError
from player.sinks.fanin import Arrived, FanIn, Loss
from player.sinks.postgres import PostgresDestination
from player.sinks.redis import RedisDestination
from player.testing import HostedBank
from zmqjsonproxy import RefusedError

OWNER = RecordOrigin(array="vegas", bank="BANKB")
ODD = "a\0b \N{SNOWMAN} 'quoted'"


@pytest.fixture(scope="module")
def postgres() -> Iterator[tuple[LocalServer, str]]:
    """Return PostgreSQL, and its URL."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[tuple[LocalServer, str]]:
    """Return Redis, and its URL."""
    with redis_server() as server:
        yield server


def rows(url: str, question: str) -> list[tuple[Any, ...]]:
    """Return what PostgreSQL answers."""

    async def ask() -> list[tuple[Any, ...]]:
        import asyncpg

        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(question)]
        except asyncpg.UndefinedTableError:  # nobody wrote yet
            return []
        finally:
            await connection.close()

    return asyncio.run(ask())


def messages(url: str, stream: str) -> list[dict[str, str]]:
    """Return what is in a stream of Redis."""
    import redis

    with redis.Redis.from_url(url, decode_responses=True) as client:
        found: Any = client.xrange(stream)
    return [fields for _, fields in found]


def append(url: str, stream: str, text: str) -> None:
    """Append a message that is no record to a stream."""
    import redis

    with redis.Redis.from_url(url) as client:
        client.xadd(stream, {"text": text})


def hosted(folder: Path, **sinks: Any) -> HostedBank:
    sections = {"instrument": {"history": {"rate": 100.0}, **sinks}}
    return HostedBank(PublishingBank, sections=sections, folder=folder, state_dir=folder / "state")


def sinks_of(player: HostedBank) -> Any:
    return player.host._records.sinks()[0]


OF_BANKA = "WHERE array_name = 'gbt' AND bank = 'BANKA' AND simulated"
CALLS = f"SELECT method, arguments, outcome FROM dealer_journal {OF_BANKA} AND method LIKE 'bank.%' ORDER BY number"
LEVEL = f"SELECT value, json, unit FROM dealer_history {OF_BANKA} AND key = 'level' ORDER BY number"


def test_postgres_has_the_records_of_a_player_also_of_while_it_was_away(
    postgres: tuple[LocalServer, str], tmp_path: Path
) -> None:
    server, url = postgres
    with hosted(tmp_path, postgres={"url": url, "array": "gbt"}) as player:
        player.proxy.set_level(1.5)
        with pytest.raises(RefusedError):
            player.proxy.set_log_level("no such level")
        poll(lambda: len(rows(url, CALLS)) == 2, "calls are there")
        poll(lambda: (1.5, "1.5", "dB") in rows(url, LEVEL), "points are there")
        server.stop()
        player.proxy.set_level(2.5)  # a server that is away costs no call
        poll(lambda: sinks_of(player)["trouble"], "it is told")
        server.start()
        poll(lambda: len(rows(url, CALLS)) == 3, "the call of meanwhile is there")
        poll(lambda: (2.5, "2.5", "dB") in rows(url, LEVEL), "points of meanwhile are there")
    told = [
        (method, json.loads(text)["args"], outcome) for method, text, outcome in rows(url, CALLS)
    ]
    assert told == [
        ("bank.set_level", [1.5], "done"),
        ("bank.set_log_level", ["no such level"], "refused"),
        ("bank.set_level", [2.5], "done"),
    ]
    ends = f"SELECT text FROM dealer_journal {OF_BANKA} ORDER BY number DESC LIMIT 1"
    poll(lambda: rows(url, ends) == [("the Player ends",)], "the last entry is there")
    assert rows(url, f"SELECT why FROM dealer_losses {OF_BANKA}") == []


def test_postgres_takes_odd_texts_and_an_entry_again_with_its_end(
    postgres: tuple[LocalServer, str],
) -> None:
    destination = PostgresDestination(postgres[1], OWNER)
    try:
        assert destination.open() == {}
        begun = CallEntry(7, 1_700_000_000_000_000, ODD, client=ODD, outcome="running")
        destination.write(RecordPage(kind=RecordKind.JOURNAL, calls=[begun], position=7))
        assert list(destination.unfinished()) == [7]
        end = CallEntry(7, begun.time_us, ODD, client=ODD, outcome="failed", error="E", text=ODD)
        destination.write(RecordPage(kind=RecordKind.JOURNAL, calls=[end], position=7))
        assert list(destination.unfinished()) == []
        late = CallEntry(7, begun.time_us, ODD, client=ODD, outcome="unknown")
        destination.write(RecordPage(kind=RecordKind.JOURNAL, calls=[late], position=7))
        points = [
            HistoryPoint(number=at, time_us=at, key="k", value=value)
            for at, value in enumerate([True, 2**63, float("nan"), ODD, None], 1)
        ]
        lost = RecordPage(kind=RecordKind.HISTORY, points=points, position=5, lost=3, why="gone")
        destination.write(lost)
        destination.drop()
        assert destination.open() == {RecordKind.JOURNAL: 7, RecordKind.HISTORY: 5}
    finally:
        destination.drop()
    of_bank = "WHERE bank = 'BANKB'"
    shown = ODD.replace("\0", "\\x00")
    found = rows(postgres[1], f"SELECT method, client, outcome, text FROM dealer_journal {of_bank}")
    assert found == [(shown, shown, "failed", shown)]
    values = rows(postgres[1], f"SELECT json FROM dealer_history {of_bank} ORDER BY number")
    assert [text for (text,) in values] == ["true", str(2**63), "NaN", json.dumps(ODD), "null"]
    assert rows(postgres[1], f"SELECT lost, why FROM dealer_losses {of_bank}") == [(3, "gone")]


def test_redis_has_the_records_of_a_player_also_of_while_it_was_away(
    redis: tuple[LocalServer, str], tmp_path: Path
) -> None:
    server, url = redis
    stream = "dealer-player:gbt:journal"

    def calls() -> list[tuple[str, str]]:
        return [
            (one["method"], one["outcome"])
            for one in messages(url, stream)
            if one["outcome"] != "running" and one["method"].startswith("bank.")
        ]

    with hosted(tmp_path, redis={"url": url, "array": "gbt"}) as player:
        player.proxy.set_level(1.5)
        poll(lambda: calls() == [("bank.set_level", "done")], "the call is there")
        server.stop()
        player.proxy.set_level(2.5)
        poll(lambda: sinks_of(player)["trouble"], "it is told")
        server.start()
        poll(lambda: calls() == [("bank.set_level", "done")] * 2, "the call of meanwhile is there")
        poll(lambda: "2.5" in levels(url), "points of meanwhile are there")
    assert levels(url)[-1] == "2.5"


def levels(url: str) -> list[str]:
    """Return the values of a property in the stream of histories, as JSON."""
    told = messages(url, "dealer-player:gbt:history")
    return [one["value"] for one in told if one.get("key") == "level"]


def test_a_stream_of_redis_is_bounded_and_tells_what_was_lost(
    redis: tuple[LocalServer, str],
) -> None:
    destination = RedisDestination(redis[1], OWNER, prefix="bounds", length=1000)
    try:
        assert destination.open() == {}
        for first in range(1, 5000, 500):
            calls = [CallEntry(number, number, ODD) for number in range(first, first + 500)]
            destination.write(
                RecordPage(kind=RecordKind.JOURNAL, calls=calls, position=calls[-1].number)
            )
        running = CallEntry(5001, 1, "bank.x", outcome="running")
        destination.write(
            RecordPage(kind=RecordKind.JOURNAL, calls=[running], position=5001, lost=2, why="gone")
        )
        assert list(destination.unfinished()) == [5001]
        destination.drop()
        assert destination.open() == {RecordKind.JOURNAL: 5001}
    finally:
        destination.drop()
    found = messages(redis[1], "bounds:vegas:journal")
    assert 1000 <= len(found) < 1200
    assert (found[0]["method"], found[0]["bank"]) == (ODD, "BANKB")
    assert found[-1] == {"bank": "BANKB", "simulated": "0", "lost": "2", "why": "gone"}


@pytest.mark.parametrize("scheme", ["postgresql", "redis"])
def test_a_server_that_says_nothing_is_away_after_a_time(scheme: str) -> None:
    pytest.importorskip("asyncpg" if scheme == "postgresql" else "redis")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/0"
        destination = (
            PostgresDestination(url, OWNER, connect_within_s=0.05)
            if scheme == "postgresql"
            else RedisDestination(url, OWNER, prefix="p", length=1000, within_s=0.05)
        )
        with pytest.raises(SinkAwayError):
            destination.open()
        destination.drop()


def test_records_of_many_arrays_come_together_as_they_are_written(
    redis: tuple[LocalServer, str],
) -> None:
    def write(array: str, page: RecordPage) -> None:
        owner = RecordOrigin(array=array, bank="BANKA")
        destination = RedisDestination(redis[1], owner, prefix="fan", length=1000)
        try:
            destination.open()
            destination.write(page)
        finally:
            destination.drop()

    old, call = CallEntry(1, 1, "bank.old"), CallEntry(2, 5, ODD, duration_s=0.25, outcome="done")
    point = HistoryPoint(number=1, time_us=7, key="level", value=2.5, unit="dB")
    write("vegas", RecordPage(kind=RecordKind.JOURNAL, calls=[old], position=1))
    with FanIn(redis[1], "fan") as reader:
        assert (reader.arrays, reader.read(0.0)) == (["vegas"], [])
        write("vegas", RecordPage(kind=RecordKind.JOURNAL, calls=[call], position=2))
        append(redis[1], "fan:vegas:journal", "not a record")
        write(
            "guppi",
            RecordPage(kind=RecordKind.HISTORY, points=[point], position=1, lost=4, why="gone"),
        )
        reader._looked_at = -1e9  # it is time to look for new arrays
        arrived: list[Arrived] = []
        poll(lambda: arrived.extend(reader.read(1.0)) or len(arrived) >= 3, "all is there")
        assert reader.read(0.0) == []
    assert {(one.owner.array, one.record) for one in arrived} == {
        ("vegas", call),
        ("guppi", point),
        ("guppi", Loss(kind=RecordKind.HISTORY, count=4, why="gone")),
    }
