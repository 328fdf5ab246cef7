"""Log records that are published: bounded in number and length, and never in circles."""

from __future__ import annotations

import logging
import queue
import threading

from groundwork.truncation import LONGEST
from groundwork.values import JsonObject
from player.logpublisher import LogPublisher

log = logging.getLogger("tests.published")


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
