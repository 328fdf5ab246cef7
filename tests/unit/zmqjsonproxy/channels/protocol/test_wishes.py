"""Wishes as they travel, and many of them."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from support.counted_calls import calls_of

from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, Limits
from zmqjsonproxy.channels.protocol.patterns import matches
from zmqjsonproxy.channels.protocol.wishes import WishIndex, read_wish, write_wishes

wishes = st.tuples(
    st.sampled_from(["bank", "other"]),
    st.sampled_from(["*", "a*", "a", "ab", "b?", "[ab]"]),
    st.sampled_from([NO_LIMITS, Limits(rate=1.0)]),
)


@given(wishes)
def test_what_is_written_is_read(wish: tuple[str, str, Limits]) -> None:
    assert read_wish(write_wishes([wish])[0]) == wish


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "is .object, pattern, limits."),
        (["bank", "a"], "is .object, pattern, limits."),
        (["bank", 5, {}], "are texts"),
        ([["bank"], "a", {}], "are texts"),
        (["bank", "", {}], "are texts"),
        (["bank", "a" * 251, {}], "at most 250 characters"),
        (["bank", "*a" * 21, {}], "at most 20 of"),
        (["bank", "a", []], "limits are an object"),
        (["bank", "a", {"rate": [1]}], "rate: "),
        (["bank", "a", {"rat": 1}], "unknown limits: rat"),
    ],
)
def test_what_is_no_wish_is_refused(said: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_wish(said)


@given(st.lists(st.tuples(st.booleans(), wishes)))
def test_an_index_finds_the_wishes_that_mean_a_property(changes) -> None:
    index, there = WishIndex(), set()
    for adds, wish in changes:
        (index.add if adds else index.discard)(wish)
        (there.add if adds else there.discard)(wish)
    for name in ("a", "ab", "b", "bb", "[ab]"):
        found = list(index.find("bank", name))
        assert len(found) == len(set(found))
        assert set(found) == {w for w in there if w[0] == "bank" and matches(w[1], name)}
    for wish in there:
        index.discard(wish)
    assert not index._exact
    assert not index._wild


def test_each_of_many_takes_as_long_as_each_of_few() -> None:
    def work(many: int) -> int:
        index = WishIndex()
        for number in range(many):
            index.add(("bank", f"key.{number}", NO_LIMITS))
        return calls_of(lambda: list(index.find("bank", "key.7")))

    assert work(5000) == work(10)
