"""Writes to a terminal that takes its time."""

from __future__ import annotations

import io
from collections.abc import Iterator

from dashboard.terminal.output import TimedFile


def test_a_write_that_goes_on_is_seen_and_the_slowest_one_remembered() -> None:
    times: Iterator[float] = iter([10.0, 10.4, 10.5, 20.0, 20.1])
    taken = io.StringIO()
    file = TimedFile(taken, lambda: next(times))
    assert file.pending() == 0.0
    file.write("a")
    assert round(file.pending(), 3) == 0.4
    file.write("b")  # of the same flush
    file.flush()
    assert (round(file.slowest, 3), file.pending()) == (0.5, 0.0)
    file.write("c")
    file.flush()
    assert round(file.slowest, 3) == 0.5
    assert taken.getvalue() == "abc"
