"""Integrals by the examples of the reference and by exact fractions."""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from histogrammer.analysis.integration import Integral, integrate
from histogrammer.axes import Axis
from histogrammer.spectra import KINDS
from histogrammer.spectra.channels import Region
from histogrammer.spectra.definition import Definition

ONE = KINDS["1"].define("one", [["a"]], [Axis(20, 80, 15)])
TWO = KINDS["2"].define("two", [["a", "b"]], [Axis(32, 56, 6), Axis(-3, 15, 6)])
ZERO = Integral((0, 0), (0, 0), 0)

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


def cells_of(definition: Definition, contents: dict[tuple[float, ...], float]) -> Floats:
    """Cells with contents at coordinates (x,) or (x, y)."""
    cells = np.zeros(definition.shape)
    for (x, *y), value in contents.items():
        rows = [] if definition.y_axis is None else [definition.y_axis.cell(y[0])]
        cells[(*rows, definition.x_axis.cell(x))] = value
    return cells


LINE = {(40.0,): 10.0, (44.0,): 30.0, (48.0,): 40.0, (52.0,): 20.0}
SPOTS = {(40.0, 6.0): 8.0, (44.0, 9.0): 12.0}


def test_the_worked_example_of_one_dimension_holds() -> None:
    found = integrate(ONE, cells_of(ONE, LINE))
    assert found.counts == 100
    assert found.centroid == pytest.approx((46.8, 0), abs=1e-12)
    assert found.fwhm == pytest.approx((8.4774, 0), abs=5e-5)


def test_the_worked_example_of_two_dimensions_holds() -> None:
    found = integrate(TWO, cells_of(TWO, SPOTS))
    assert found.counts == 20
    assert found.centroid == pytest.approx((42.4, 7.8), abs=1e-12)
    assert found.fwhm == pytest.approx((4.6145, 3.4609), abs=5e-5)


@pytest.mark.parametrize("scale", [-1000, -600, 0, 600, 1000])
@pytest.mark.parametrize("counts", [0, 50, 1000])
def test_integrals_of_very_large_and_small_numbers_are_those_of_others(
    scale: int, counts: int
) -> None:
    axis = Axis(math.ldexp(20, scale), math.ldexp(80, scale), 15)
    definition = KINDS["1"].define("h", [["a"]], [axis])
    cells = cells_of(ONE, LINE)
    found, plain = integrate(definition, np.ldexp(cells, counts)), integrate(ONE, cells)
    assert found.counts == 100 * 2**counts
    assert found.centroid[0] == math.ldexp(plain.centroid[0], scale)
    assert found.fwhm[0] == math.ldexp(plain.fwhm[0], scale)


def test_widths_are_those_intended_and_not_rustogramers_too_small_ones() -> None:
    one, two = integrate(ONE, cells_of(ONE, LINE)), integrate(TWO, cells_of(TWO, SPOTS))
    assert one.fwhm[0] / math.sqrt(100) == pytest.approx(0.84774, abs=5e-6)
    assert two.fwhm[0] / math.sqrt(20) == pytest.approx(1.0318, abs=5e-5)
    assert two.fwhm[1] / math.sqrt(20) == pytest.approx(0.7739, abs=5e-5)


def test_limits_hold_lower_edges_at_both_ends() -> None:
    cells = cells_of(ONE, LINE)
    assert integrate(ONE, cells, Region(x_low=44, x_high=48)).counts == 70
    assert integrate(ONE, cells, Region(x_low=44.01, x_high=48)).counts == 40
    assert integrate(ONE, cells, Region(x_low=44, x_high=47.99)).counts == 30
    assert integrate(ONE, cells, Region(x_low=-1e9, x_high=44)).counts == 40


def test_a_region_without_counts_is_all_zero() -> None:
    assert integrate(ONE, np.zeros(ONE.shape)) == ZERO
    assert integrate(ONE, cells_of(ONE, LINE), Region(x_low=60, x_high=70)) == ZERO
    assert integrate(TWO, cells_of(TWO, SPOTS), lambda points: points[:, 0] < 0) == ZERO


def test_flow_never_counts() -> None:
    cells = cells_of(ONE, {**LINE, (-5.0,): 7.0, (80.0,): 9.0})
    for region in (None, Region(), Region(x_low=-100, x_high=100)):
        assert integrate(ONE, cells, region) == integrate(ONE, cells_of(ONE, LINE))
    flowing = {(0.0, 6.0): 3.0, (40.0, -9.0): 5.0, (99.0, 99.0): 1.0}
    cells = cells_of(TWO, {**SPOTS, **flowing})
    assert integrate(TWO, cells) == integrate(TWO, cells_of(TWO, SPOTS))
    assert integrate(TWO, cells, lambda points: np.ones(len(points), bool)).counts == 20


def test_a_contour_is_asked_about_lower_edge_corners_in_real_coordinates() -> None:
    asked = []

    def steep(points: Floats) -> Booleans:
        """Right of a steep line, partly outside the spectrum."""
        asked.extend(points.tolist())
        right: Booleans = points[:, 0] > 43 + points[:, 1] / 100
        return right

    found = integrate(TWO, cells_of(TWO, SPOTS), steep)
    assert asked == [[40, 6], [44, 9]]
    assert found == Integral((44, 9), (0, 0), 12)


@given(st.lists(st.integers(0, 1000), min_size=36, max_size=36))
def test_moments_are_those_of_exact_fractions(counts: list[int]) -> None:
    cells = np.zeros(TWO.shape)
    cells[1:-1, 1:-1] = np.reshape(counts, (6, 6))
    found = integrate(TWO, cells)
    total = sum(counts)
    assert found.counts == total
    for side in (0, 1):
        at = [(32 + 4 * (n % 6), -3 + 3 * (n // 6))[side] for n in range(36)]
        mean = Fraction(sum(c * x for c, x in zip(counts, at, strict=True)), total or 1)
        squares = sum(c * (x - mean) ** 2 for c, x in zip(counts, at, strict=True))
        width = 2.3548200450309494 * math.sqrt(squares / (total or 1))
        assert found.centroid[side] == pytest.approx(float(mean), rel=1e-12, abs=1e-9)
        assert found.fwhm[side] == pytest.approx(width, rel=1e-9, abs=1e-6)


def test_negative_contents_have_no_width_rather_than_an_error() -> None:
    cells = cells_of(ONE, {(40.0,): -10.0, (44.0,): 15.0, (48.0,): -4.0})
    found = integrate(ONE, cells)
    assert found.counts == 1
    assert found.fwhm == (0, 0)


def test_fractions_are_cut_off_the_counts_only() -> None:
    found = integrate(ONE, cells_of(ONE, {(40.0,): 0.75, (44.0,): 0.75}))
    assert found.counts == 1
    assert found.centroid == (42, 0)
