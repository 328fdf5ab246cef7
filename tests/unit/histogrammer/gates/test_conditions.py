"""The dictionary of conditions: edits, deletion, lists, loops, and truths for blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.errors import ConditionError, PatternError
from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.gates.condition import Given, Point, Truth, Truths
from histogrammer.gates.conditions import DELETED, BlockTruths, Conditions, Edited
from tests.support.gates import SPECTCL, made, truth

TRUE, FALSE = Given(), Given()
IN = Given(parameters=("a",), low=0.0, high=10.0)
INSIDE, OUTSIDE = {"a": 5.0}, {"a": 50.0}


def _of(*gates: str) -> Given:
    return Given(gates=gates)


def test_an_edit_creates_and_then_replaces() -> None:
    conditions = made()
    assert conditions.edit("g", "s", IN) is Edited.CREATED
    assert conditions.edit("g", "T", TRUE) is Edited.REPLACED
    assert [edited.value for edited in Edited] == ["Created", "Replaced"]
    assert [listed.condition.letters for listed in conditions.matching()] == ["T"]


def test_what_refers_to_a_name_sees_its_replacement_in_the_next_block() -> None:
    conditions = made(
        ("part", "T", TRUE),
        ("middle", "*", _of("part")),
        ("upper", "+", _of("middle")),
        ("one", "-", _of("upper")),
        ("other", "*", _of("upper")),
    )
    before = BlockTruths(dict(conditions), EventBlock.of([{}]))
    conditions.edit("part", "F", FALSE)
    after = BlockTruths(dict(conditions), EventBlock.of([{}]))
    assert [bool(truths("other")[0]) for truths in (before, after)] == [True, False]
    assert [bool(truths("one")[0]) for truths in (before, after)] == [False, True]


def test_a_failed_edit_leaves_the_old_condition() -> None:
    conditions = made(("g", "s", IN))
    with pytest.raises(ConditionError):
        conditions.edit("g", "s", Given())
    assert truth(conditions, "g", INSIDE) == [True]


DELETIONS = [
    # letters, components, truth with the deleted one in Rustogramer, in SpecTcl
    ("*", ("t", "gone"), False, False),
    ("-", ("gone",), False, True),
    ("+", ("f", "gone"), False, False),
    ("+", ("t", "gone"), True, True),
]


@pytest.mark.parametrize(("letters", "gates", "ours", "theirs"), DELETIONS)
def test_a_deleted_component_counts_as_the_flavor_says(
    letters: str, gates: tuple[str, ...], ours: bool, theirs: bool
) -> None:
    for flavor, expected in ((RUSTOGRAMER, ours), (SPECTCL, theirs)):
        conditions = made(
            ("t", "T", TRUE),
            ("f", "F", FALSE),
            ("gone", "T", TRUE),
            ("g", letters, _of(*gates)),
            flavor=flavor,
        )
        conditions.delete("gone")
        assert truth(conditions, "g", {}) == [expected]


def test_rustogramers_defect_that_a_deleted_component_makes_an_or_true_is_not_repeated() -> None:
    conditions = made(("gone", "T", TRUE), ("f", "F", FALSE), ("g", "+", _of("gone", "f")))
    conditions.delete("gone")
    assert truth(conditions, "g", {}, INSIDE) == [False, False]


def test_a_deleted_condition_is_gone_in_rustogramer_and_listed_as_deleted() -> None:
    conditions = made(("a", "T", TRUE), ("gone", "T", TRUE), ("g", "*", _of("gone", "a")))
    conditions.delete("gone")
    assert list(conditions) == ["a", "g"]
    assert conditions.matching("g")[0].gates == (DELETED, "a") == ("-deleted-", "a")
    assert conditions["g"].gates == ("gone", "a")
    truths = BlockTruths(dict(conditions), EventBlock.of([{}]))
    assert not truths.exists("gone")
    assert truths("gone").tolist() == [False]


def test_a_deleted_condition_is_never_true_in_spectcl() -> None:
    conditions = made(("gone", "T", TRUE), ("g", "*", _of("gone")), flavor=SPECTCL)
    conditions.delete("gone")
    assert conditions.matching("gone")[0].condition.letters == "F"
    assert conditions.matching("g")[0].gates == ("gone",)


def test_a_condition_of_the_name_of_a_deleted_one_takes_its_place() -> None:
    conditions = made(("part", "F", FALSE), ("g", "-", _of("part")))
    conditions.delete("part")
    assert conditions.edit("part", "F", FALSE) is Edited.CREATED
    assert truth(conditions, "g", {}) == [True]


def test_an_unknown_condition_cannot_be_deleted() -> None:
    with pytest.raises(ConditionError, match=r"^No such condition x$"):
        made().delete("x")


@pytest.mark.parametrize("flavor", [RUSTOGRAMER, SPECTCL])
def test_loops_are_refused_with_the_names_on_their_way(flavor: Flavor) -> None:
    conditions = made(
        ("a", "T", TRUE), ("b", "-", _of("a")), ("c", "*", _of("a", "b")), flavor=flavor
    )
    for letters, gates, chain in [
        ("-", ("a",), "a -> a"),
        ("-", ("b",), "a -> b -> a"),
        ("+", ("c",), "a -> c -> a"),
    ]:
        with pytest.raises(ConditionError, match=rf"^Condition a would depend on itself: {chain}$"):
            conditions.edit("a", letters, _of(*gates))
    assert conditions["a"].letters == "T"
    conditions.edit("c", "-", _of("b"))
    with pytest.raises(ConditionError, match="a -> c -> b -> a"):
        conditions.edit("a", "-", _of("c"))


def test_a_loop_by_way_of_a_deleted_name_is_refused() -> None:
    conditions = made(("a", "T", TRUE), ("b", "-", _of("a")))
    conditions.delete("a")
    with pytest.raises(ConditionError, match="a -> b -> a"):
        conditions.edit("a", "-", _of("b"))


@given(st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 4), max_size=3)), max_size=12))
@settings(max_examples=30)
def test_no_order_of_edits_makes_a_loop(edits: list[tuple[int, list[int]]]) -> None:
    conditions = made()
    for number, gates in edits:
        names = _of(*map(str, gates))
        try:
            conditions.edit(str(number), "*" if gates else "T", names)
        except ConditionError:
            continue
    for name, condition in conditions.items():
        reached, waiting = set[str](), list(condition.gates)
        while waiting:
            part = waiting.pop()
            if part not in reached:
                reached.add(part)
                waiting += conditions[part].gates
        assert name not in reached
        assert truth(conditions, name, {}) == [True]


def test_a_chain_of_ten_thousand_is_built_evaluated_and_kept_from_loops() -> None:
    length = 10_000
    conditions = made(("0", "s", IN))
    for number in range(1, length):
        conditions.edit(str(number), "-", _of(str(number - 1)))
    block = EventBlock.of([INSIDE, OUTSIDE])
    assert BlockTruths(dict(conditions), block)(str(length - 1)).tolist() == [False, True]
    with pytest.raises(ConditionError, match=r"would depend on itself: 0 -> 9999 -> ") as refused:
        conditions.edit("0", "-", _of(str(length - 1)))
    assert len(str(refused.value)) < 600


@dataclass(frozen=True)
class Counted:
    """A condition that counts how often it is evaluated."""

    letters: ClassVar[str] = "counted"
    parameters: ClassVar[tuple[str, ...]] = ()
    points: ClassVar[tuple[Point, ...]] = ()
    gates: tuple[str, ...] = ()
    asked: list[int] = field(default_factory=list)

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        self.asked.append(len(block))
        return np.ones(len(block), np.bool_)


def test_a_condition_is_evaluated_once_a_block_for_all_its_users() -> None:
    conditions, counted = made(), Counted()
    conditions.put("part", counted)
    for name in ("one", "two", "three"):
        conditions.edit(name, "*", _of("part", "part"))
    conditions.edit("all", "+", _of("one", "two", "three"))
    for events in (3, 5):
        truths = BlockTruths(dict(conditions), EventBlock.of([{"a": 1.0}] * events))
        for name in ("all", "one", "part", "all"):
            assert truths(name).tolist() == [True] * events
    assert counted.asked == [3, 5]


NAMES = ["a*", "ab", "[x]", "x", "-deleted-", "two words", "ü{}$\\", "*"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", NAMES),
        ("a*", ["a*", "ab"]),
        ("[x]", ["[x]", "x"]),
        ("[!x]", ["*"]),
        ("?", ["x", "*"]),
        ("two words", ["two words"]),
        ("ü{}$\\", ["ü{}$\\"]),
        ("nothing", []),
    ],
)
def test_lists_are_selected_by_patterns(pattern: str, expected: list[str]) -> None:
    conditions = made(*((name, "T", TRUE) for name in NAMES))
    assert [listed.name for listed in conditions.matching(pattern)] == expected


def test_a_malformed_pattern_is_an_error() -> None:
    with pytest.raises(PatternError):
        made(("a", "T", TRUE)).matching("a[")


def test_no_trace_is_kept_of_names_that_are_no_components_any_more() -> None:
    conditions = made(("a", "T", TRUE), ("b", "*", _of("a", "a")), ("c", "-", _of("a")))
    conditions.edit("b", "T", TRUE)
    with pytest.raises(ConditionError, match="depend on itself: a -> c -> a"):
        conditions.edit("a", "*", _of("c"))
    conditions.delete("c")
    conditions.edit("a", "+", _of("b"))
    assert conditions._referred == {"b": 1}  # what would grow without bound


def test_parameters_may_come_later() -> None:
    parameters = ["a"]
    conditions = Conditions(RUSTOGRAMER, parameters)
    later = Given(parameters=("z",), low=0.0, high=1.0)
    with pytest.raises(ConditionError, match="Parameter z does not exist"):
        conditions.edit("g", "s", later)
    parameters.append("z")
    assert conditions.edit("g", "s", later) is Edited.CREATED
