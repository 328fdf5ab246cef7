"""Verdicts on rows of two trees, and how many rounds there are."""

from __future__ import annotations

import math

import pytest

from benchmarks.pairing import PairedRow, is_enough, paired_rows, paired_table, tolerance
from benchmarks.rows import Row


def paired(*pairs: tuple[float, float], allowed: float = 0.05, rate: bool = False) -> PairedRow:
    return PairedRow("call", "us", pairs, allowed, more_is_better=rate)


@pytest.mark.parametrize(
    ("now", "allowed", "rate", "verdict"),
    [
        (106.0, 0.05, False, "worse"),
        (104.0, 0.05, False, ""),
        (106.0, 0.10, False, ""),
        (94.0, 0.05, False, "better"),
        (96.0, 0.05, False, ""),
        (94.0, 0.05, True, "worse"),
        (96.0, 0.05, True, ""),
        (106.0, 0.05, True, "better"),
    ],
)
def test_a_row_is_worse_beyond_its_tolerance(
    now: float, allowed: float, rate: bool, verdict: str
) -> None:
    assert paired((100.0, now), allowed=allowed, rate=rate).verdict == verdict


def test_the_median_of_the_pairs_decides_however_the_machine_became_slower() -> None:
    # Both slow down by three during the rounds, and one pair was disturbed.
    pairs = [(100.0, 101.0), (200.0, 203.0), (300.0, 306.0), (150.0, 450.0), (250.0, 250.0)]
    row = paired(*pairs)
    assert row.change == pytest.approx(0.015)
    assert row.verdict == ""


def test_a_difference_within_the_grain_is_none() -> None:
    row = PairedRow("memory", "KiB", [(4.0, 12.0), (0.0, 8.0), (-4.0, 60.0)], 0.05, grain=64.0)
    assert row.change == 0.0
    assert row.verdict == ""


def test_growth_from_nothing_beyond_the_grain_is_worse() -> None:
    row = PairedRow("memory", "KiB", [(0.0, 100.0)], 0.05, grain=64.0)
    assert row.change == math.inf
    assert row.verdict == "worse"


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("calls", 0.05), ("fanout", 0.05), ("operations", 0.05), ("plan", 0.1), ("scans", 0.1)],
)
def test_calls_fan_out_and_operations_are_held_more_closely(name: str, allowed: float) -> None:
    assert tolerance(name) == allowed


@pytest.mark.parametrize(
    ("rounds", "taken", "enough"),
    [(0, 0.0, False), (2, 500.0, False), (3, 80.0, True), (3, 60.0, False), (7, 7.0, True)],
)
def test_what_takes_long_has_fewer_rounds_but_three(
    rounds: int, taken: float, enough: bool
) -> None:
    assert is_enough(rounds, taken, most=7, budget_s=90.0) is enough


def row(what: str, ours: float, unit: str = "us") -> Row:
    return Row(what, None, ours, None, None, None, unit)


def test_rows_are_paired_by_name_and_one_that_one_tree_has_not_is_left_out() -> None:
    rounds = [
        ([row("a", 1.0), row("gone", 1.0)], [row("new", 5.0), row("a", 2.0)]),
        ([row("a", 3.0), row("gone", 1.0)], [row("new", 5.0), row("a", 4.0)]),
    ]
    (found,) = paired_rows(rounds, 0.05)
    assert found.what == "a"
    assert found.pairs == [(1.0, 2.0), (3.0, 4.0)]


def test_a_rate_is_known_by_its_unit() -> None:
    (found,) = paired_rows([([row("a", 10.0, "Mbins/s")], [row("a", 9.0, "Mbins/s")])], 0.05)
    assert found.verdict == "worse"


def test_the_table_tells_medians_change_spread_and_verdict() -> None:
    text = paired_table([paired((100.0, 110.0), (100.0, 112.0), (100.0, 111.0))])
    assert [cell.strip() for cell in text.splitlines()[2].split("|")[1:-1]] == [
        "call",
        "100.0",
        "111.0",
        "us",
        "+11.0 %",
        "+10.5 .. +11.5",
        "3",
        "worse",
    ]
