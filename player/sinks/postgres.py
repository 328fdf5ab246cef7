"""PostgreSQL as the destination of a follower: the tables, and the connection. Needs asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from groundwork.errors import text_of
from groundwork.extras import install_advice
from player.sinks.base import CallEntry, HistoryPoint
from player.sinks.destination import (
    RecordKind,
    RecordOrigin,
    RecordPage,
    RecordsRefusedError,
    SinkAwayError,
)
from player.sinks.texts import moment, number_of, shown_value, without_nul
from player.tables import without_user

__all__ = ["TABLES", "PostgresDestination"]

T = TypeVar("T")

CONNECT_WITHIN_S = 5.0
WRITE_WITHIN_S = 10.0
MAX_UNFINISHED = 1000
_OWNER = "array_name text NOT NULL, bank text NOT NULL, simulated boolean NOT NULL"
_OWNED = "array_name, bank, simulated"
TABLES = f"""\
CREATE TABLE dealer_journal (
  {_OWNER},
  number bigint NOT NULL, time timestamptz NOT NULL, method text NOT NULL, arguments text NOT NULL,
  client text NOT NULL, host text NOT NULL, key text NOT NULL, through text NOT NULL,
  call_id text NOT NULL, operation text NOT NULL, outcome text NOT NULL,
  duration_s double precision, error text NOT NULL, text text NOT NULL,
  PRIMARY KEY ({_OWNED}, number, time));
CREATE INDEX ON dealer_journal (time);
CREATE INDEX ON dealer_journal ({_OWNED}) WHERE outcome = 'running';
CREATE TABLE dealer_history (
  {_OWNER},
  number bigint NOT NULL, time timestamptz NOT NULL, key text NOT NULL, unit text NOT NULL,
  value double precision, json text NOT NULL,
  PRIMARY KEY ({_OWNED}, number, time));
CREATE INDEX ON dealer_history (key, time);
CREATE TABLE dealer_positions (
  {_OWNER},
  kind text NOT NULL, number bigint NOT NULL, PRIMARY KEY ({_OWNED}, kind));
CREATE TABLE dealer_losses (
  {_OWNER},
  kind text NOT NULL, time timestamptz NOT NULL DEFAULT now(), lost bigint NOT NULL,
  why text NOT NULL);
