"""The loop of `watch` and `pipe`: order, ends, and what is said of what did not come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dealer.following import End, SubscriptionFollower
from dealer.framefiles import FrameFileError, open_frames
from dealer.framesink import FrameSink
from zmqjsonproxy.channels import Event, EventKind, SubscriptionEndedError, Update

ALL = {"A", "B"}
ENDED = SubscriptionEndedError("it was closed")


def update(number: int) -> Update:
    return Update("A", "x", number, number, 0.0, 0)


class Script:
    """A subscription that brings what is written, and takes down what its sink is told."""

    dropped = 0

    def __init__(self, *steps: Any) -> None:
        self._steps, self.told = iter(steps), list[Any]()
        self._events: list[Event] = []

    def next(self, _timeout: float) -> Update:
        for step in self._steps:
            if isinstance(step, Event):
                self._events.append(step)
            elif isinstance(step, BaseException):
                raise step
            else:
                assert isinstance(step, Update)
                return step
        raise AssertionError("more was asked for than there is")

    def take_events(self) -> list[Event]:
        taken, self._events = self._events, []
        return taken

    def take(self, update: Update) -> None:
        self.told.append(update.number)

    def note(self, event: Event) -> None:
        self.told.append(event.kind.value)

    def look(self) -> None:
        pass


def refused(bank: str, name: str = "x") -> Event:
    return Event(EventKind.REFUSED, bank, f"bank: {name}: it publishes nothing")


@pytest.mark.parametrize(
    ("steps", "end", "told"),
    [
        ((update(1), KeyboardInterrupt()), End.INTERRUPTED, [1]),
        ((update(1), update(2), update(3)), End.ENOUGH, [1, 2, 3]),
        ((update(1), ENDED), End.GIVEN_UP, [1]),
        (
            (update(1), Event(EventKind.GAP, "A", "x", 7), update(9), TimeoutError(), ENDED),
            End.GIVEN_UP,
            [1, "gap", 9],
        ),
        (
            (
                *(refused("A"), refused("B"), TimeoutError(), refused("A"), TimeoutError()),
                *(refused("A", "y"), TimeoutError()),
            ),
            End.GIVEN_UP,
            ["refused"] * 4,
        ),
        (
            (
                *(refused("A"), refused("A", "y"), refused("B")),
                *(Event(EventKind.STALE, "A"), TimeoutError(), KeyboardInterrupt()),
            ),
            End.INTERRUPTED,
            ["refused", "refused", "refused", "stale"],
        ),
    ],
)
def test_it_goes_on_until_it_is_enough(steps: Any, end: End, told: list[Any]) -> None:
    script: Any = Script(*steps)
    follower = SubscriptionFollower(wanted={"A": ["x", "y"], "B": ["x"]}, most=3)
    assert follower.follow(script, script) is end
    assert script.told == told


def test_it_ends_in_time() -> None:
    script: Any = Script(*[TimeoutError()] * 100_000)
    assert (
        SubscriptionFollower(wanted={"A": ["x"]}, seconds=0.001).follow(script, script) is End.TIME
    )


def test_frames_that_the_reader_dropped_are_in_the_file(tmp_path: Path) -> None:
    path, script = tmp_path / "a.jsonl", Script()
    subscription: Any = script
    file = open_frames(path)
    sink = FrameSink(subscription, file, None, prints=False)
    for number, dropped in ((1, 0), (5, 3), (6, 3), (8, 4)):
        script.dropped = dropped
        value = {"data": [1], "x_start": 0.0, "x_delta": 1.0}
        sink.take(Update("A", "x", value, number, 0.0, 0))
    file.close()
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [each.get("dropped", each.get("number")) for each in records] == [1, 3, 5, 6, 1, 8]
    with pytest.raises(FrameFileError, match="number 9 of x is no frame"):
        sink.take(Update("A", "x", 3, 9, 0.0, 0))


@pytest.mark.parametrize(
    ("end", "there", "most", "text"),
    [
        (End.INTERRUPTED, set(), 3, ""),
        (End.ENOUGH, {"A"}, 3, ""),
        (End.TIME, ALL, None, ""),
        (End.TIME, ALL, 3, "2 of 3 updates came within 5 s"),
        (End.TIME, {"A"}, 3, "B: no Player answered; `dealer doctor` says what puts it right"),
        (End.GIVEN_UP, ALL, None, r"nothing will come: B: it has\x1b gone"),
    ],
)
def test_what_was_wanted_and_did_not_come_is_told(
    end: End, there: set[str], most: int | None, text: str
) -> None:
    follower = SubscriptionFollower(
        wanted={"A": ["*"], "B": ["*"]},
        most=most,
        seconds=5.0,
        taken=2,
        there=there,
        given_up={"B": "it has\x1b gone"},
    )
    assert follower.complaint(end) == text
