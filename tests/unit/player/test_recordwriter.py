"""The thread that writes records: batches, retries, what is lost."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from queue import SimpleQueue

import pytest

from player.recordwriter import RecordWriter

WITHIN = 30.0


class Desk:
    """Records, and a place that refuses them for a while."""

    def __init__(self, failures: Sequence[Exception] = (), gather_s: float = 0.0) -> None:
        self.waiting: SimpleQueue[int] = SimpleQueue()
        self.failures, self.batches = list(failures), list[list[int]]()
        self.remarks: list[str] = []
        self.writer = RecordWriter(
            "desk", self.waiting.qsize, self.take, self.write, gather_s=gather_s, retry_s=0.001
        )

    def put(self, *records: int) -> None:
        for record in records:
            self.waiting.put(record)
        self.writer.wake()

    def take(self) -> list[int]:
        return [self.waiting.get() for _ in range(min(self.waiting.qsize(), 3))]

    def write(self, batch: Sequence[int], remarks: Sequence[str]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append(list(batch))
        self.remarks += remarks


def test_records_are_written_in_their_order_in_batches() -> None:
    desk = Desk()
    desk.put(*range(10))
    assert desk.writer.flush(WITHIN)
    assert [each for batch in desk.batches for each in batch] == list(range(10))
    assert max(map(len, desk.batches)) == 3
    desk.writer.close(WITHIN)


def test_a_place_that_is_full_is_tried_again_and_nothing_is_lost() -> None:
    desk = Desk([sqlite3.OperationalError("database or disk is full"), OSError(28, "no space")])
    desk.put(1, 2)
    assert desk.writer.flush(WITHIN)
    assert desk.batches == [[1, 2]]
    assert (desk.writer.lost, desk.writer.trouble) == (0, "")
    desk.writer.close(WITHIN)


def test_records_that_can_never_be_written_are_counted_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk([ValueError("of this record")])
    with caplog.at_level(logging.ERROR):
        desk.put(1, 2)
        assert desk.writer.flush(WITHIN)
    desk.put(3)
    assert desk.writer.flush(WITHIN)
    assert [batch for batch in desk.batches if batch] == [[3]]
    assert desk.remarks == ["2 were lost: of this record"]
    assert desk.writer.lost == 2
    desk.writer.close(WITHIN)


def test_what_waits_is_written_at_the_end() -> None:
    desk = Desk()
    desk.put(*range(7))
    desk.writer.close(WITHIN)
    assert [each for batch in desk.batches for each in batch] == list(range(7))


def test_a_place_that_stays_full_does_not_keep_the_end(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk([OSError(28, "no space")] * 1_000_000)
    desk.put(1)
    assert not desk.writer.flush(0.01)
    desk.writer.close(WITHIN)
    assert "the last records are lost" in caplog.text
    assert not any(thread.name == "desk writer" for thread in threading.enumerate())


class BusyDesk(Desk):
    """A desk at which the next record comes while one is written, up to 3."""

    def write(self, batch: Sequence[int], remarks: Sequence[str]) -> None:
        super().write(batch, remarks)
        if batch[0] < 3:
            self.put(batch[0] + 1)


def test_what_comes_while_a_batch_is_written_waits_for_others() -> None:
    desk = BusyDesk(gather_s=WITHIN)
    desk.put(0)
    for number in range(4):
        assert desk.writer.flush(WITHIN)
        assert desk.batches == [[each] for each in range(number + 1)]
    desk.writer.close(WITHIN)
