"""All kinds of conditions: truth in the words of the reference, absent parameters, and creation."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest

from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.gates import KINDS
from histogrammer.gates.compounds import And, Or
from histogrammer.gates.condition import Given
from histogrammer.gates.conditions import BlockTruths
from histogrammer.gates.contours import Contour
from tests.support.gates import SPECTCL, Point, below_line, in_polygon, made, truth, two_dim

FLAVORS = pytest.mark.parametrize("flavor", [RUSTOGRAMER, SPECTCL], ids=lambda flavor: flavor.name)

L_SHAPE = [(10.0, 10.0), (40.0, 10.0), (40.0, 20.0), (20.0, 20.0), (20.0, 40.0), (10.0, 40.0)]
TENT = [(0.0, 10.0), (10.0, 20.0), (20.0, 0.0)]
TRIANGLE = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]
"""Holds (8, 2) and not (2, 8)."""


def _slice(*parameters: str, low: float | None = 10, high: float | None = 20) -> Given:
    return Given(parameters=parameters, low=low, high=high)


def _many(*points: Point, parameters: tuple[str, ...] = ("a", "b", "c")) -> Given:
    x, y = zip(*points, strict=True)
    return Given(parameters=parameters, x_coordinates=x, y_coordinates=y)


def _mask(value: int | None) -> Given:
    return Given(parameters=("a",), value=value)


def _of(letters: str, given: Given, flavor: Flavor, *events: dict[str, float]) -> list[bool]:
    return truth(made(("g", letters, given), flavor=flavor), "g", *events)


@FLAVORS
def test_true_is_always_and_false_never_true(flavor: Flavor) -> None:
    assert _of("T", Given(), flavor, {}, {"a": 1.0}) == [True, True]
    assert _of("F", Given(), flavor, {}, {"a": 1.0}) == [False, False]


def test_a_slice_holds_its_upper_limit_in_rustogramer_only() -> None:
    below = float(np.nextafter(np.float32(10), np.float32(0)))
    above = float(np.nextafter(np.float32(20), np.float32(30)))
    events = [{"a": value} for value in (below, 10.0, 15.0, 20.0, above, float("nan"))]
    given = _slice("a")
    assert _of("s", given, RUSTOGRAMER, *events) == [False, True, True, True, False, False]
    assert _of("s", given, SPECTCL, *events) == [False, True, True, False, False, False]


@FLAVORS
def test_a_gamma_slice_holds_its_lower_limit_only(flavor: Flavor) -> None:
    events: list[dict[str, float]] = [
        {"a": 10.0},
        {"a": 20.0},
        {"a": 0.0, "b": 15.0},
        {"a": 0.0, "b": 30.0},
        {"c": 15.0},
    ]
    given = _slice("a", "b")
    assert _of("gs", given, flavor, *events) == [True, False, True, False, False]


BAND_POINTS = [
    ((5.0, 15.0), True),
    ((5.0, 15.01), False),
    ((15.0, 10.0), True),
    ((15.0, 10.5), False),
    ((20.0, 0.0), True),
    ((-0.1, 0.0), False),
    ((20.1, -5.0), False),
    ((12.0, -1000.0), True),
]
"""The sheet's example; Rustogramer's."""


def test_a_band_is_true_below_its_line_and_in_rustogramer_on_it() -> None:
    events = [{"a": x, "b": y} for (x, y), _ in BAND_POINTS]
    expected = [inside for _, inside in BAND_POINTS]
    assert _of("b", two_dim(*TENT), RUSTOGRAMER, *events) == expected
    on_line = [(5.0, 15.0), (15.0, 10.0), (20.0, 0.0)]
    theirs = [inside and point not in on_line for point, inside in BAND_POINTS]
    assert _of("b", two_dim(*TENT), SPECTCL, *events) == theirs


def test_the_first_segment_of_a_band_decides_and_crossings_do_in_spectcl() -> None:
    folded = [(0.0, 10.0), (10.0, 10.0), (0.0, 30.0)]  # back over itself, higher
    events = [{"a": 2.0, "b": y} for y in (5.0, 20.0, 40.0)]
    assert _of("b", two_dim(*folded), RUSTOGRAMER, *events) == [True, False, False]
    assert _of("b", two_dim(*folded), SPECTCL, *events) == [False, True, False]


def test_a_vertical_segment_of_a_band_counts_up_to_its_higher_end() -> None:
    steps = [(5.0, 3.0), (5.0, 8.0), (9.0, 1.0)]
    events = [{"a": 5.0, "b": y} for y in (8.0, 8.5, 2.0)]
    assert _of("b", two_dim(*steps), RUSTOGRAMER, *events) == [True, False, True]


CONTOUR_POINTS = [
    ((15.0, 15.0), True, True),
    ((30.0, 15.0), True, True),
    ((30.0, 30.0), False, False),
    ((9.9, 15.0), False, False),
    ((10.0, 25.0), False, True),
    ((20.0, 30.0), True, False),
    ((40.0, 15.0), True, False),
    ((25.0, 10.0), True, True),
    ((30.0, 20.0), False, False),
    ((15.0, 40.0), False, False),
    ((10.0, 10.0), True, True),
    ((40.0, 10.0), True, False),
    ((40.0, 20.0), True, False),
    ((20.0, 20.0), True, False),
    ((20.0, 40.0), True, False),
    ((10.0, 40.0), True, False),
]
"""The sheet's L: point, inside in Rustogramer, in SpecTcl."""


