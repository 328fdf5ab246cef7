"""Reports of a board that is gone in the middle of a scan, and of one that comes back."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from support.memory import private_status

from spectrometer.instruments.boardmonitor import BoardMonitor
from spectrometer.instruments.errors import BoardError
from spectrometer.status import StatusBuffer

TIME = r"\d\d:\d\d:\d\d"
NAME = "roach1:7147"
LOST, REFUSED = "the connection was lost", "fail not programmed"


class Board:
    """Keeps each question until the test answers it."""

    name = NAME

    def __init__(self) -> None:
        self.questions: list[tuple[str, Future[Any]]] = []

    def ask(self, name: str, within_s: float) -> Future[Any]:
        self.questions.append((name, Future()))
        return self.questions[-1][1]

    def answer(self, reply: str = "") -> str:
        """Answer the last question; what it was."""
        name, future = self.questions[-1]
        future.set_exception(BoardError(NAME, f"?{name}", reply)) if reply else future.set_result(
            None
        )
        return name


class Night:
    def __init__(self, status: StatusBuffer) -> None:
        self.status, self.board = status, Board()
        self.watch = BoardMonitor(self.board, status, logging.getLogger("test"))
        self.watch.begin()

    def answers(self, *replies: str) -> None:
        for reply in replies:
            self.watch.look()
            self.board.answer(reply)
        self.watch.look()


@pytest.fixture
def night() -> Iterator[Night]:
    with private_status() as status:
        yield Night(status)


def test_a_board_that_answers_is_worth_no_word(night: Night) -> None:
    night.answers("", "")
    assert (night.watch.verdict(), night.status.get("BOARDST")) == (("", ""), "answers")


def test_a_look_does_not_wait_for_the_answer_and_asks_but_once(night: Night) -> None:
    for _ in range(5):
        night.watch.look()
    assert len(night.board.questions) == 1
    assert not night.watch.is_lost


def test_a_board_that_does_not_come_back_fails_the_scan_and_it_is_said_since_when(
    night: Night,
) -> None:
    night.answers("", LOST, "no connection")
    assert night.watch.is_lost
    failure, warning = night.watch.verdict()
    assert re.fullmatch(
        rf"board {NAME} does not answer since {TIME} UTC \({LOST}\): data since then are not to be trusted",
        failure,
    )
    assert (warning, night.watch.fault) == ("", "")
    assert re.fullmatch(rf"lost {TIME} UTC", str(night.status.get("BOARDST")))
    night.watch.begin()
    assert night.watch.verdict() == ("", "")


def test_what_came_of_the_last_question_counts_at_the_end(night: Night) -> None:
    night.watch.look()
    night.board.answer(LOST)
    assert "does not answer since" in night.watch.verdict()[0]


def test_a_board_that_is_silent_when_a_short_scan_ends_is_a_warning(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.watch.look()
    assert night.watch.verdict() == ("", "")  # it was asked just now
    monkeypatch.setattr("spectrometer.instruments.boardmonitor.LATE_S", 0.0)
    failure, warning = night.watch.verdict()
    assert (failure, warning) == (
        "",
        f"board {NAME} had not answered for 0 s when the scan ended; see if it is there",
    )


def test_a_board_that_comes_back_with_its_image_is_a_warning(night: Night) -> None:
    night.answers(LOST, "", LOST, LOST, "")
    away = rf"{TIME} to {TIME} UTC \({LOST}\)"
    failure, warning = night.watch.verdict()
    assert failure == ""
    assert re.fullmatch(
        rf"board {NAME} did not answer from {away}, {away}; its image runs", warning
    )
    assert night.status.get("BOARDST") == "answers"


def test_a_board_that_comes_back_without_its_image_ends_the_scan(night: Night) -> None:
    night.answers("", LOST, REFUSED)
    gone = rf"board {NAME} runs no image any more, found at {TIME} UTC, after it did not answer: {TIME} to"
    assert re.match(gone, night.watch.fault)
    assert night.watch.verdict() == (night.watch.fault, "")
    assert night.status.get("BOARDST") == "no image"


def test_a_newer_server_is_asked_by_its_own_name(night: Night) -> None:
    night.answers("invalid unknown command", "")
    assert [name for name, _ in night.board.questions] == ["status", "fpgastatus", "fpgastatus"]
    assert night.watch.verdict() == ("", "")


def test_many_absences_are_counted_not_listed(night: Night) -> None:
    night.answers(*[LOST, ""] * 10)
    assert night.watch.verdict()[1].endswith("and 7 times more; its image runs")


def test_a_question_that_ends_with_the_connection_says_nothing(night: Night) -> None:
    night.watch.look()
    night.board.questions[-1][1].cancel()
    night.watch.look()
    assert night.watch.verdict() == ("", "")
