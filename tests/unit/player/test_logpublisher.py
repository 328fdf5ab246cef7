"""Log records that are published: bounded in number and length, and never in circles."""

from __future__ import annotations

import logging
import queue
import threading

from hypothesis import given
from hypothesis import strategies as st

from groundwork.cut import LONGEST
from groundwork.values import JsonObject
from player.logpublisher import LogPublisher, LogThrottle

log = logging.getLogger("tests.published")


@given(st.lists(st.floats(0.0, 0.7), max_size=60), st.integers(1, 5))
def test_every_record_is_published_or_counted(pauses: list[float], most: int) -> None:
    throttle, now, published, told = LogThrottle(most), 0.0, list[float](), 0
    for pause in pauses:
        now += pause
        left_out = throttle.tell_left_out(now)
        told += 0 if left_out is None else int(str(left_out["left_out"]))
        if throttle.takes():
            published.append(now)
    left = throttle.tell_left_out(now + 1.0)
    told += 0 if left is None else int(str(left["left_out"]))
    assert len(published) + told == len(pauses)
    assert all(
        sum(then <= each < then + 1.0 for each in published) <= 2 * most for then in published
    )
    assert throttle.due is None


def test_what_publishing_logs_is_not_published() -> None:
    told: queue.SimpleQueue[JsonObject] = queue.SimpleQueue()

    def publish(record: JsonObject) -> None:
        told.put(record)
        log.error("while %s is published", record["text"])
        raise OSError("no way out")

    publisher = LogPublisher(publish)
    try:
        log.warning("one")
        log.warning("two")
        assert [told.get(timeout=30)["text"] for _ in range(2)] == ["one", "two"]
    finally:
        publisher.close()
    assert told.empty()


def test_whoever_logs_may_hold_a_lock_that_publishing_takes() -> None:
    lock, done = threading.Lock(), threading.Event()

    def publish(_record: JsonObject) -> None:
        with lock:
            done.set()

    publisher = LogPublisher(publish)
    try:
        with lock:
            log.warning("held")
        assert done.wait(30)
    finally:
        publisher.close()


def test_texts_are_bounded_and_say_what_was_raised() -> None:
    told: queue.SimpleQueue[JsonObject] = queue.SimpleQueue()
    publisher = LogPublisher(told.put)
    try:
        log.warning("x" * 100_000)
        try:
            raise ValueError("it is none")
        except ValueError:
            log.exception("sweep failed")
        publisher.emit(logging.makeLogRecord({"msg": "two %s %s", "args": ("places",)}))
        assert len(str(told.get(timeout=30)["text"])) < LONGEST + 100
        assert told.get(timeout=30)["text"] == "sweep failed\nValueError: it is none"
        assert told.get(timeout=30)["text"] == "two %s %s"
    finally:
        publisher.close()
    log.warning("after its end")
    assert told.empty()
