"""Figures of several runs as a row."""

from __future__ import annotations

import pytest

from benchmarks.comparison import Blocks, Comparison


def blocks(*medians_us: float, cpu_us: tuple[float, float] = (10.0, 20.0)) -> Blocks:
    times = [[1e-6 * median] * 3 for median in medians_us]
    client, server = ([1e-6 * seconds] * len(times) for seconds in cpu_us)
    return Blocks(times, client, server)


def run(floor: float, bare: float, ours: float) -> dict[str, Blocks]:
    return {"floor": blocks(floor), "bare": blocks(bare), "ours": blocks(ours)}


def test_a_ratio_is_that_of_blocks_beside_each_other() -> None:
    # The machine becomes ten times slower for the second and third block.
    times = Comparison([{"bare": blocks(10, 100, 100), "ours": blocks(12, 120, 120)}])
    assert times.ratios("bare") == pytest.approx([1.2])


def test_a_row_is_the_median_of_the_runs_with_least_and_most() -> None:
    times = Comparison([run(50, 60, 72), run(50, 60, 66), run(50, 60, 90)])
    row = times.row("call", 1.15, 1.08)
    assert (row.floor, row.bare, row.ours) == pytest.approx((50, 60, 72))
    assert row.ratio == pytest.approx(72 / 50)
    assert row.of_bare == pytest.approx(1.2)
    assert row.spread == pytest.approx((1.1, 1.5))
    assert row.verdict == "MISSED"


def test_figures_of_many_calls_at_a_time_are_those_of_one() -> None:
    row = Comparison([run(50, 320, 640)]).row("calls", 2.5, 1.5, calls=32)
    assert (row.floor, row.bare, row.ours) == pytest.approx((50, 10, 20))
    assert row.ratio == pytest.approx(20 / 50)
    assert row.of_bare == pytest.approx(2.0)
    assert row.cpu is not None
    assert (row.cpu.client, row.cpu.server) == pytest.approx((10 / 32, 20 / 32))


def test_without_the_bare_design_the_bounds_are_those_of_the_floor() -> None:
    row = Comparison([run(50, 60, 72)]).without("bare").row("call", 1.5, 1.4)
    assert row.of_bare is None
    assert row.verdict == "must"
    assert row.spread is None


def test_a_tree_alone_has_its_own_figure() -> None:
    row = Comparison([{"ours": blocks(72)}]).row("call", 1.15, 1.08)
    assert row.ours == pytest.approx(72)
    assert (row.floor, row.bare, row.ratio, row.of_bare) == (None, None, None, None)
