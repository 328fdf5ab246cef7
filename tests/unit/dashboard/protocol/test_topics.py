"""Topics: whoever follows one from any place ends with the newest state."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.protocol import topics
from dashboard.protocol.topics import KEPT_LINES, NEW_LINES, KeyTopic, LineTopic

KEYS = st.sampled_from("abcde")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 3)),
        st.tuples(st.just("remove"), KEYS),
        st.just(("seal",)),
        st.tuples(st.just("look"), st.integers(0, 2)),
    ),
    max_size=60,
)


class Follower:
    """A viewer of a topic, as a page is one."""

    def __init__(self) -> None:
        self.place = 0
        self.values: dict[str, Any] = {}

    def look(self, topic: KeyTopic) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(topic.write(self.place, 5.0))
        if told["from"] == 0:
            self.values = {}
        assert told["from"] in (0, self.place)
        self.values |= told["values"]
        for key in told["gone"]:
            self.values.pop(key, None)
        self.place = told["to"]
        return told


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_followers_at_any_place_end_with_the_same_values(steps: list[Any]) -> None:
    topic, followers = KeyTopic("t"), [Follower() for _ in range(3)]
    for step in steps:
        match step:
            case ("put", key, value):
                topic.put(key, value)
            case ("remove", key):
                topic.remove(key)
            case ("seal",):
                topic.seal()
            case ("look", which):
                followers[which].look(topic)
    topic.seal()
    for follower in followers:
        follower.look(topic)
        assert follower.values == topic.values


def test_a_follower_gets_only_what_has_changed_since_its_place() -> None:
    topic, follower = KeyTopic("t"), Follower()
    topic.update({"a": 1, "b": 2})
    assert topic.seal()
    assert follower.look(topic)["values"] == {"a": 1, "b": 2}
    topic.put("a", 1)
    assert not topic.seal()
    topic.put("b", 3)
    topic.remove("a")
    topic.remove("never there")
    assert topic.seal()
    told = follower.look(topic)
    assert (told["from"], told["to"]) == (1, 2)
    assert (told["values"], told["gone"]) == ({"b": 3}, ["a"])


def test_whoever_missed_keys_that_are_forgotten_gets_all(monkeypatch: Any) -> None:
    monkeypatch.setattr(topics, "MAX_GONE", 2)
    topic, follower = KeyTopic("t"), Follower()
    for key in "abcd":
        topic.put(key, 1)
    topic.seal()
    follower.look(topic)
    for key in "abc":
        topic.remove(key)
        topic.seal()
    assert follower.look(topic)["from"] == 0
    assert follower.values == {"d": 1}


def test_a_message_of_keys_has_its_members() -> None:
    topic = KeyTopic("values:BANKA")
    topic.put("x", [float("nan"), 2**60, 1])
    topic.seal()
    assert json.loads(topic.write(0, 1.5)) == {
        "event": "changes",
        "topic": "values:BANKA",
        "from": 0,
        "to": 1,
        "time": 1.5,
        "values": {"x": ["NaN", str(2**60), 1]},
        "gone": [],
    }


def test_lines_come_once_and_a_slow_follower_is_told_what_it_lost() -> None:
    log = LineTopic("log")
    assert not log.seal()
    for number in range(NEW_LINES + 20):
        log.add({"text": str(number)})
    assert log.seal()
    first = json.loads(log.write(0, 0.0))
    assert (first["from"], first["to"], first["lost"]) == (0, NEW_LINES + 20, 0)
    assert [line["number"] for line in first["lines"]] == list(range(21, NEW_LINES + 21))
    assert [line["number"] for line in json.loads(log.write(NEW_LINES + 18, 0.0))["lines"]] == [
        NEW_LINES + 19,
        NEW_LINES + 20,
    ]
    late = json.loads(log.write(5, 0.0))
    assert (late["lost"], len(late["lines"])) == (15, NEW_LINES)


def test_old_lines_are_left_out_of_what_is_kept() -> None:
    log = LineTopic("log")
    for _ in range(KEPT_LINES + 3):
        log.add({})
    assert (len(log.lines), log.lines[0]["number"]) == (KEPT_LINES, 4)
