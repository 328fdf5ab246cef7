"""Spectra with contents, of every kind and with any axis, for tests of files."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from histogrammer.axes import Axis
from histogrammer.errors import AxisError, SpectrumError
from histogrammer.spectra import KINDS
from histogrammer.spectrumfiles.saved import Saved

NAMES = st.text(max_size=12) | st.text('a "\\\n\r)(nr', max_size=8) | st.just("x" * 300)
COUNTS = st.integers(0, 20).map(float) | st.sampled_from([2.0**32, 2.0**53, 2.0**64])


def counts_of(saved: Saved) -> dict[tuple[int, ...], float]:
    """Index of a cell -> what it holds, of those that are not zero."""
    return {
        tuple(map(int, cell)): float(saved.cells[tuple(cell)]) for cell in np.argwhere(saved.cells)
    }


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    low = draw(st.floats(-1e6, 1e6) | st.sampled_from([0.0, -12.5, 1e16, 1e-7]))
    length = draw(st.floats(1e-3, 1e6) | st.sampled_from([1.0, 49.0]))
    try:
        return Axis(low, low + length, draw(st.integers(1, 6)))
    except AxisError:
        assume(False)
        raise


@st.composite
def saved_spectra(draw: st.DrawFn) -> Saved:
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    names = draw(st.lists(NAMES, min_size=4, max_size=4))
    groups = {
        "1": [names[:1]],
        "b": [names[:1]],
        "2": [names[:1], names[1:2]],
        "S": [names[:1], names[1:2]],
        "gd": [names[:3], names[3:]],
        "m2": [names[:2], names[2:]],
        "2dmproj": [names[:2], names[2:]],
        "gs": [names[:1], [], names[1:]],
    }.get(kind.letters, [names])
    given = [draw(axes()) for _ in range(kind.axes_given)]
    if kind.letters == "b":
        given = [Axis(0.0, float(given[0].bins), given[0].bins)]
    try:
        definition = kind.define(draw(NAMES), groups, given)
    except SpectrumError:  # bins that are too narrow for a strip chart
        assume(False)
        raise
    size = int(np.prod(definition.shape))
    counts = draw(st.lists(COUNTS, min_size=size, max_size=size))
    return Saved(definition, np.array(counts).reshape(definition.shape))
