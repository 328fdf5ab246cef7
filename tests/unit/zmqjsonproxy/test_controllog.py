"""Log of control activity: switched on for itself, bounded, and nobody's terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from zmqjsonproxy.controllog import CONTROL, ControlLog


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG, CONTROL):
        yield caplog


def test_without_its_level_there_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ControlLog().note("%s sets %s", "ann", {"level": 3})
    assert not caplog.messages


def test_texts_of_clients_are_cut_and_steer_nothing(lines: pytest.LogCaptureFixture) -> None:
    ControlLog().note("hello of %s", "\x1b[2Jann\n" + "x" * 1000)
    (line,) = lines.messages
    assert line.startswith("hello of \\x1b[2Jann\\nxx")
    assert len(line) < 500


def test_a_flood_is_counted(lines: pytest.LogCaptureFixture) -> None:
    now = 100.0
    flooded = ControlLog(3, lambda: now)
    for number in range(10):
        flooded.note("%s", number)
    now = 101.5
    flooded.note("calm")
    left_out = "7 lines were left out: at most 3 in a second"
    assert lines.messages == ["0", "1", "2", left_out, "calm"]
