"""Pictures of spectra: what is seen in them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
from support.gates import made, two_dim

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.gates.condition import Condition, Given
from histogrammer.pictures import PictureOf, draw, gates_of
from histogrammer.spectra import kind_of
from histogrammer.spectra.definition import Definition

pytest.importorskip("matplotlib")
image = pytest.importorskip("PIL.Image")

FLAT = kind_of("1").define("h $x$ é \n", [["a"]], [Axis(0, 10, 10)])
PLANE = kind_of("2").define("h2", [["a"], ["b"]], [Axis(0, 10, 10), Axis(0, 20, 20)])
GATES = made(
    ("slice", "s", Given(parameters=("a",), low=2, high=4)),
    ("other", "s", Given(parameters=("c",), low=2, high=4)),
    ("gamma", "gs", Given(parameters=("c", "a"), low=2, high=4)),
    ("contour", "c", two_dim((1, 1), (8, 1), (8, 8))),
    ("band", "b", two_dim((1, 1), (8, 5))),
    (
        "turned",
        "c",
        Given(x_parameter="b", y_parameter="a", x_coordinates=(1, 2, 3), y_coordinates=(1, 2, 1)),
    ),
    (
        "gammas",
        "gc",
        Given(parameters=("a", "b"), x_coordinates=(1, 2, 3), y_coordinates=(1, 2, 1)),
    ),
    ("all", "*", Given(gates=("slice",))),
)


def pixels(
    definition: Definition,
    cells: npt.NDArray[np.float64],
    gates: Mapping[str, Condition],
    **options: int,
) -> npt.NDArray[np.uint8]:
    picture = PictureOf(definition=definition, cells=cells, gates=gates, applied="slice", **options)
    found = image.open(io.BytesIO(draw(picture)))
    assert found.format == "PNG"
    return np.asarray(found.convert("RGB"))


def test_gates_of_the_parameters_of_a_spectrum_are_drawn() -> None:
    assert list(gates_of(FLAT, GATES)) == ["slice", "gamma"]
    assert list(gates_of(PLANE, GATES)) == ["contour", "band", "gammas"]


def test_a_spectrum_and_its_gates_are_seen() -> None:
    cells = np.arange(12.0)
    without = pixels(FLAT, cells, {}, width=400, height=250)
    assert without.shape == (250, 400, 3)
    assert (without < 50).all(axis=2).sum() > 300  # lines
    with_gates = pixels(FLAT, cells, gates_of(FLAT, GATES), width=400, height=250)
    assert (with_gates != without).any(axis=2).sum() > 1000  # the area of the slice


def test_a_picture_of_two_dimensions_has_a_pixel_for_what_is_filled() -> None:
    cells = np.zeros(PLANE.shape)
    empty = pixels(PLANE, cells, {}, width=300, height=300)
    cells[5, 5] = 100
    filled = pixels(PLANE, cells, {}, width=300, height=300, is_log=True)
    assert (empty != filled).any(axis=2).sum() > 20
    outlined = pixels(PLANE, cells, gates_of(PLANE, GATES), width=300, height=300, is_log=True)
    assert (outlined != filled).any(axis=2).sum() > 100


def test_more_bins_than_pixels_are_drawn_together() -> None:
    fine = kind_of("1").define("fine", [["a"]], [Axis(0, 1, 100_001)])
    cells = np.zeros(fine.shape)
    cells[50_000] = 1000.0  # one of them is seen
    dark = (pixels(fine, cells, {}) < 128).all(axis=2)
    assert dark[100:400, 350:500].any()


@pytest.mark.parametrize("options", [{"width": 63}, {"height": 5000}])
def test_a_picture_of_another_size_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(SpectrumError, match="a side has 64 to 4096"):
        pixels(FLAT, np.zeros(12), {}, **options)


def test_limits_near_the_end_of_numbers_are_no_crash() -> None:
    wide = Axis(-8e307, 8e307, 4)
    for definition in (
        kind_of("1").define("wide", [["a"]], [wide]),
        kind_of("2").define("wide", [["a"], ["b"]], [wide, Axis(0, 1e-300, 2)]),
    ):
        with contextlib.suppress(SpectrumError):
            pixels(definition, np.full(definition.shape, 1e308), {}, is_log=True)
