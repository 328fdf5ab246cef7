"""Folds: the sheet's examples, and every event against the rule in words."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.axes import Axis
from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import FoldRule
from histogrammer.gates.condition import Given
from histogrammer.gates.conditions import Conditions
from histogrammer.gates.folds import FOLDED_KINDS, check_fold, fold_counts, is_fold
from histogrammer.spectra import KINDS
from histogrammer.spectra.definition import Definition, FillPair
from tests.support.gates import SPECTCL, Point, below_line, in_polygon, made

REDUCED, PER_MATCH = FoldRule.REDUCED, FoldRule.PER_MATCH
Event = Mapping[str, float]
Names = tuple[str, ...]
ABC = ("a", "b", "c")
LINE = Given(parameters=ABC, low=100.0, high=200.0)
CORNERS: list[Point] = [(100.0, 0.0), (200.0, 0.0), (200.0, 50.0), (100.0, 50.0)]
BOX = Given(
    parameters=ABC, x_coordinates=(100.0, 200.0, 200.0, 100.0), y_coordinates=(0.0, 0.0, 50.0, 50.0)
)


def _spectrum(kind: str, *groups: Sequence[str]) -> Definition:
    axis = Axis(0.0, 1000.0, 10)
    return KINDS[kind].define("h", groups, [axis] if kind == "g1" else [axis, axis])


def _filled(
    definition: Definition, fold: Given, letters: str, rule: FoldRule, *events: Event
) -> list[list[Names]]:
    """Return the names of the parameters of each fill, for each event, as often as it counts."""
    condition = made(("f", letters, fold), flavor=SPECTCL)["f"]
    assert is_fold(condition)
    fills, block = KINDS[definition.kind].fills(definition), EventBlock.of(events)
    counts = fold_counts(condition, definition, fills, block, rule)
    names = [(fill.x, fill.y) if isinstance(fill, FillPair) else (fill.x,) for fill in fills]
    return [
        [name for name, count in zip(names, counts, strict=True) for _ in range(int(count[number]))]
        for number in range(len(events))
    ]


EXAMPLES: list[tuple[Event, list[float], list[float]]] = [
    # event, values that Rustogramer fills, those that SpecTcl fills
    ({"a": 150.0, "b": 30.0, "c": 40.0}, [30, 40], [30, 40]),
    ({"a": 150.0, "b": 160.0, "c": 40.0}, [40], [160, 40, 150, 40]),
    ({"a": 10.0, "b": 30.0, "c": 40.0}, [10, 30, 40], []),
    ({"a": 150.0, "b": 160.0, "c": 170.0}, [], [160, 170, 150, 170, 150, 160]),
]


@pytest.mark.parametrize(("event", "reduced", "per_match"), EXAMPLES)
def test_the_folded_spectra_of_the_sheet_are_filled_as_it_says(
    event: Event, reduced: list[float], per_match: list[float]
) -> None:
    for rule, expected in ((REDUCED, reduced), (PER_MATCH, per_match)):
        (filled,) = _filled(_spectrum("g1", ABC), LINE, "gs", rule, event)
        assert Counter(event[name] for (name,) in filled) == Counter(expected)


@pytest.mark.parametrize("rule", FoldRule)
def test_a_folded_pair_spectrum_shows_what_came_with_the_line(rule: FoldRule) -> None:
    (filled,) = _filled(_spectrum("g2", ABC), LINE, "gs", rule, EXAMPLES[0][0])
    assert filled == [("b", "c")]


def test_parameters_that_the_fold_does_not_list_never_fill_in_rustogramer() -> None:
    event = {"a": 10.0, "b": 30.0, "c": 40.0, "d": 50.0}
    listed = Given(parameters=("b", "a"), low=100.0, high=200.0)
    assert _filled(_spectrum("g1", "abcd"), listed, "gs", REDUCED, event) == [[("a",), ("b",)]]
    # a pair counts in the order of the list
    assert _filled(_spectrum("g2", "abcd"), listed, "gs", REDUCED, event) == [[]]
    assert _filled(_spectrum("gd", "bc", "ad"), listed, "gs", REDUCED, event) == [[("b", "a")]]


def _holds(letters: str, *point: float) -> bool:
    if letters == "gs":
        return 100 <= point[0] < 200
    if letters == "gc":
        return in_polygon(CORNERS, *point, SPECTCL.polygons)
    return below_line(CORNERS, *point, first_decides=False)


def _reduced(definition: Definition, letters: str, event: Event) -> list[Names]:
    listed = [name for name in ABC if name in event]
    pairs = list(itertools.combinations(listed, 2))
    if letters == "gs":
        left: set[Names] = {(name,) for name in listed if not _holds("gs", event[name])}
        left |= {(x, y) for x, y in pairs if (x,) in left and (y,) in left}
    else:
        left = {(x, y) for x, y in pairs if not _holds(letters, event[x], event[y])}
        left |= {(name,) for pair in left for name in pair}
    return [names for names in _own_fills(definition, event) if names in left]


def _own_fills(definition: Definition, event: Event, *taken: int) -> list[Names]:
    """Return the fills of an event, without the parameters at some places of the spectrum's list."""
    at = 0
    sides = []
    for group in definition.groups:
        places = range(at, at + len(group))
        at += len(group)
        sides.append(
            [n for place, n in zip(places, group, strict=True) if n in event and place not in taken]
        )
    if definition.kind == "gd":
        return list(itertools.product(*sides))
    return list(itertools.combinations(sides[0], 1 if definition.kind == "g1" else 2))