"""
"""Made where they are not there, by an account that may."""
_LOCK = 0x6465616C  # one Player makes the tables, others wait for it
_CALL = f"""\
INSERT INTO dealer_journal VALUES ({", ".join(f"${at}" for at in range(1, 18))})
ON CONFLICT ({_OWNED}, number, time) DO UPDATE SET outcome = excluded.outcome,
  duration_s = excluded.duration_s, error = excluded.error, text = excluded.text
  WHERE dealer_journal.outcome IN ('running', 'unknown')"""
_POINT = f"""\
INSERT INTO dealer_history VALUES ({", ".join(f"${at}" for at in range(1, 10))})
ON CONFLICT DO NOTHING"""
_POSITION = f"""\
INSERT INTO dealer_positions VALUES ($1, $2, $3, $4, $5)
ON CONFLICT ({_OWNED}, kind) DO UPDATE SET number = excluded.number"""
_LOSS = f"INSERT INTO dealer_losses ({_OWNED}, kind, lost, why) VALUES ($1, $2, $3, $4, $5, $6)"
_OF_OWNER = "array_name = $1 AND bank = $2 AND simulated = $3"
_POSITIONS = f"SELECT kind, number FROM dealer_positions WHERE {_OF_OWNER}"
_UNFINISHED = f"""\
SELECT number FROM dealer_journal WHERE {_OF_OWNER} AND outcome = 'running'
ORDER BY number DESC LIMIT {MAX_UNFINISHED}"""


class PostgresDestination:
    """Tables of a database.

    Args:
        url: `postgresql://USER:PASSWORD@HOST/DATABASE`, with what asyncpg takes behind a `?`.
        owner: Whose records they are.
        connect_within_s: Limit of a connection, s.
        write_within_s: Limit of a question or a page, s.

    Attributes:
        name: As of Destination.
        begins_now: False: it gets all that the Player still has.
        most_behind: None.
    """

    begins_now = False
    most_behind: int | None = None

    def __init__(
        self,
        url: str,
        owner: RecordOrigin,
        *,
        connect_within_s: float = CONNECT_WITHIN_S,
        write_within_s: float = WRITE_WITHIN_S,
    ) -> None:
        self.name = without_user(url).partition("?")[0]
        self._url = url
        self._owner = (owner.array, owner.bank, owner.simulated)
        self._connect_within_s, self._write_within_s = connect_within_s, write_within_s
        self._runner: asyncio.Runner | None = None
        self._connection: Any = None

    def open(self) -> Mapping[RecordKind, int]:
        """Connect, and make the tables if they are not there."""
        self._runner = asyncio.Runner()
        self._connection = self._run(self._connect, self._connect_within_s)
        rows = self._run(lambda: self._connection.fetch(_POSITIONS, *self._owner))
        return {RecordKind(row["kind"]): row["number"] for row in rows}

    def unfinished(self) -> Sequence[int]:
        """Return numbers of calls that had not ended when they were written."""
        rows = self._run(lambda: self._connection.fetch(_UNFINISHED, *self._owner))
        return [row["number"] for row in rows]

    def write(self, page: RecordPage) -> None:
        """Write a page in one transaction."""
        self._run(lambda: self._write(page))

    def drop(self) -> None:
        """Close the connection, whatever its state."""
        connection, self._connection = self._connection, None
        runner, self._runner = self._runner, None
        if connection is not None:
            connection.terminate()
        if runner is not None:
            runner.close()

    async def _connect(self) -> Any:
        import asyncpg

        connection = await asyncpg.connect(
            self._url, server_settings={"application_name": f"dealer-player {self._owner[1]}"[:63]}
        )
        try:
            if not await _has_tables(connection):
                async with connection.transaction():
                    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
                    if not await _has_tables(connection):
                        await connection.execute(TABLES)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _write(self, page: RecordPage) -> None:
        async with self._connection.transaction():
            if page.calls:
                rows = [(*self._owner, *_call_row(call)) for call in page.calls]
                await self._connection.executemany(_CALL, rows)
            if page.points:
                rows = [(*self._owner, *_point_row(point)) for point in page.points]
                await self._connection.executemany(_POINT, rows)
            if page.lost:
                told = (str(page.kind), page.lost, without_nul(page.why))
                await self._connection.execute(_LOSS, *self._owner, *told)
            told_position = (str(page.kind), page.position)
            await self._connection.execute(_POSITION, *self._owner, *told_position)

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]], within: float | None = None) -> T:
        """Carry out a coroutine within a time; errors as of Destination."""
        limit = within or self._write_within_s

        async def bounded() -> T:
            async with asyncio.timeout(limit):
                return await work()

        if self._runner is None:
            raise SinkAwayError("not connected")
        try:
            import asyncpg
        except ModuleNotFoundError as error:
            raise SinkAwayError(install_advice(error.name) or text_of(error)) from error
        try:
            return self._runner.run(bounded())
        except TimeoutError as error:
            raise SinkAwayError(f"no answer within {limit:g} s") from error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise RecordsRefusedError(text_of(error)) from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise SinkAwayError(text_of(error)) from error


async def _has_tables(connection: Any) -> bool:
    return await connection.fetchval("SELECT to_regclass('dealer_losses')") is not None


def _call_row(call: CallEntry) -> tuple[object, ...]:
    texts = (call.method, call.arguments, call.client, call.host, call.key, call.through)
    rest = (call.call_id, call.operation, call.outcome)
    return (
        call.number,
        moment(call.time_us),
        *map(without_nul, (*texts, *rest)),
        call.duration_s,
        without_nul(call.error),
        without_nul(call.text),
    )


def _point_row(point: HistoryPoint) -> tuple[object, ...]:
    return (
        point.number,
        moment(point.time_us),
        without_nul(point.key),
        without_nul(point.unit),
        number_of(point.value),
        shown_value(point.value),
    )
