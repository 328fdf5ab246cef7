"""Wishes of viewers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.protocol.wishes import FrameWish, WishError, known_topics, read_wishes


def test_wishes_are_read_and_equal_ones_are_one() -> None:
    frame = {"bank": "BANKA", "name": "spectrum", "width": 800, "window": [0, 4096]}
    text = json.dumps({"topics": ["log", "overview", "log"], "frames": [frame, frame]})
    topics, frames = read_wishes(text)
    assert topics == ["log", "overview"]
    assert frames == [FrameWish("BANKA", "bank", "spectrum", 5.0, 800, (0, 4096))]
    assert frames[0].describe() == {
        "bank": "BANKA",
        "object": "bank",
        "name": "spectrum",
        "rate": 5.0,
        "width": 800,
        "window": [0, 4096],
    }
    assert read_wishes("{}") == ([], [])


FRAME = {"bank": "BANKA", "name": "spectrum"}
NO_WISHES: list[tuple[Any, str]] = [
    ([], "an object"),
    ({"topics": "log"}, "topics: a list"),
    ({"topics": [1]}, "topics: a list"),
    ({"topics": ["t"] * 65}, "at most 64"),
    ({"frames": {}}, "frames: a list"),
    ({"frames": [FRAME] * 49}, "at most 64 topics and 48"),
    ({"frames": [1]}, "each is an object"),
    ({"frames": [{"name": "x"}]}, "are texts"),
    ({"frames": [FRAME | {"name": "x" * 251}]}, "are texts"),
    ({"frames": [FRAME | {"name": "spec*"}]}, "no pattern"),
    ({"frames": [FRAME | {"rate": 0}]}, "rate"),
    ({"frames": [FRAME | {"rate": 6}]}, "rate"),
    ({"frames": [FRAME | {"rate": True}]}, "rate"),
    ({"frames": [FRAME | {"rate": float("nan")}]}, "rate"),
    ({"frames": [FRAME | {"width": 0}]}, "width"),
    ({"frames": [FRAME | {"width": 1.5}]}, "width"),
    ({"frames": [FRAME | {"window": [1]}]}, "window"),
    ({"frames": [FRAME | {"window": [5, 5]}]}, "at least one point"),
]


@pytest.mark.parametrize(("told", "why"), NO_WISHES)
def test_what_is_no_wish_is_refused_with_a_reason(told: Any, why: str) -> None:
    with pytest.raises(WishError, match=why):
        read_wishes(json.dumps(told))


@settings(max_examples=60, deadline=None)
@given(text=st.one_of(st.text(max_size=40), st.from_regex(r"\A[\[\]{}\":,0-9a-z]{0,40}\Z")))
def test_anything_else_is_refused_too(text: str) -> None:
    try:
        topics, frames = read_wishes(text)
    except WishError:
        return
    assert not frames
    assert all(isinstance(topic, str) for topic in topics)


def test_a_text_of_brackets_is_refused() -> None:
    with pytest.raises(WishError, match="not JSON"):
        read_wishes("[" * 16_000)


def test_topics_that_are_not_there_are_named() -> None:
    known, unknown = known_topics(["a", "x" * 500, "b", "a"], {"a", "b"})
    assert known == ["a", "b"]
    assert len(unknown) == 1
    assert len(unknown[0]) < 200
