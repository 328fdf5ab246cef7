"""Areas of peaks, held against sums by hand and against known peaks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.analysis.fitting import fit, parameter_errors
from histogrammer.analysis.peaks import peak_area, peak_moments
from histogrammer.errors import FitError


def test_a_linear_background_is_taken_off_with_its_error() -> None:
    bins = np.array([10.0, 12, 14, 116, 18, 20, 22])
    found = peak_area(bins, 2, 4, 2)
    assert (found.counts, found.background, found.net) == (148, 48, 100)
    assert found.counts_error == math.sqrt(148)
    assert found.background_error == pytest.approx(0.75 * math.sqrt(10 + 12 + 20 + 22))
    assert found.net_error == pytest.approx(math.sqrt(148 + 0.75**2 * 64))


@given(
    slope=st.floats(-5, 5),
    first=st.integers(10, 30),
    width=st.integers(0, 20),
    sides=st.integers(1, 10),
)
@settings(max_examples=20)
def test_a_line_alone_has_no_net_area(slope: float, first: int, width: int, sides: int) -> None:
    bins = 1000 + slope * np.arange(80.0)
    found = peak_area(bins, first, first + width, sides)
    assert found.net == pytest.approx(0, abs=1e-6 * found.counts)


@pytest.mark.parametrize(
    ("first", "last", "sides"), [(-1, 3, 0), (3, 2, 0), (2, 9, 0), (1, 3, 2), (5, 7, 1)]
)
def test_regions_without_room_are_refused(first: int, last: int, sides: int) -> None:
    with pytest.raises(FitError):
        peak_area(np.ones(8), first, last, sides)


def test_errors_of_a_fit_are_the_spread_of_fits() -> None:
    x, random = np.arange(60.0), np.random.default_rng(7)
    true = 20 + 800 * np.exp(-(((x - 30) / 4) ** 2) / 2)
    fits = [fit("gaussian", x, random.poisson(true).astype(np.float64)) for _ in range(60)]
    errors = parameter_errors("gaussian", fits[0], x, true)
    for name, error in errors.items():
        spread = float(np.std([each[name] for each in fits]))
        assert spread == pytest.approx(error, rel=0.35), name


def test_errors_of_a_line_are_those_of_the_normal_equations() -> None:
    x = np.arange(10.0)
    y = np.full(10, 100.0)
    found = parameter_errors("linear", fit("linear", x, y), x, y)
    assert found["slope"] == pytest.approx(10 / math.sqrt(((x - 4.5) ** 2).sum()))
    assert found["offset"] == pytest.approx(10 * math.sqrt(0.1 + 4.5**2 / ((x - 4.5) ** 2).sum()))


def test_moments_of_a_region_are_those_of_what_stands_above_its_background() -> None:
    numbers = np.arange(60.0)
    line, peak = 50 + 2 * numbers, 900 * np.exp(-(((numbers - 30) / 3) ** 2) / 2)
    mean, error, deviation = peak_moments(line + peak, 15, 45, 10)
    assert mean == pytest.approx(np.average(numbers, weights=peak), abs=0.01)
    assert deviation == pytest.approx(3, rel=0.01)
    assert error > deviation / math.sqrt(peak.sum())  # that of a peak without background
    bare, *_ = peak_moments(line + peak, 15, 45)
    assert bare == pytest.approx(np.average(numbers[15:46], weights=(line + peak)[15:46]))


def test_nothing_above_the_background_has_no_place() -> None:
    assert all(map(math.isnan, peak_moments(np.array([5.0, 5, 0, 5, 5]), 2, 2, 2)))
    assert all(map(math.isnan, peak_moments(np.zeros(9), 2, 5)))