def _per_match(definition: Definition, letters: str, event: Event) -> list[Names]:
    places = [p for p, name in enumerate(definition.parameters) if name in event]
    value = {place: event[definition.parameters[place]] for place in places}
    x_places = [place for place in places if place < len(definition.groups[0])]
    y_places = [place for place in places if place not in x_places]
    matches: list[tuple[int, ...]]
    if letters == "gs" and definition.kind != "gd":
        matches = [(p,) for p in places if _holds("gs", value[p])]
    elif letters == "gs":
        matching = ([p for p in side if _holds("gs", value[p])] for side in (x_places, y_places))
        matches = list(itertools.product(*matching))
    elif definition.kind == "gd":
        both = itertools.product(x_places, y_places)
        matches = [(p, q) for p, q in both if _holds(letters, value[p], value[q])]
    else:
        matches = [
            (p, q)
            for p, q in itertools.combinations(places, 2)
            if _holds(letters, value[p], value[q]) or _holds(letters, value[q], value[p])
        ]
    return [names for match in matches for names in _own_fills(definition, event, *match)]


VALUES = st.sampled_from([None, 20.0, 60.0, 100.0, 150.0, 200.0])
EVENTS = st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), min_size=1, max_size=6)
SPECTRA = [
    _spectrum("g1", ABC),
    _spectrum("g1", "dba"),
    _spectrum("g2", "abcd"),
    _spectrum("g2", "ca"),
    _spectrum("gd", "ab", "cd"),
    _spectrum("gd", "c", "ba"),
]


@given(EVENTS, st.sampled_from(SPECTRA), st.sampled_from(["gs", "gc", "gb"]))
@settings(max_examples=60)
def test_folds_of_any_events_follow_their_rule(
    values: list[tuple[float | None, ...]], definition: Definition, letters: str
) -> None:
    events: list[Event] = [
        {n: v for n, v in zip("abcd", row, strict=True) if v is not None} for row in values
    ]
    fold = LINE if letters == "gs" else BOX
    for rule, in_words in ((REDUCED, _reduced), (PER_MATCH, _per_match)):
        found = _filled(definition, fold, letters, rule, *events)
        for filled, event in zip(found, events, strict=True):
            assert Counter(filled) == Counter(in_words(definition, letters, event))


@pytest.mark.parametrize("letters", ["gs", "gc"])
@pytest.mark.parametrize("names", ["ab", "ba", "bab", "aab", "abcba", "c", "ca"])
def test_pairs_are_those_of_the_list_of_the_fold_in_its_order(letters: str, names: str) -> None:
    fold = LINE if letters == "gs" else BOX
    spectrum = _spectrum("gd", ABC, ABC)
    (found,) = _filled(
        spectrum, replace(fold, parameters=tuple(names)), letters, REDUCED, dict.fromkeys(ABC, 0.5)
    )
    assert set(found) == set(itertools.combinations(names, 2))


def test_a_fold_by_a_list_of_any_length_costs_no_more_than_its_names() -> None:
    fold = replace(LINE, parameters=("a",) * 50_000)
    assert _filled(_spectrum("g2", ABC), fold, "gs", REDUCED, {"a": 1.0, "b": 2.0}) == [[]]


def test_only_gamma_gates_fold_and_only_gamma_spectra_are_folded() -> None:
    conditions: Conditions = made(
        ("line", "gs", LINE), ("box", "gc", BOX), ("band", "gb", BOX), ("t", "T", Given())
    )
    for name in ("line", "box", "band"):
        for definition in SPECTRA:
            check_fold(name, conditions, definition)
    assert not is_fold(None)
    with pytest.raises(ConditionError, match=r"^t cannot be used as a fold$"):
        check_fold("t", conditions, SPECTRA[0])
    with pytest.raises(ConditionError, match=r"^There is no condition named x$"):
        check_fold("x", conditions, SPECTRA[0])
    summary = KINDS["s"].define("h", [ABC], [Axis(0.0, 1.0, 1)])
    with pytest.raises(ConditionError, match=r"^Spectra of this type cannot have folds applied$"):
        check_fold("line", conditions, summary)
    fold, block = conditions["line"], EventBlock.of([{"a": 1.0}])
    assert is_fold(fold)
    with pytest.raises(ConditionError, match="cannot have folds applied"):
        fold_counts(fold, summary, KINDS["s"].fills(summary), block, REDUCED)
    assert {definition.kind for definition in SPECTRA} == FOLDED_KINDS
