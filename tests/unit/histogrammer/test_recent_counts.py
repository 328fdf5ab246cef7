"""Contents: counts of the last blocks and cells are one, whenever somebody looks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.axes import Axis
from histogrammer.contents import Contents
from histogrammer.events.blocks import EventBlock
from histogrammer.filling import FilledSpectrum, Filler
from histogrammer.spectra import KINDS

LINE = KINDS["1"].define("line", [["a"]], [Axis(0, 4, 4)])
LOOK = None
WAYS = pytest.mark.parametrize("compiled", [True, False])

steps = st.lists(
    st.one_of(st.just(LOOK), st.tuples(st.integers(-1, 4), st.sampled_from((1, 255, 256, 700)))),
    max_size=12,
)
"""Looks at the cells, and blocks of one value: the value, and how many events have it."""


def block(value: float, events: int) -> EventBlock:
    return EventBlock({"a": 0}, np.full((1, events), value, np.float32))


@WAYS
@settings(max_examples=30)
@given(steps=steps)
def test_cells_have_all_counts_however_often_they_are_looked_at(
    compiled: bool, steps: list[tuple[int, int] | None]
) -> None:
    contents, expected = Contents.zeros(LINE.shape), Counter[int]()
    with Filler(threads=1, compiled=compiled) as filler:
        filler.define([FilledSpectrum(LINE, contents)], {})
        for step in [*steps, LOOK]:
            if step is LOOK:
                assert contents.cells.tolist() == [expected[value] for value in range(-1, 5)]
            else:
                value, events = step
                expected[value] += events
                filler.fill(block(value, events))


@WAYS
def test_a_cell_that_is_set_counts_on_from_its_new_value(compiled: bool) -> None:
    contents = Contents.zeros(LINE.shape)
    with Filler(threads=1, compiled=compiled) as filler:
        filler.define([FilledSpectrum(LINE, contents)], {})
        filler.fill(block(1, 300))
        contents.cells[2] = 0.5
        filler.fill(block(1, 3))
    assert contents.cells.tolist() == [0, 0, 3.5, 0, 0, 0]


def test_cells_hold_counts_up_to_2_to_the_53() -> None:
    contents = Contents.zeros(LINE.shape)
    contents.cells[2] = 2.0**53 - 700
    with Filler(threads=1) as filler:
        filler.define([FilledSpectrum(LINE, contents)], {})
        filler.fill(block(1, 699))
    assert contents.cells[2] == 2.0**53 - 1


def test_all_cells_of_a_spectrum_of_many_have_their_counts() -> None:
    flat = KINDS["2"].define("flat", [["a"], ["b"]], [Axis(0, 200, 200), Axis(0, 200, 200)])
    contents = Contents.zeros(flat.shape)
    places = np.indices((200, 200), np.float32).reshape(2, -1)
    with Filler(threads=1) as filler:
        filler.define([FilledSpectrum(flat, contents)], {})
        for _ in range(3):
            filler.fill(EventBlock({"a": 0, "b": 1}, places))
    assert (contents.cells[1:-1, 1:-1] == 3).all()
    assert contents.cells.sum() == 3 * 200 * 200
    assert contents.nbytes == Contents.bytes_of(flat.shape)
