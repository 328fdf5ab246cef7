"""Peaks as a Bank tells them, held against counts by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.filling import Filler
from histogrammer.peakspart import MAX_RESIDUALS, PeaksPart
from histogrammer.spectra import kind_of

X = Axis(100.0, 200.0, 50)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(filler=Filler(threads=1, compiled=False)) as one:
        one.create_parameter("a")
        yield one


@pytest.fixture
def ask(engine: Engine) -> Callable[[Callable[[Engine], Any]], Any]:
    return lambda function: function(engine)


def booked(engine: Engine, contents: np.ndarray[Any, Any], axis: Axis) -> None:
    """Book the spectrum `s` with contents."""
    made = engine.create_spectrum(kind_of("1").define("s", [["a"]], [axis]))
    made.contents.cells[1:-1] = contents


@pytest.mark.parametrize("kind", ["gaussian", "linear"])
def test_residuals_of_a_fit_add_up_to_its_chi_square(engine: Engine, ask: Any, kind: str) -> None:
    random = np.random.default_rng(5)
    true = 30 + 500 * np.exp(-(((np.arange(50) - 24) / 4) ** 2) / 2)
    booked(engine, random.poisson(true), X)
    found = PeaksPart(ask).fit("s", kind, 120, 180)
    assert found["at"] == [121 + 2 * number for number in range(31)]
    assert np.square(found["residuals"]).sum() == pytest.approx(found["chisquare"])
    curve = np.interp(found["at"], found["x"], found["y"])
    contents = engine.spectrum("s").contents.cells[11:42]
    expected = (contents - curve) / np.sqrt(np.maximum(contents, 1))
    assert found["residuals"] == pytest.approx(expected, abs=0.2)


def test_many_bins_have_no_residuals(engine: Engine, ask: Any) -> None:
    booked(engine, np.full(MAX_RESIDUALS + 1, 7.0), Axis(0, 1, MAX_RESIDUALS + 1))
    found = PeaksPart(ask).fit("s", "linear", 0, 1)
    assert found["at"] == found["residuals"] == []


def test_a_region_tells_its_centroid_and_width_in_units_of_the_axis(
    engine: Engine, ask: Any
) -> None:
    booked(engine, np.eye(50)[10] * 30 + np.eye(50)[12] * 10, X)
    found = PeaksPart(ask).net_area("s", 100, 199)
    places = np.repeat([121.0, 125.0], [30, 10])
    assert found["centroid"] == pytest.approx(places.mean())
    assert found["fwhm"] == pytest.approx(2.35482 * places.std(), rel=1e-5)
    assert found["centroid_error"] == pytest.approx(places.std() / np.sqrt(40))
    assert PeaksPart(ask).net_area("s", 150, 160)["centroid"] is None
