"""Growth of memory: slopes with their errors, and what is certainly above its
limit."""

from __future__ import annotations

import math
import random

import pytest

from benchmarks.memory import SUBJECTS, Series, report, slope_of


def test_a_straight_line_has_its_slope_and_no_error() -> None:
    assert slope_of([7.0 + 0.25 * n for n in range(50)]) == (
        pytest.approx(25.0),
        pytest.approx(0.0, abs=1e-9),
    )
    assert slope_of([3.0] * 50) == (0.0, 0.0)
    assert slope_of([1.0, 2.0]) == (0.0, math.inf)  # no line can be told from two


def test_the_error_of_a_slope_covers_noise_as_often_as_it_should() -> None:
    noise, within = random.Random(4), 0
    for _ in range(200):
        slope, error = slope_of([0.02 * n + noise.gauss(0, 5) for n in range(100)])
        within += abs(slope - 2.0) < 2 * error
    assert within > 180  # 95 % of 200 are 190 +- 3


def series(growth: float) -> Series:
    noise, made = random.Random(5), Series()
    for n in range(200):
        early = 5000.0 if n < 20 else 0.0  # what happens at first does not count
        made.add({"player RSS": 80_000 - early + growth * n + noise.gauss(0, 50)}, "done")
    return made


def test_growth_fails_and_noise_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    subjects, mode = SUBJECTS[:1], SUBJECTS[0].mode
    assert report(subjects, {mode: series(0.0)}) == 0
    assert "200 done" in capsys.readouterr().out
    assert report(subjects, {mode: series(5.0)}) == 1
    assert f"memory: {mode}: player RSS grows by" in capsys.readouterr().err


def test_a_mode_without_scans_fails() -> None:
    assert report(SUBJECTS[:1], {}) == 1
