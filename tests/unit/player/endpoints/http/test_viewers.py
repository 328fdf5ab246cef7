"""Viewers share subscriptions, and each has a queue in which the newest messages stay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import numpy as np
import pytest

from player.endpoints.http import viewers
from player.endpoints.http.viewers import (
    EncodedUpdate,
    TooManyViewersError,
    Viewer,
    Viewers,
    Wanted,
)
from zmqjsonproxy.channels import Event, EventKind, Update
from zmqjsonproxy.subscriptions import Subscriptions

LEVEL = Wanted("bank", ("level",), (("rate", 10.0),))


def update(name: str, value: Any, number: int = 1, kind: str = "result") -> Update:
    return Update("BANKA", name, value, number, 1.0, 0, kind)


class FakeSubscription:
    def __init__(self) -> None:
        self.updates: asyncio.Queue[Update | None] = asyncio.Queue()
        self.lost, self.dropped, self.is_closed = 1, 2, False
        self.stale = {"BANKA": "silent"}
        self.events = [Event(EventKind.REFUSED, "BANKA", "no such object")]

    async def __aiter__(self) -> AsyncIterator[Update]:
        while (one := await self.updates.get()) is not None:
            yield one

    def close(self) -> None:
        self.is_closed = True
        self.updates.put_nowait(None)


class FakeSubscriptions:
    def __init__(self) -> None:
        self.made: list[FakeSubscription] = []

    def begin(self, *_args: object, **limits: object) -> FakeSubscription:
        if limits.get("rate") == -1:
            raise ValueError("rate: -1")
        self.made.append(FakeSubscription())
        return self.made[-1]


def site(most: int = 3) -> tuple[Viewers, list[FakeSubscription]]:
    fake = FakeSubscriptions()
    return Viewers("BANKA", "tcp://127.0.0.1:1", cast(Subscriptions, fake), most), fake.made


def taken(messages: list[EncodedUpdate] | None) -> list[Any]:
    return [message.update.value for message in messages or ()]


def test_equal_wishes_share_a_subscription_and_who_comes_later_gets_what_is_there() -> None:
    async def run() -> None:
        found, made = site()
        first = found.join("a", "events", LEVEL)
        made[0].updates.put_nowait(update("level", 1.0))
        made[0].updates.put_nowait(update("alarm", {}, kind="message"))
        assert taken(await first.take(5)) == [1.0, {}]
        second = found.join("b", "websocket", LEVEL)
        assert taken(await second.take(5)) == [1.0]
        assert len(made) == 1
        found.join("c", "events", Wanted("bank", ("level",), (("rate", 2.0),)))
        assert len(made) == 2
        assert found.counts() == {
            "events": 2,
            "websocket": 1,
            "sent events": 2,
            "sent websocket": 1,
            "dropped events": 0,
            "dropped websocket": 0,
        }
        for viewer in (first, second, second):
            found.leave(viewer)
        assert (made[0].is_closed, made[1].is_closed, len(found)) == (True, False, 1)
        assert found.counts()["sent events"] == 2

    asyncio.run(run())


def test_a_viewer_too_many_and_a_wish_that_is_none_are_refused() -> None:
    async def run() -> None:
        found, _ = site(most=1)
        with pytest.raises(ValueError, match="rate"):
            found.join("a", "events", Wanted("bank", ("*",), (("rate", -1),)))
        found.join("a", "events", LEVEL)
        with pytest.raises(TooManyViewersError, match="1 streams are open"):
            found.join("b", "events", LEVEL)
        assert found.refused == 1

    asyncio.run(run())


def test_the_end_of_a_player_or_of_a_subscription_ends_its_streams() -> None:
    async def run() -> None:
        found, made = site()
        first, second = found.join("a", "events", LEVEL), found.join("b", "events", LEVEL)
        made[0].updates.put_nowait(None)
        assert await first.take(5) is None
        third = found.join("c", "events", Wanted("bank", ("x",)))
        found.end()
        assert await second.take(5) is None
        assert await third.take(5) is None
        with pytest.raises(TooManyViewersError):
            found.join("d", "events", LEVEL)

    asyncio.run(run())


def test_heartbeats_tell_what_became_of_a_stream() -> None:
    async def run() -> None:
        found, _ = site()
        viewer = found.join("a", "events", LEVEL)
        told = {"dropped": 0, "lost": 3, "stale": "silent", "refused": "no such object"}
        assert found.state(viewer) == told
        found.leave(viewer)
        assert found.state(viewer) == {"dropped": 0}

    asyncio.run(run())


def test_of_a_value_the_newest_waits_and_of_messages_each() -> None:
    async def run() -> None:
        viewer = Viewer("a", "events", LEVEL)
        for number in (1, 2, 3):
            viewer.put(EncodedUpdate(update("level", number, number), True))
            viewer.put(EncodedUpdate(update("alarm", {"n": number}, number, "message"), True))
        assert taken(await viewer.take(5)) == [{"n": 1}, {"n": 2}, 3, {"n": 3}]
        assert (viewer.sent, viewer.dropped) == (4, 2)
        assert await viewer.take(0.001) == []

    asyncio.run(run())


def test_without_a_rate_each_value_waits() -> None:
    async def run() -> None:
        viewer = Viewer("a", "websocket", Wanted("bank", ("level",)))
        assert (LEVEL.is_paced, viewer.wanted.is_paced) == (True, False)
        for number in (1, 2, 3):
            viewer.put(EncodedUpdate(update("level", number, number), False))
        assert taken(await viewer.take(5)) == [1, 2, 3]

    asyncio.run(run())


def test_the_queue_of_a_viewer_is_bounded_in_messages_and_bytes() -> None:
    viewer = Viewer("a", "events", LEVEL)
    for number in range(viewers.MAX_WAITING + 5):
        viewer.put(EncodedUpdate(update("alarm", {}, number, "message"), True))
    assert (viewer.describe()["waiting"], viewer.dropped) == (viewers.MAX_WAITING, 5)
    for name in "abc":
        frame = {"data": np.zeros(viewers.MAX_WAITING_BYTES // 2, np.uint8)}
        viewer.put(EncodedUpdate(update(name, frame, 1, "pipe"), True))
    described = viewer.describe()
    assert described["waiting"] == 1  # the others do not fit beside it
    viewer.put(EncodedUpdate(update("huge", "x" * (viewers.MAX_WAITING_BYTES + 1)), True))
    assert viewer.describe()["waiting"] == 1


def test_a_message_is_encoded_once_for_all() -> None:
    message = EncodedUpdate(update("trace", {"data": np.arange(3, dtype="<i4")}, 1, "pipe"), True)
    assert message.text is message.text
    assert message.frame is message.frame
    assert json.loads(message.text)["value"] == {"data": [0, 1, 2]}
    assert EncodedUpdate(update("level", 1.0), True).frame is None
    assert EncodedUpdate(update("trace", None, 1, "pipe"), True).frame is None
