"""Subscriber: what is wrong with one Player, or one subscription, ends none at others."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support.publisher import Publisher
from support.watcher import WITHIN_S, Watcher

from dealer import Dealer
from zmqjsonproxy import ndarray
from zmqjsonproxy.channels.link import Link
from zmqjsonproxy.channels.updates import EventKind
from zmqjsonproxy.subscriber import Subscriber
from zmqjsonproxy.subscriptions import Subscriptions


@pytest.fixture(scope="module")
def player() -> Iterator[Publisher]:
    with Publisher(keys=1) as one:
        yield one


@pytest.fixture(scope="module")
def other() -> Iterator[Publisher]:
    with Publisher(keys=1) as one:
        yield one


@pytest.mark.parametrize(
    ("method", "kind"),
    [("take", EventKind.STALE), ("answered", EventKind.STALE), ("tick", EventKind.REFUSED)],
)
def test_what_one_player_does_ends_no_subscription_at_others(
    player: Publisher,
    other: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    kind: EventKind,
) -> None:
    with Watcher() as watcher, Dealer({"BANKA": other.url}, timeout=WITHIN_S) as d:
        odd = watcher.subscribe(player.url, "number", source="ODD")
        sound = watcher.subscribe(other.url, "number")
        odd.next(WITHIN_S)
        first = sound.next(WITHIN_S)
        right = getattr(Link, method)

        def wrong(link: Link, *args: Any) -> Any:
            if link.source == "ODD":
                raise LookupError("on purpose")
            return right(link, *args)

        monkeypatch.setattr(Link, method, wrong)
        with Dealer({"BANKA": player.url}, timeout=WITHIN_S) as its:
            its["BANKA"].count("number", 3)
        d["BANKA"].count("number", 3)
        sound.wait_for(lambda update: update.number == first.number + 3, WITHIN_S)
        while not (events := [each for each in odd.events if each.kind is kind]):
            d["BANKA"].count("number", 1)
            sound.next(WITHIN_S)
        assert "on purpose" in events[0].text


@pytest.mark.parametrize("url", [5, None, b"tcp://127.0.0.1:1", "tcp://\ud800:1"])
def test_what_is_no_url_is_refused_at_once(url: Any) -> None:
    subscriptions = Subscriptions()
    with pytest.raises(ValueError, match="BANKA: the URL of a Player is a text"):
        subscriptions.begin({"BANKA": url}, "bank", "*")
    subscriptions.close()


def test_reduced_frames_without_numpy_are_refused_at_once(
    player: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndarray, "is_available", lambda: False)
    with Dealer({"BANKA": player.url}, timeout=WITHIN_S) as d:
        with pytest.raises(ModuleNotFoundError, match="numpy is not installed: pip install"):
            d.subscribe("frames", width=100)
        with d.subscribe("number") as sub:
            assert sub.next(WITHIN_S).name == "number"
            with pytest.raises(ModuleNotFoundError, match="width, window"):
                sub.modify(compress=True)


def test_finalisers_that_run_in_its_thread_by_the_thousand_do_not_stop_it() -> None:
    subscriber, collected = Subscriber(), threading.Event()

    class Owner:
        def __init__(self) -> None:
            self.itself, self.its = self, subscriber.subscribe([], "nothing")

        def __del__(self) -> None:
            self.its.close()

    def collect(_now: float) -> None:
        gc.collect()
        collected.set()

    gc.freeze()
    gc.disable()
    try:
        for _ in range(10_000):
            Owner()
        subscriber._post(collect)
        assert collected.wait(WITHIN_S)
    finally:
        gc.enable()
        gc.unfreeze()
    assert subscriber.close(WITHIN_S)
