"""Projections by the example and the rules of the reference; Rustogramer's defects by name."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histograms import DEFINITIONS, NAMES, events, filled

from histogrammer.analysis.projection import (
    ProjectionAxis,
    projected_band,
    projected_cells,
    projected_definition,
)
from histogrammer.analysis.regions import Inside
from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra import KINDS
from histogrammer.spectra.definition import Definition

SOURCE = KINDS["2"].define("h", [["a", "b"]], [Axis(0, 4, 4), Axis(0, 3, 3)])
SHIFTED = KINDS["2"].define("h", [["a", "b"]], [Axis(-10, -2, 4), Axis(100, 103, 3)])
BOTH = pytest.mark.parametrize("direction", list(ProjectionAxis))

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


def example(definition: Definition = SOURCE) -> Floats:
    """Contents of the worked example, by numbers of bins."""
    cells = np.zeros(definition.shape)
    for (x, y), value in {(0, 0): 1, (1, 2): 4, (1, 0): 2, (3, 1): 5}.items():
        cells[y + 1, x + 1] = value
    return cells


def corner(points: Floats) -> Booleans:
    """Contour around x < 1.5 and y < 1.5."""
    inside: Booleans = (points < 1.5).all(axis=1)
    return inside


def everywhere(points: Floats) -> Booleans:
    return np.ones(len(points), bool)


def test_the_worked_example_of_a_projection_holds() -> None:
    cells = example()
    assert projected_cells(SOURCE, cells, ProjectionAxis.X).tolist() == [0, 1, 6, 0, 5, 0]
    assert projected_cells(SOURCE, cells, ProjectionAxis.Y).tolist() == [0, 3, 5, 4, 0]
    assert projected_cells(SOURCE, cells, ProjectionAxis.X, corner).tolist() == [0, 1, 2, 0, 0, 0]
    assert projected_cells(SOURCE, cells, ProjectionAxis.Y, corner).tolist() == [0, 3, 0, 0, 0]


def test_a_band_of_the_worked_example_has_the_counts_of_its_bins() -> None:
    cells = example()
    assert projected_band(cells, ProjectionAxis.X, 0, 1).tolist() == [0, 1, 2, 0, 5, 0]
    assert projected_band(cells, ProjectionAxis.Y, 1, 3).tolist() == [0, 2, 5, 4, 0]


@pytest.mark.parametrize(
    ("letters", "kind", "x", "y"),
    [
        ("2", "1", "a", "b"),
        ("m2", "g1", "ace", "bda"),
        ("gd", "g1", "aabbcc", "dddeee"),
        ("g2", "g1", "cabd", "cabd"),
    ],
)
def test_kind_parameters_and_axis_are_those_of_the_reference(
    letters: str, kind: str, x: str, y: str
) -> None:
    source = DEFINITIONS[letters]
    for direction, names, axis in (
        (ProjectionAxis.X, x, Axis(-10, 30, 8)),
        (ProjectionAxis.Y, y, Axis(-3, 18, 3)),
    ):
        found = projected_definition(source, direction, "new")
        assert (found.name, found.kind, found.x_axis, found.y_axis) == ("new", kind, axis, None)
        assert sorted(found.parameters) == sorted(names)


def test_g2_is_projected_where_rustogramer_refuses() -> None:
    source = DEFINITIONS["g2"]
    cells = filled(source, [{"c": 0, "a": 5, "b": 10}])
    assert projected_definition(source, ProjectionAxis.X, "new").kind == "g1"
    assert projected_cells(source, cells, ProjectionAxis.X)[1:-1].tolist() == [
        0,
        0,
        2,
        1,
        0,
        0,
        0,
        0,
    ]


@BOTH
@pytest.mark.parametrize(
    ("letters", "title"),
    [
        ("1", "1D"),
        ("g1", "Multi1d"),
        ("s", "Summary"),
        ("gs", "Gamma summary"),
        ("b", "Bit mask"),
        ("S", "Strip chart"),
        ("2dmproj", "2DSum projection"),
    ],
)
def test_other_kinds_are_refused_by_their_names(
    letters: str, title: str, direction: ProjectionAxis
) -> None:
    with pytest.raises(SpectrumError, match=f"^{title} spectra cannot be projected$"):
        projected_definition(DEFINITIONS[letters], direction, "new")


@settings(max_examples=25)
@given(events(["a", "b"]))
def test_a_projection_equals_the_spectrum_of_events_that_have_both(
    some: list[dict[str, float]],
) -> None:
    source = DEFINITIONS["2"]
    cells = filled(source, some)
    for direction in ProjectionAxis:
        expected = filled(
            projected_definition(source, direction, "new"),
            some,
            gate=lambda event: "a" in event and "b" in event,
        )
        assert np.array_equal(projected_cells(source, cells, direction), expected)


@settings(max_examples=25)
@given(events(NAMES), st.sampled_from(ProjectionAxis))
def test_a_projection_of_a_sum_equals_the_one_that_goes_on_filling(
    some: list[dict[str, float]], direction: ProjectionAxis
) -> None:
    source = DEFINITIONS["m2"]
    groups = source.groups if direction is ProjectionAxis.X else source.groups[::-1]
    axis = source.x_axis if direction is ProjectionAxis.X else source.y_axis
    assert axis is not None
    going_on = KINDS["2dmproj"].define("new", groups, [axis])
    found = projected_cells(source, filled(source, some), direction)
    assert np.array_equal(found, filled(going_on, some))


@BOTH
def test_the_low_limit_counts_where_rustogramer_forgets_it(direction: ProjectionAxis) -> None:
    plain, shifted = example(), example(SHIFTED)
    found = projected_definition(SHIFTED, direction, "new")
    assert found.x_axis.low == (-10 if direction is ProjectionAxis.X else 100)
    for contour in (None, everywhere):
        expected = projected_cells(SOURCE, plain, direction)
        assert np.array_equal(projected_cells(SHIFTED, shifted, direction, contour), expected)


@pytest.mark.parametrize("definition", [SOURCE, SHIFTED], ids=["at zero", "shifted"])
def test_overflow_is_flow_where_rustogramer_runs_out_of_range(definition: Definition) -> None:
    cells = example(definition)
    cells[2, -1] = 7  # beyond x, in y
    cells[-1, 2] = 9  # in x, beyond y
    cells[-1, -1] = 11
    assert projected_cells(definition, cells, ProjectionAxis.X).tolist() == [0, 1, 15, 0, 5, 18]
    assert projected_cells(definition, cells, ProjectionAxis.Y).tolist() == [0, 3, 12, 4, 20]


@pytest.mark.parametrize("definition", [SOURCE, SHIFTED], ids=["at zero", "shifted"])
def test_underflow_is_flow_where_rustogramer_adds_it_to_the_first_bin(
    definition: Definition,
) -> None:
    cells = example(definition)
    cells[2, 0] = 7  # below x, in y
    cells[0, 2] = 9  # in x, below y
    cells[0, 0] = 11
    assert projected_cells(definition, cells, ProjectionAxis.X).tolist() == [18, 1, 15, 0, 5, 0]
    assert projected_cells(definition, cells, ProjectionAxis.Y).tolist() == [20, 3, 12, 4, 0]


@BOTH
def test_a_contour_leaves_no_flow(direction: ProjectionAxis) -> None:
    cells = example()
    cells[:, [0, -1]] = 3
    cells[[0, -1]] = 3
    found = projected_cells(SOURCE, cells, direction, everywhere)
    assert np.array_equal(found, projected_cells(SOURCE, example(), direction))


@BOTH
@pytest.mark.parametrize("contour", [None, corner], ids=["whole", "contour"])
def test_the_source_stays_as_it_was(direction: ProjectionAxis, contour: Inside | None) -> None:
    cells = example()
    cells[0, 0] = -0.0
    before = cells.tobytes()
    found = projected_cells(SOURCE, cells, direction, contour)
    found += 1
    assert cells.tobytes() == before
