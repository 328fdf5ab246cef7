"""Patterns of names, against a plain matcher by recursion and against known answers."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.errors import PatternError
from histogrammer.patterns import one, select

NAMES = ["ab", "a*", "x", "[x]", "det.01", "det.02", "det/03", "Det.01", "line\nbreak"]

SELECTED = [
    ("*", NAMES),
    ("det.0?", ["det.01", "det.02"]),
    ("det?0*", ["det.01", "det.02", "det/03"]),
    ("det.0[12]", ["det.01", "det.02"]),
    ("det.0[2-9]", ["det.02"]),
    ("det.0[!2-9]", ["det.01"]),
    ("[dD]et.01", ["det.01", "Det.01"]),
    ("det", []),
    ("line*", ["line\nbreak"]),
    ("a*", ["ab", "a*"]),
    ("[x]", ["x", "[x]"]),
    ("[z-a]b", []),
    ("[!z-a]b", ["ab"]),
    ("[a-]b", ["ab"]),
    ("[^a]b", ["ab"]),
    ("", []),
]


@pytest.mark.parametrize(("pattern", "names"), SELECTED)
def test_a_pattern_matches_whole_names(pattern: str, names: list[str]) -> None:
    assert select(NAMES, pattern) == names


@pytest.mark.parametrize("pattern", ["[", "a[b", "[]", "[!]", "x[a-", "[!"])
def test_a_malformed_pattern_is_an_error_unless_it_is_a_name(pattern: str) -> None:
    with pytest.raises(PatternError, match="is not closed"):
        select(NAMES, pattern)
    assert one(NAMES, pattern) is None
    assert select([*NAMES, pattern], pattern) == [pattern]
    assert one([*NAMES, pattern], pattern) == pattern


def test_a_closing_bracket_that_comes_first_is_a_letter_of_the_set() -> None:
    assert select(["]", "a", "!"], "[]]") == ["]"]
    assert select(["]", "a", "!"], "[!]!]") == ["a"]


def test_one_name_is_looked_for_letter_by_letter_first() -> None:
    assert one(NAMES, "a*") == "a*"
    assert one(NAMES, "[x]") == "[x]"
    assert one(NAMES, "*2") == "det.02"
    assert one(NAMES, "det*") is None
    assert one(NAMES, "none") is None


def test_a_pattern_longer_than_any_name_is_refused_before_it_is_compiled() -> None:
    assert select(["a" * 1000], "?" * 1000) == ["a" * 1000]
    with pytest.raises(PatternError, match="has 1048576 letters, and up to 1000") as refused:
        select(NAMES, "*" + "x" * 1048575)
    assert len(str(refused.value)) < 200


def test_many_stars_do_not_take_long() -> None:
    assert select(["a" * 2000], "*a" * 100 + "b") == []


@settings(max_examples=60)
@given(
    st.lists(st.text("ab]!", max_size=5), max_size=5, unique=True),
    st.text("ab*?", max_size=6),
)
def test_stars_and_question_marks_are_those_of_file_names(names: list[str], pattern: str) -> None:
    assert select(names, pattern) == [
        name for name in names if fnmatch.fnmatchcase(name, pattern) or name == pattern
    ]