def test_points_of_the_l_are_inside_as_the_sheet_says() -> None:
    events = [{"a": x, "b": y} for (x, y), _, _ in CONTOUR_POINTS]
    ours = _of("c", two_dim(*L_SHAPE), RUSTOGRAMER, *events)
    assert ours == [inside for _, inside, _ in CONTOUR_POINTS]
    theirs = _of("c", two_dim(*L_SHAPE), SPECTCL, *events)
    assert theirs == [inside for _, _, inside in CONTOUR_POINTS]


def test_a_contour_that_crosses_itself_is_even_odd() -> None:
    star = [(50.0, 0.0), (79.0, 90.0), (2.0, 34.0), (98.0, 34.0), (21.0, 90.0)]
    assert _of("c", two_dim(*star), RUSTOGRAMER, {"a": 50.0, "b": 50.0}) == [False]
    assert _of("c", two_dim(*star), RUSTOGRAMER, {"a": 50.0, "b": 10.0}) == [True]


@FLAVORS
@pytest.mark.parametrize("letters", ["gc", "gb"])
def test_gamma_figures_take_any_pair_in_either_order(letters: str, flavor: Flavor) -> None:
    values = (8.0, 2.0, -1.0, 30.0)
    events: list[dict[str, float]] = [
        {name: value for name, value in zip("abc", chosen, strict=True) if value != 30.0}
        for chosen in itertools.product(values, repeat=3)
    ]

    def holds(x: float, y: float) -> bool:
        if letters == "gc":
            return in_polygon(TRIANGLE, x, y, flavor.polygons)
        return below_line(TRIANGLE, x, y, first_decides=flavor.band_first_segment)

    expected = [
        any(holds(x, y) for x, y in itertools.permutations(event.values(), 2)) for event in events
    ]
    assert set(expected) == {True, False}
    assert _of(letters, _many(*TRIANGLE), flavor, *events) == expected


MASKED = [
    # value, em, am, nm with m = 0x0f
    (0x0F, True, True, False),
    (0x1F, False, True, False),
    (0xFFFFFFF0, False, False, True),
    (0xFFFFFFFF, False, True, True),
    (15.75, True, True, False),
    (4294967295.5, False, True, True),
    (0.0, False, False, False),
    (-1.0, False, False, False),
    (-4294967281.0, False, False, False),
    (4294967296.0 + 15, False, False, False),
    (1e300, False, False, False),
    (float("inf"), False, False, False),
    (float("nan"), False, False, False),
]


@pytest.mark.parametrize(("number", "letters"), [(1, "em"), (2, "am"), (3, "nm")])
def test_masks_look_at_32_bits_of_a_value_cut_to_a_whole_number(number: int, letters: str) -> None:
    block = EventBlock.of([{"a": row[0]} for row in MASKED])
    found = BlockTruths(made(("g", letters, _mask(0x0F))), block)("g")
    assert found.tolist() == [row[number] for row in MASKED]


COMPOUNDS = [
    ("*", ("t", "t"), True),
    ("*", ("t", "f"), False),
    ("*", ("f",), False),
    ("+", ("t", "f"), True),
    ("+", ("f", "f"), False),
    ("+", ("t",), True),
    ("-", ("t",), False),
    ("-", ("f",), True),
]


@FLAVORS
@pytest.mark.parametrize(("letters", "gates", "expected"), COMPOUNDS)
def test_compounds_are_logic(
    letters: str, gates: tuple[str, ...], expected: bool, flavor: Flavor
) -> None:
    parts = ("t", "T", Given()), ("f", "F", Given())
    conditions = made(*parts, ("g", letters, Given(gates=gates)), flavor=flavor)
    assert truth(conditions, "g", {}, {"a": 1.0}) == [expected] * 2


