"""Board of topics and its viewers: batches are written once, and slow viewers cost nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dashboard import board as boards
from dashboard.board import Board, TooManyStreamsError
from dashboard.protocol.wishes import FrameWish
from groundwork.roles import Role
from player.endpoints.http.protocol.sessions import Person


class Feed:
    """Stands for a feed of frames."""

    def __init__(self, wish: FrameWish) -> None:
        self.wish, self.count, self.frame = wish, 0, b""
        self.followers: list[Callable[[], object]] = []

    def put(self, frame: bytes) -> None:
        self.count, self.frame = self.count + 1, frame


class Feeds:
    """Stands for all feeds."""

    def __init__(self) -> None:
        self.feeds: dict[FrameWish, Feed] = {}

    def join(self, wish: FrameWish, wake: Callable[[], object]) -> Feed:
        if wish.name == "bad":
            raise ValueError("no such limits")
        feed = self.feeds.setdefault(wish, Feed(wish))
        feed.followers.append(wake)
        return feed

    def leave(self, feed: Feed, wake: Callable[[], object]) -> None:
        feed.followers.remove(wake)


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


@pytest.fixture
def board(feeds: Feeds) -> Board:
    return Board(["BANKA", "BANKB"], feeds, clock=lambda: 7.0)  # type: ignore[arg-type]


def texts(messages: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(message.text) for message in messages]


def test_viewers_of_one_place_get_the_same_bytes(board: Board) -> None:
    viewers = [board.join(f"peer {n}", "events") for n in range(3)]
    for viewer in viewers:
        board.follow(viewer, ["values:BANKA", "log"])
        viewer.take()
    board.values["BANKA"].put("level", [1, 2.0, 3])
    board.seal()
    taken = [viewer.take() for viewer in viewers]
    assert [len(messages) for messages in taken] == [1, 1, 1]
    assert all(messages[0] is taken[0][0] for messages in taken)
    assert taken[0][0].event is taken[1][0].event
    assert taken[0][0].event.startswith(b"event: changes\ndata: {")
    assert viewers[0].take() == []


def test_a_new_viewer_gets_all_even_where_there_is_nothing_yet(board: Board) -> None:
    board.values["BANKA"].put("level", [1, 2.0, 3])
    board.seal()
    viewer = board.join("peer", "events")
    known, unknown = board.follow(viewer, ["values:BANKA", "values:NOBANK", "log", "overview"])
    assert (known, unknown) == (["values:BANKA", "log", "overview"], ["values:NOBANK"])
    told = texts(viewer.take())
    assert [(each["event"], each["from"]) for each in told] == [
        ("changes", 0),
        ("lines", 0),
        ("changes", 0),
    ]
    assert told[0]["values"] == {"level": [1, 2.0, 3]}


def test_a_slow_viewer_gets_the_newest_and_is_told_what_it_missed(board: Board) -> None:
    viewer = board.join("peer", "events")
    board.follow(viewer, ["values:BANKA"])
    viewer.take()
    for number in range(5):
        board.values["BANKA"].put("level", number)
        board.seal()
    (told,) = texts(viewer.take())
    assert told["values"] == {"level": 4}
    assert viewer.merged == 4
    assert board.counts() == {"events": 1, "sent events": 2, "dropped events": 4}
    board.leave(viewer)
    board.leave(viewer)
    assert board.counts() == {"sent events": 2, "dropped events": 4}


def test_topics_that_stay_go_on_from_their_places(board: Board) -> None:
    viewer = board.join("peer", "websocket")
    board.follow(viewer, ["values:BANKA"])
    viewer.take()
    board.follow(viewer, ["values:BANKA", "values:BANKB"])
    assert [each["topic"] for each in texts(viewer.take())] == ["values:BANKB"]
    assert board.is_wanted("values:BANKA")
    board.follow(viewer, [])
    assert not board.is_wanted("values:BANKA")


def test_frames_are_shared_and_only_the_newest_is_taken(board: Board, feeds: Feeds) -> None:
    one, other = FrameWish("BANKA", "bank", "one"), FrameWish("BANKA", "bank", "other")
    viewer = board.join("peer", "websocket")
    assert board.follow_frames(viewer, [one, other]) == []
    feeds.feeds[one].put(b"1")
    feeds.feeds[one].put(b"2")
    assert viewer.take_frames() == [b"2"]
    assert viewer.take_frames() == []
    assert board.follow_frames(viewer, [one, FrameWish("BANKX", "bank", "x")]) == [
        "BANKX: no such Bank"
    ]
    assert len(feeds.feeds[one].followers) == 1
    assert feeds.feeds[other].followers == []
    assert viewer.take_frames() == []  # it goes on where it was
    assert board.follow_frames(viewer, [FrameWish("BANKA", "bank", "bad")]) == [
        "bad: no such limits"
    ]
    assert feeds.feeds[one].followers == []


def test_there_are_no_more_streams_than_may_be(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "MAX_STREAMS", 2)
    board.join("a", "events")
    board.join("b", "events")
    with pytest.raises(TooManyStreamsError, match="2 streams are open"):
        board.join("c", "events")
    assert board.refused == 1


def test_the_streams_of_one_person_end_with_a_reason(board: Board) -> None:
    ann, bob = (Person(key=name, role=Role.OBSERVE, token=name) for name in ("ann", "bob"))
    viewers = [board.join("peer", "events", person) for person in (ann, bob, None)]
    assert (board.count_of(ann), board.count_of(bob), len(board)) == (1, 1, 3)
    board.end_of(ann, "the key was revoked")
    assert [viewer.is_ended for viewer in viewers] == [True, False, False]
    assert viewers[0].why == "the key was revoked"
    board.end()
    assert all(viewer.is_ended for viewer in viewers)
    assert board.describe()[0]["person"] == "ann"
