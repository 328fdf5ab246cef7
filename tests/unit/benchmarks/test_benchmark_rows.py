"""Rows and tables of results."""

from __future__ import annotations

import pytest

from benchmarks.rows import Row, table


@pytest.mark.parametrize(
    ("ratio", "unit", "verdict"),
    [
        (1.1, "us", "aim"),
        (1.25, "us", "must"),
        (1.31, "us", "MISSED"),
        (1.31, "Msamples/s", "aim"),
        (1.25, "Msamples/s", "MISSED"),
    ],
)
def test_less_is_better_of_a_time_and_more_of_a_rate(ratio: float, unit: str, verdict: str) -> None:
    row = Row("call", 50.0, 50.0 * ratio, ratio, 1.30, 1.20 if unit == "us" else 1.31, unit)
    assert row.verdict == verdict
    assert row.holds is (verdict != "MISSED")


def test_without_a_floor_the_bounds_are_those_of_the_figure() -> None:
    assert Row("import", None, 80.0, None, 150, None, "ms").verdict == "must"
    assert Row("import", None, 151.0, None, 150, None, "ms").verdict == "MISSED"


def test_a_row_without_bounds_is_never_missed() -> None:
    row = Row("for information", 1.0, 9.0, 9.0, None, None, "ms")
    assert row.holds
    assert row.verdict == ""


def test_all_lines_of_a_table_are_equally_long() -> None:
    rows = [
        Row("a", 1.0, 2.0, 2.0, 3, 2, "us"),
        Row("longer", None, 2000.0, None, None, None, "KiB"),
    ]
    lines = table(rows).split("\n")
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
