"""Fits, held against scipy and against exact lines."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from histogrammer.analysis.fitting import fit
from histogrammer.errors import FitError

Floats = npt.NDArray[np.float64]


def bell(x: Floats, baseline: float, height: float, centroid: float, sigma: float) -> Floats:
    return baseline + height * np.exp(-(((x - centroid) / sigma) ** 2) / 2)


def chisquare(y: Floats, expected: Floats) -> float:
    return float(((y - expected) ** 2 / np.maximum(y, 1)).sum())


@given(
    height=st.floats(200, 1e5),
    centroid=st.floats(20, 60),
    sigma=st.floats(1.5, 6),
    baseline=st.floats(0, 200),
    seed=st.integers(0, 1000),
)
@settings(max_examples=20)
def test_a_peak_is_found_where_scipy_finds_it(
    height: float, centroid: float, sigma: float, baseline: float, seed: int
) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x = np.arange(80.0)
    true = (baseline, height, centroid, sigma)
    y = np.random.default_rng(seed).poisson(bell(x, *true)).astype(np.float64)
    found = fit("gaussian", x, y)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            errors = np.sqrt(np.maximum(y, 1))
            theirs, _ = optimize.curve_fit(bell, x, y, p0=true, sigma=errors, maxfev=5000)
    except (RuntimeError, Warning):  # it finds none
        assume(False)
    expected = chisquare(y, bell(x, *theirs))
    assert found["chisquare"] <= expected * (1 + 1e-6) + 1e-9  # theirs stops a little earlier
    names = ("baseline", "height", "centroid", "sigma")
    assert found["chisquare"] == pytest.approx(chisquare(y, bell(x, *(found[n] for n in names))))
    assert found["centroid"] == pytest.approx(theirs[2], abs=0.1 * sigma)
    assert found["sigma"] == pytest.approx(abs(theirs[3]), rel=0.1)


@given(slope=st.floats(-50, 50), offset=st.floats(-1e4, 1e4), first=st.integers(0, 4000))
@settings(max_examples=20)
def test_a_line_is_found_exactly(slope: float, offset: float, first: int) -> None:
    x = first + np.arange(20.0)
    found = fit("linear", x, slope * x + offset)
    assert found["slope"] == pytest.approx(slope, abs=1e-6)
    assert found["offset"] == pytest.approx(offset, abs=1e-3)
    assert found["chisquare"] == pytest.approx(0, abs=1e-6)


def test_a_line_is_weighted_by_counts() -> None:
    x, y = np.arange(3.0), np.array([100.0, 50.0, 0.0])
    y[1] += 10
    slope, offset = np.polyfit(x, y, 1, w=1 / np.sqrt(np.maximum(y, 1)))
    found = fit("linear", x, y)
    assert (found["slope"], found["offset"]) == (pytest.approx(slope), pytest.approx(offset))


@pytest.mark.parametrize(
    ("kind", "y", "says"),
    [
        ("linear", [1.0], "1 channels: a linear fit needs 2"),
        ("gaussian", [1.0, 2.0, 1.0], "needs 4"),
        ("gaussian", [3.0] * 9, "no peak"),
        ("linear", [1e308, -1e308, 1e308], "does not converge"),
    ],
)
def test_what_cannot_be_fitted_is_refused(kind: str, y: list[float], says: str) -> None:
    with pytest.raises(FitError, match=says):
        fit(kind, np.arange(float(len(y))), np.array(y))