def test_compounds_without_components_are_as_the_flavor_says() -> None:
    truths, block = BlockTruths({}, EventBlock.of([{}])), EventBlock.of([{}])
    assert And(()).truth(block, truths).tolist() == [True]
    for flavor in (RUSTOGRAMER, SPECTCL):
        assert Or((), flavor.empty_or).truth(block, truths).tolist() == [flavor.empty_or]


def test_a_contour_of_two_bands_goes_there_and_back() -> None:
    low, high = [(0.0, 0.0), (10.0, 0.0)], [(0.0, 5.0), (10.0, 8.0)]
    conditions = made(("low", "b", two_dim(*low)), ("high", "b", two_dim(*high)), flavor=SPECTCL)
    conditions.edit("g", "c2band", Given(gates=("high", "low")))
    contour = conditions["g"]
    assert isinstance(contour, Contour)
    assert contour.points == (*high, (10.0, 0.0), (0.0, 0.0))
    assert (contour.letters, contour.gates, contour.parameters) == ("c", (), ("a", "b"))
    conditions.delete("low")
    assert truth(conditions, "g", {"a": 5.0, "b": 6.0}, {"a": 5.0, "b": 7.0}) == [True, False]


PRIMITIVES: list[tuple[str, Given, dict[str, float]]] = [
    # letters, ingredients, an event for which it is true
    ("s", _slice("a"), {"a": 15.0}),
    ("b", two_dim(*TENT), {"a": 10.0, "b": 1.0}),
    ("c", two_dim(*L_SHAPE), {"a": 15.0, "b": 15.0}),
    ("gs", _slice("a", "b"), {"b": 15.0}),
    ("gc", _many(*L_SHAPE), {"a": 15.0, "c": 15.0}),
    ("gb", _many(*TENT), {"b": 10.0, "c": 1.0}),
    ("em", _mask(3), {"a": 3.0}),
    ("am", _mask(3), {"a": 7.0}),
    ("nm", _mask(0xFFFFFFFC), {"a": 3.0}),
]


@FLAVORS
@pytest.mark.parametrize(("letters", "given", "event"), PRIMITIVES)
def test_a_primitive_condition_is_false_without_one_of_its_parameters(
    letters: str, given: Given, event: dict[str, float], flavor: Flavor
) -> None:
    conditions = made(("g", letters, given), flavor=flavor)
    assert truth(conditions, "g", event) == [True]
    for missing in event:
        rest = {name: value for name, value in event.items() if name != missing}
        # by an event that lacks it, and by a block that lacks it
        assert truth(conditions, "g", event, rest, {}) == [True, False, False]
        assert truth(conditions, "g", rest) == [False]


def test_every_primitive_kind_is_tested_without_parameters() -> None:
    assert {"T", "F", "*", "+", "-", "c2band"} | {row[0] for row in PRIMITIVES} == set(KINDS)


@pytest.mark.parametrize(("letters", "given", "event"), PRIMITIVES)
def test_conditions_are_values(letters: str, given: Given, event: dict[str, float]) -> None:
    condition, same = (made(("g", letters, given))["g"] for _ in range(2))
    assert condition == same
    assert hash(condition) == hash(same)
    copied = pickle.loads(pickle.dumps(condition))
    assert copied == condition
    assert copied.letters == letters
    block = EventBlock.of([event])
    assert copied.truth(block, BlockTruths({}, block)).tolist() == [True]


def test_points_are_listed_as_they_were_given() -> None:
    conditions = made(
        ("s", "s", _slice("a")),
        ("gs", "gs", _slice("a", "b", low=3)),
        ("c", "c", two_dim(*L_SHAPE)),
        ("b", "b", two_dim(*TENT)),
        ("gc", "gc", _many(*TRIANGLE)),
        ("t", "T", Given()),
    )
    assert [conditions[name].points for name in conditions] == [
        ((10, 0.0), (20, 0.0)),
        ((3, 0.0), (20, 0.0)),
        tuple(L_SHAPE),
        tuple(TENT),
        tuple(TRIANGLE),
        (),
    ]
    assert [conditions[name].parameters for name in conditions] == [
        ("a",),
        ("a", "b"),
        ("a", "b"),
        ("a", "b"),
        ("a", "b", "c"),
        (),
    ]
