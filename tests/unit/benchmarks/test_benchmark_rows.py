"""Rows and tables of results."""

from __future__ import annotations

import pytest

from benchmarks.rows import Cpu, Row, cpu_table, table


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


def test_the_bare_design_is_what_the_bounds_are_of() -> None:
    row = Row("call", 50.0, 90.0, 1.8, 1.15, 1.08, "us", bare=80.0, of_bare=1.1)
    assert row.verdict == "must"
    assert Row("call", 50.0, 90.0, 1.0, 1.15, 1.08, "us", of_bare=1.2).verdict == "MISSED"


def test_cpu_time_is_a_table_of_its_own() -> None:
    with_cpu = Row("call", 50.0, 90.0, 1.8, None, None, "us", bare=80.0, cpu=Cpu(40.0, 45.0))
    rows = [with_cpu, Row("import", None, 2.0, None, None, None, "ms")]
    (line,) = cpu_table(rows).splitlines()[2:]
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells == ["call", "us", "90.0", "40.0", "45.0", "80.0", "-", "-"]
    assert cpu_table(rows[1:]) == ""
