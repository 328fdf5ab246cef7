"""Histograms by a second method: one event at a time, in exact fractions. Nothing of the filling
programs is used, only definitions of spectra.

Events are mappings of names to values; a parameter that is not in one is absent. The strategies
draw axes and values for which the exact cell and the cell in double precision are the same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from histogrammer.axes import Axis
from histogrammer.spectra import KINDS
from histogrammer.spectra.definition import Definition

Event = Mapping[str, float]
Names = tuple[str, ...]
Counted = tuple[Names, tuple[int, ...]]
"""Parameters of one fill, and the index of its cell: (ix,), or (iy, ix)."""

FAR = (math.nan, math.inf, -math.inf, 1e300, -1e300)
WIDTHS = (0.25, 0.5, 1.0, 3.0, 7.0, 49.0, 103.0)

NAMES = ("a", "b", "c", "d", "e")
_X, _Y = Axis(-10, 30, 8), Axis(-3, 18, 3)

DEFINITIONS: dict[str, Definition] = {
    letters: KINDS[letters].define(f"spectrum {letters}", groups, given)
    for letters, groups, given in (
        ("1", [["a"]], [_X]),
        ("2", [["a"], ["b"]], [_X, _Y]),
        ("g1", [["c", "a", "b"]], [_X]),
        ("g2", [["c", "a", "b", "d"]], [_X, _Y]),
        ("gd", [["a", "b", "c"], ["d", "e"]], [_X, _Y]),
        ("s", [["c", "a", "b", "e"]], [_Y]),
        ("m2", [["a", "c", "e"], ["b", "d", "a"]], [_X, _Y]),
        ("gs", [["a", "b"], ["c"], ["d", "e", "a"]], [_Y]),
        ("b", [["a"]], [Axis(0, 5, 5)]),
        ("S", [["a"], ["b"]], [_X]),
        ("2dmproj", [["a", "c", "e"], ["b", "d", "a"]], [_X]),
    )
}
"""A spectrum of each kind over the parameters `NAMES`, with x and y axes that differ."""


def exact_cell(axis: Axis, value: float) -> int:
    """Return the cell of a value by exact fractions: 0 underflow, bins + 1 overflow and NaN."""
    if math.isnan(value) or value >= axis.high:
        return axis.bins + 1
    if value < axis.low:
        return 0
    bins_per_unit = Fraction(axis.bins) / (Fraction(axis.high) - Fraction(axis.low))
    return 1 + math.floor((Fraction(value) - Fraction(axis.low)) * bins_per_unit)


def fills_of(definition: Definition, event: Event) -> list[Counted]:
    """Return the fills of an event, in the order of the reference; not those of strip charts."""
    groups, x_axis, y_axis = definition.groups, definition.x_axis, definition.y_axis

    def one(names: Iterable[str]) -> Iterator[Counted]:
        return (((x,), (exact_cell(x_axis, event[x]),)) for x in names if x in event)

    def pairs(names: Iterable[Sequence[str]]) -> Iterator[Counted]:
        assert y_axis is not None
        for x, y in names:
            if x in event and y in event:
                yield (x, y), (exact_cell(y_axis, event[y]), exact_cell(x_axis, event[x]))

    def strips(lists: Iterable[Sequence[str]]) -> Iterator[Counted]:
        assert y_axis is not None
        for strip, names in enumerate(lists):
            for y in names:
                if y in event:
                    yield (y,), (exact_cell(y_axis, event[y]), strip + 1)

    match definition.kind:
        case "1" | "g1":
            found = one(groups[0])
        case "2" | "m2":
            found = pairs(zip(*groups, strict=True))
        case "g2":
            found = pairs(itertools.combinations(groups[0], 2))
        case "gd":
            found = pairs(itertools.product(*groups))
        case "s":
            found = strips((name,) for name in groups[0])
        case "gs":
            found = strips(groups)
        case "b":
            found = _bits(definition, event)
        case "2dmproj":
            found = one(x for x, y in zip(*groups, strict=True) if y in event)
        case kind:
            raise AssertionError(f"no such kind: {kind}")
    return list(found)


def _bits(definition: Definition, event: Event) -> Iterator[Counted]:
    """Fills of a bit mask: bits beyond the axis are overflow; only 0 <= value < 2^32 has bits."""
    ((name,),) = definition.groups
    if name in event and 0 <= event[name] < 2**32:
        word = math.trunc(event[name])
        for bit in range(32):
            if word >> bit & 1:
                yield (name,), (min(bit, definition.x_axis.bins) + 1,)


def filled(
    definition: Definition,
    events: Iterable[Event],
    *,
    gate: Callable[[Event], bool] = lambda event: True,
    keep: Callable[[Event, Names], bool] = lambda event, names: True,
) -> npt.NDArray[np.float64]:
    """Return the cells of a spectrum after events.

    Args:
        definition: Definition of the spectrum.
        events: Events, in order.
        gate: Truth of its gate for an event.
        keep: Truth of its fold for a fill with these parameters, (x,) or (x, y).
    """
    accepted = [event for event in events if gate(event)]
    if definition.kind == "S":
        return strip_chart(definition, accepted)[0]
    cells = np.zeros(definition.shape)
    for event in accepted:
        for names, index in fills_of(definition, event):
            if keep(event, names):
                cells[index] += 1
    return cells


def strip_chart(
    definition: Definition, events: Iterable[Event]
) -> tuple[npt.NDArray[np.float64], int]:
    """Return the cells of a strip chart, and the bins by which its axis has moved.

    A channel of a time is known by its number from the low limit that was defined, so that moving
    needs no arithmetic: channels that are left behind are forgotten.
    """
    (time,), (value,) = definition.groups
    axis = definition.x_axis
    width = (Fraction(axis.high) - Fraction(axis.low)) / axis.bins
    quarter = max(1, axis.bins // 4)
    first, channels = 0, dict[int, Fraction]()
    for event in events:
        if not all(name in event and math.isfinite(event[name]) for name in (time, value)):
            continue
        channel = math.floor((Fraction(event[time]) - Fraction(axis.low)) / width)
        if abs(channel) >= 2**48:
            continue
        if channel < first:
            first, channels = channel, {}
        while channel >= first + axis.bins:
            behind = channel - (first + axis.bins)
            first += quarter * (behind // quarter + 1)
        channels = {number: sum_ for number, sum_ in channels.items() if number >= first}
        channels[channel] = channels.get(channel, Fraction(0)) + Fraction(event[value])
    cells = np.zeros(definition.shape)
    for number, sum_ in channels.items():
        cells[number - first + 1] = float(sum_)
    return cells, first


def axes(most_bins: int = 9) -> st.SearchStrategy[Axis]:
    """Axes of whole and half bins, shifted, of both signs."""
    return st.builds(
        lambda low, width, bins: Axis(low / 2, low / 2 + width * bins, bins),
        st.integers(-40, 40),
        st.sampled_from(WIDTHS),
        st.integers(1, most_bins),
    )


VALUES = st.integers(-400, 400).map(lambda quarters: quarters / 4) | st.sampled_from(FAR)


def events(names: Iterable[str], most: int = 12) -> st.SearchStrategy[list[dict[str, float]]]:
    """Lists of events, each with some of the parameters; among them none, one and all."""
    one = st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES))
    return st.lists(one, max_size=most)
