"""Names that clients give themselves: nothing in them can be taken for what is proven."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.caller import LONGEST_NAME, UNNAMED, Caller, read_name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("jürgen@hpc1.site-2:17", "jürgen@hpc1.site-2:17"),
        ("eve (key anna)", "eve ?key anna?"),
        ("eve （key anna）", "eve ?key anna?"),
        ("eve\x1b[2J\n\u202eanna", "eve?[2J??anna"),
        ("", UNNAMED),
        (7, UNNAMED),
    ],
)
def test_a_name_keeps_what_names_are_made_of(said: object, name: str) -> None:
    assert read_name(said) == name


@given(st.text(max_size=300))
def test_no_name_shows_a_key(said: str) -> None:
    name = read_name(said)
    assert len(name) <= LONGEST_NAME
    assert "(" not in str(Caller(name))
    assert str(Caller(name, key="ben")).endswith(" (key ben)")
