"""Projections as a Bank tells them, held against sums by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import HistogrammerError
from histogrammer.filling import Filler
from histogrammer.gates.condition import Given
from histogrammer.projectionspart import ProjectionsPart
from histogrammer.spectra import kind_of
from zmqjsonproxy import RefusedError

X, Y = Axis(100.0, 200.0, 50), Axis(0.0, 10.0, 20)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(filler=Filler(threads=1, compiled=False)) as one:
        for name in "ab":
            one.create_parameter(name)
        yield one


@pytest.fixture
def ask(engine: Engine) -> Callable[[Callable[[Engine], Any]], Any]:
    return lambda function: function(engine)


def booked(engine: Engine, contents: np.ndarray[Any, Any]) -> None:
    """Book the spectrum `s` with contents."""
    made = engine.create_spectrum(kind_of("2").define("s", [["a"], ["b"]], [X, Y]))
    made.contents.cells[1:-1, 1:-1] = contents


def test_a_projection_that_is_looked_at_has_the_counts_of_all_of_a_band_and_of_a_contour(
    engine: Engine, ask: Any
) -> None:
    contents = np.arange(20 * 50.0).reshape(20, 50)
    booked(engine, contents)
    look = ProjectionsPart(ask).look
    assert look("s", "x")["counts"] == contents.sum(axis=0).tolist()
    band = look("s", "y", None, 110.5, 120.5)
    assert (band["axis"], band["low"], band["high"]) == ([0, 10, 20], 110, 122)
    assert band["counts"] == contents[:, 5:11].sum(axis=1).tolist()
    assert band["total"] == contents[:, 5:11].sum()
    square = ((109, -1), (121, -1), (121, 3.2), (109, 3.2))
    given = Given(
        x_parameter="a",
        y_parameter="b",
        x_coordinates=tuple(float(x) for x, _ in square),
        y_coordinates=tuple(float(y) for _, y in square),
    )
    engine.edit_condition("g", "c", given)
    inside = contents[:7, 5:11]  # bins whose lower edges are within
    assert look("s", "x", "g")["counts"][5:11] == inside.sum(axis=0).tolist()
    assert look("s", "y", "g")["total"] == inside.sum()
    assert list(engine.spectra) == ["s"]


@pytest.mark.parametrize(
    "args",
    [
        ("z",),
        ("x", None, 1.0),
        ("x", "g", 1.0, 2.0),
        ("x", None, 3.0, 2.0),
        ("x", None, 50.0, 60.0),
    ],
)
def test_projections_that_cannot_be_are_refused(engine: Engine, ask: Any, args: Any) -> None:
    booked(engine, np.zeros((20, 50)))
    with pytest.raises((RefusedError, HistogrammerError)):
        ProjectionsPart(ask).look("s", *args)
