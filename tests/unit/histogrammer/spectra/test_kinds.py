"""Kinds of spectra: definitions, refusals, and fills by the examples of the reference."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histograms import DEFINITIONS, NAMES, Event, Names, events, exact_cell, fills_of

from histogrammer.axes import MAX_BINS, Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra import KINDS, given_axes, kind_of, sides
from histogrammer.spectra.definition import (
    MAX_FILLS,
    Definition,
    Fill,
    FillBits,
    FillOne,
    FillPair,
    FillRow,
    FillStrip,
    FillWith,
)

X, Y = Axis(0, 100, 100), Axis(-5, 5, 20)
EVERY = pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)


def define(letters: str, *groups: Sequence[str]) -> Definition:
    return KINDS[letters].define("h", groups, [X, Y][: KINDS[letters].axes_given])


def values_of(definition: Definition, event: Event) -> list[tuple[float, ...]]:
    """Fills of an event, in words of the reference: values, or number of the strip and value."""
    found: list[tuple[float, ...]] = []
    for fill in KINDS[definition.kind].fills(definition):
        match fill:
            case FillOne(x) if x in event:
                found.append((event[x],))
            case FillWith(x, partner) if x in event and partner in event:
                found.append((event[x],))
            case FillPair(x, y) if x in event and y in event:
                found.append((event[x], event[y]))
            case FillRow(x_cell, y) if y in event:
                found.append((x_cell - 1, event[y]))
    return found


def test_all_kinds_are_there() -> None:
    assert set(KINDS) == {"1", "2", "g1", "g2", "gd", "s", "m2", "gs", "b", "S", "2dmproj"}
    assert all(kind_of(letters).letters == letters for letters in KINDS)


@pytest.mark.parametrize(
    ("definition", "fills"),
    [
        (define("g1", "abc"), [(5,), (7,), (9,)]),
        (define("g2", "abc"), [(5, 7), (5, 9), (7, 9)]),
        (define("gd", "ab", "c"), [(5, 9), (7, 9)]),
        (define("s", "abc"), [(0, 5), (1, 7), (2, 9)]),
        (define("m2", "ac", "bd"), [(5, 7)]),
        (define("1", "b"), [(7,)]),
        (define("2", "ca"), [(9, 5)]),
        (define("gs", "ab", "", "dc"), [(0, 5), (0, 7), (2, 9)]),
        (define("2dmproj", "ac", "bd"), [(5,)]),
    ],
)
def test_the_worked_example_of_fills_holds(
    definition: Definition, fills: list[tuple[float, ...]]
) -> None:
    assert values_of(definition, {"a": 5, "b": 7, "c": 9}) == fills


def test_absent_parameters_leave_the_fills_of_the_others() -> None:
    event = {"a": 5, "c": 9}
    assert values_of(define("g2", "abc"), event) == [(5, 9)]
    assert values_of(define("s", "abc"), event) == [(0, 5), (2, 9)]
    for letters in ("g1", "g2", "s"):
        assert values_of(define(letters, "abc"), {}) == []


def test_a_projected_sum_counts_x_only_with_its_partner() -> None:
    assert values_of(define("2dmproj", "ac", "bd"), {"a": 1, "c": 2, "d": 3}) == [(2,)]


def counted(definition: Definition, fill: Fill, event: Event) -> list[tuple[Names, object]]:
    """Names and cell of a primitive fill, as `support.histograms` tells them."""
    x_axis, y_axis = definition.x_axis, definition.y_axis
    match fill:
        case FillOne(x):
            return [((x,), (exact_cell(x_axis, event[x]),))] if x in event else []
        case FillWith(x, partner):
            return counted(definition, FillOne(x), event) if partner in event else []
        case FillRow(x_cell, y):
            assert y_axis is not None
            return [((y,), (exact_cell(y_axis, event[y]), x_cell))] if y in event else []
        case FillPair(x, y):
            assert y_axis is not None
            if x in event and y in event:
                index = (exact_cell(y_axis, event[y]), exact_cell(x_axis, event[x]))
                return [((x, y), index)]
            return []
    raise AssertionError(fill)


@settings(max_examples=30)
@given(st.sampled_from(sorted(set(DEFINITIONS) - {"b", "S"})), events(NAMES, 3))
def test_fills_are_those_of_the_second_method(letters: str, some: list[dict[str, float]]) -> None:
    definition = DEFINITIONS[letters]
    for event in some:
        found = [
            one
            for fill in KINDS[letters].fills(definition)
            for one in counted(definition, fill, event)
        ]
        assert found == fills_of(definition, event)


def test_bits_and_strips_are_one_fill_of_their_own() -> None:
    assert KINDS["b"].fills(DEFINITIONS["b"]) == (FillBits("a"),)
    assert KINDS["S"].fills(DEFINITIONS["S"]) == (FillStrip("a", "b"),)


@EVERY
def test_a_definition_is_made_again_from_its_groups_and_the_axes_of_its_user(
    definition: Definition,
) -> None:
    kind = KINDS[definition.kind]
    axes = given_axes(definition)
    assert len(axes) == kind.axes_given
    assert kind.define(definition.name, definition.groups, axes) == definition


@EVERY
def test_names_in_one_list_make_the_same_definition(definition: Definition) -> None:
    kind = KINDS[definition.kind]
    if not kind.nested:
        names = definition.parameters
        if definition.kind == "m2":
            names = tuple(name for pair in zip(*definition.groups, strict=True) for name in pair)
        assert kind.define(definition.name, [names], given_axes(definition)) == definition


def test_x_and_y_parameters_are_told_as_lists_show_them() -> None:
    shown = {letters: sides(definition) for letters, definition in DEFINITIONS.items()}
    assert shown["2"] == (("a",), ("b",))
    assert shown["gd"] == (("a", "b", "c"), ("d", "e"))
    assert shown["m2"] == (("a", "c", "e"), ("b", "d", "a"))
    assert shown["g2"] == (("c", "a", "b", "d"), ())
    assert shown["s"] == (("c", "a", "b", "e"), ())
    assert shown["gs"] == (("a", "b", "c", "d", "e", "a"), ())


@pytest.mark.parametrize("letters", ["2", "g2", "gd", "m2"])
def test_x_and_y_axes_stay_apart(letters: str) -> None:
    definition = DEFINITIONS[letters]
    assert (definition.x_axis, definition.y_axis) == (Axis(-10, 30, 8), Axis(-3, 18, 3))
    assert definition.shape == (5, 10)


def test_the_x_axis_of_a_summary_counts_its_parameters() -> None:
    assert DEFINITIONS["s"].x_axis == Axis(0, 4, 4)
    assert DEFINITIONS["gs"].x_axis == Axis(0, 3, 3)
    assert DEFINITIONS["s"].y_axis == DEFINITIONS["gs"].y_axis == Axis(-3, 18, 3)
    assert given_axes(DEFINITIONS["s"]) == (Axis(-3, 18, 3),)


@pytest.mark.parametrize(
    ("letters", "groups", "text"),
    [
        ("1", [], "Only allowed one parameter"),
        ("1", [["a", "b"]], "Only allowed one parameter"),
        ("2", [["a"]], "There must be exactly two parameters for a 2d spectrum"),
        ("2", [["a", "b", "c"]], "There must be exactly two parameters for a 2d spectrum"),
        ("g1", [[]], "Spectrum h: type g1 needs a parameter"),
        ("g2", [["a"]], "Spectrum h: type g2 needs at least two parameters, 1 given"),
        ("gd", [["a", "b"]], "Spectrum h: type gd needs two lists of parameters, x and y, .*"),
        ("gd", [["a"], []], "Spectrum h: type gd needs two lists of parameters, x and y, .*"),
        ("s", [], "Spectrum h: type s needs a parameter"),
        ("m2", [["a", "b", "c"]], "Must have an even number of parameters"),
        ("m2", [["a", "b"], ["c"]], "Must have an even number of parameters"),
        ("m2", [[]], "Spectrum h: type m2 needs a pair of parameters"),
        ("gs", [[], []], "Spectrum h: type gs needs a list of parameters for each strip"),
        ("b", [["a", "b"]], "Only allowed one parameter"),
        ("S", [["a"]], "Spectrum h: type S needs two parameters, time and value, 1 given"),
        ("2dmproj", [["a"], ["b", "c"]], "Spectrum h: type 2dmproj needs two lists .*"),
    ],
)
def test_parameters_that_a_kind_does_not_take_are_refused(
    letters: str, groups: list[list[str]], text: str
) -> None:
    with pytest.raises(SpectrumError, match=f"^{text}$"):
        define(letters, *groups)


@EVERY
def test_too_few_and_too_many_axes_are_refused(definition: Definition) -> None:
    kind = KINDS[definition.kind]
    axes = given_axes(definition)
    for wrong in ([], [*axes, X]):
        with pytest.raises(SpectrumError, match=f"{len(wrong)} given$"):
            kind.define(definition.name, definition.groups, wrong)


@pytest.mark.parametrize("axis", [Axis(1, 9, 8), Axis(0, 16, 8)])
def test_an_axis_that_does_not_number_bits_is_refused(axis: Axis) -> None:
    with pytest.raises(SpectrumError, match="must be 0 to 8"):
        KINDS["b"].define("h", [["a"]], [axis])


def test_more_cells_than_can_be_are_refused() -> None:
    side = Axis(0, 1, 1 << 14)
    assert KINDS["2"].define("h", ["ab"], [side, side]).shape == ((1 << 14) + 2,) * 2
    with pytest.raises(SpectrumError, match="16400 x 16386 cells, with those of the flow"):
        KINDS["2"].define("h", ["ab"], [Axis(0, 1, (1 << 14) + 14), side])
    assert KINDS["1"].define("h", ["a"], [Axis(0, 1, MAX_BINS)]).size == MAX_BINS + 2
    for axes in ([X, Axis(0, 1, MAX_BINS)], [Axis(0, 1, MAX_BINS), X]):
        with pytest.raises(SpectrumError, match="up to 268566528 in all"):
            KINDS["2"].define("h", ["ab"], axes)


@pytest.mark.parametrize(
    ("letters", "most", "more"),
    [
        ("g2", [["a"] * 512], [["a"] * 513]),
        ("gd", [["a"] * 256, ["b"] * 512], [["a"] * 257, ["b"] * 512]),
        ("g1", [["a"] * MAX_FILLS], [["a"] * (MAX_FILLS + 1)]),
        ("g2", [["a"] * 2], [["a"] * 500_000]),
    ],
)
def test_more_fills_of_an_event_than_can_be_are_refused(
    letters: str, most: list[list[str]], more: list[list[str]]
) -> None:
    axes = [X] * KINDS[letters].axes_given
    KINDS[letters].define("h", most, axes)
    with pytest.raises(SpectrumError, match=f"up to {MAX_FILLS} are possible"):
        KINDS[letters].define("h", more, axes)


@pytest.mark.parametrize("letters", ["G1", "", "xx", "1v"])
def test_unknown_kinds_are_refused_by_name(letters: str) -> None:
    with pytest.raises(SpectrumError, match=f"^Bad type was '{letters}'"):
        kind_of(letters)


def test_spectra_of_vectors_are_refused_with_the_way_to_do_it() -> None:
    with pytest.raises(SpectrumError, match="not vectors; use g1"):
        kind_of("1v")
