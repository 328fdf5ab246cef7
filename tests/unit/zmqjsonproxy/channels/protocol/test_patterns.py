"""Patterns of names."""

from __future__ import annotations

import fnmatch

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from zmqjsonproxy.channels.protocol.patterns import is_wild, matches, select

names = st.text("ab.*?[]!-\n", max_size=6)


@pytest.mark.parametrize(
    ("pattern", "name", "is_meant"),
    [
        ("status.*", "status.SCANNUM", True),
        ("status.*", "STATUS.x", False),
        ("status.*", "mystatus.x", False),
        ("a?c", "abc", True),
        ("a[bc]", "ac", True),
        ("a[bc]", "a[bc]", True),  # letter by letter, too
        ("a[!b]", "ab", False),
        ("a", "ab", False),
        ("*", "two\nlines", True),
    ],
)
def test_a_pattern_means_what_a_shell_says(pattern: str, name: str, is_meant: bool) -> None:
    assert matches(pattern, name) is is_meant


@given(names, st.lists(names, max_size=12, unique=True))
@example("a[", ["a["])
@example("[[a]", ["[", "a"])
@example("[a--z]", ["b"])
def test_selected_is_what_matches_whatever_is_not_looked_at(pattern: str, known: list[str]) -> None:
    known.sort()
    meant = [
        n for n in known if n == pattern or (is_wild(pattern) and fnmatch.fnmatchcase(n, pattern))
    ]
    assert select(pattern, known) == meant == [n for n in known if matches(pattern, n)]
