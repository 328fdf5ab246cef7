"""The table of `dealer watch`: rows, rates, staleness, and what fits."""

from __future__ import annotations

import pytest

from dealer.watchtable import WatchTable
from zmqjsonproxy.channels import Event, EventKind, Update

NOON = 1_700_000_000.0


def update(
    name: str, value: object = 1, *, source: str = "A", lost: int = 0, time: float = NOON
) -> Update:
    return Update(source, name, value, 1, time, lost)


def lines(
    table: WatchTable, now: float = 0.0, columns: int = 79, rows: int = 24, ago: float = 0.0
) -> list[str]:
    return table.lines(now, NOON + ago, columns, rows, "totals")


def test_a_row_has_value_unit_age_rate_and_losses() -> None:
    table = WatchTable(["B", "A"])
    table.describe("A", {"level": "dB"})
    for second in range(60):
        table.take(update("level", second, lost=second == 7), second)
    table.take(update("level", 1.5, source="B"), 59)
    head, first, second_row, last = lines(table, 59.0, ago=3.0)
    assert head.split() == ["Bank", "property", "value", "unit", "age", "per", "s", "lost"]
    assert first.split() == ["B", "level", "1.5", "3.0", "s", "0.0", "0"]
    assert second_row.split() == ["A", "level", "59", "dB", "3.0", "s", "1.1", "1"]
    assert last == "totals"


@pytest.mark.parametrize("rate", [0.5, 4.0, 1000.0])
def test_the_rate_is_that_of_the_last_seconds(rate: float) -> None:
    table, now = WatchTable(["A"]), 0.0
    for _ in range(int(20 * rate) + 1):
        table.take(update("x"), now)
        now += 1 / rate
    assert float(lines(table, now)[1].split()[-2]) == pytest.approx(rate, rel=0.15, abs=0.12)
    assert float(lines(table, now + 60)[1].split()[-2]) == 0.0


def test_the_rate_is_right_from_the_second_update_on() -> None:
    table = WatchTable(["A"])
    table.take(update("x"), 10.0)
    assert "0.0" in lines(table, 10.0)[1]
    table.take(update("x"), 10.5)
    assert float(lines(table, 10.5)[1].split()[-2]) == pytest.approx(2.0, abs=0.2)


def test_a_bank_that_is_not_heard_of_is_stale_until_it_is_back() -> None:
    table = WatchTable(["A"])
    table.take(update("x"), 0.0)
    table.note(Event(EventKind.STALE, "A", "connection\x1b reset"), 5.0, NOON)
    shown = lines(table, 17.0)
    assert shown[1].endswith("stale 12 s")
    assert shown[2] == r"22:13:20  A  [stale] connection\x1b reset"
    table.note(Event(EventKind.REOPENED, "A"), 18.0, NOON)
    assert "stale" not in lines(table, 19.0)[1]


def test_the_last_events_and_sentences_are_below() -> None:
    table = WatchTable(["A"])
    table.say("A", "waits for\x1b its Player")
    for number in range(5):
        table.note(Event(EventKind.GAP, "A", f"x{number}", number + 1), 0.0, NOON)
    shown = lines(table)
    assert shown[0] == r"A  waits for\x1b its Player"
    assert [line.partition("] ")[2] for line in shown[1:4]] == [
        "x2: 3 updates lost",
        "x3: 4 updates lost",
        "x4: 5 updates lost",
    ]
    table.note(Event(EventKind.OPENED, "A"), 0.0, NOON)
    assert not any("waits" in line for line in lines(table))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 10, 24])
def test_no_more_lines_than_fit_and_the_others_are_counted(rows: int) -> None:
    table = WatchTable(["A"])
    for number in range(100):
        table.take(update(f"key.{number:02d}"), 0.0)
    shown = lines(table, rows=rows)
    assert len(shown) <= rows
    assert shown[-1] == "totals"
    if rows > 1:
        hidden = 100 - sum(line.startswith("A") for line in shown)
        assert shown[-2] == f"and {hidden} more; name fewer, as 'status.*'"


@pytest.mark.parametrize("columns", [30, 60, 79, 200])
def test_values_are_as_long_as_there_is_room(columns: int) -> None:
    table = WatchTable(["A"])
    table.take(update("a" * 500, "v" * 500), 0.0)
    table.take(update("b", "short"), 0.0)
    row = lines(table, columns=columns)[1]
    assert len(row) <= max(columns, 100)
    assert "v…" in row or columns == 200
    assert "short" in lines(table, columns=columns)[2]
