"""The watchdog that is called each second, and what the log is told of one that fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from groundwork.watchdog import watch


class Ended(threading.Event):
    """The end after some calls; no pause between them."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


def told(
    watchdog: Callable[[], None], times: int, caplog: pytest.LogCaptureFixture
) -> list[tuple[str, bool]]:
    """Return what is logged of so many calls: the text behind the name, and whether a traceback is
    below."""
    with caplog.at_level(logging.DEBUG, "groundwork.watchdog"):
        watch(watchdog, Ended(times), name="BANKA", every=1.0)
    return [
        (record.getMessage().removeprefix("BANKA: "), record.exc_info is not None)
        for record in caplog.records
    ]


def test_a_failure_that_comes_again_and_again_is_told_once_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = 0

    def fails() -> None:
        nonlocal calls
        calls += 1
        raise SystemExit(f"failure {calls}")

    found = told(fails, 1500, caplog)
    assert calls == 1500
    assert found[0] == (
        "the watchdog raised; it is called again, and such failures are counted",
        True,
    )
    assert [text.partition(" times")[0] for text, _ in found[1:]] == [
        "the watchdog has raised 10",
        "the watchdog has raised 100",
        "the watchdog has raised 1000",
    ]
    assert "SystemExit in " in found[3][0]
    assert found[3][0].endswith("failure 1000")
    assert not any(has_traceback for _, has_traceback in found[1:])


def test_another_failure_and_the_end_of_one_are_told(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter(["a", "a", "b", "", "", "a"])

    def barks() -> None:
        match next(outcomes):
            case "a":
                raise ValueError("the sensor")
            case "b":
                raise ValueError("another place")

    texts = [text for text, _ in told(barks, 6, caplog)]
    assert [text.partition(";")[0] for text in texts] == [
        "the watchdog raised",
        "the watchdog raised",
        "the watchdog works again",
        "the watchdog raised",
    ]
    assert "it raised 1 times: ValueError in " in texts[2]
