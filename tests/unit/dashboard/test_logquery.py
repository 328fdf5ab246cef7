"""Lines of the log that are looked for."""

from __future__ import annotations

import pytest

from dashboard.logquery import LogQuery
from dashboard.protocol.topics import LineTopic


@pytest.fixture
def log() -> LineTopic:
    made = LineTopic("log")
    for number in range(10):
        made.add(
            {
                "bank": "BANKA" if number % 2 else "BANKB",
                "level": ("debug", "info", "warning", "error", "strange")[number % 5],
                "logger": "spectrometer.daq",
                "text": f"Ring {number} full",
            }
        )
    return made


def numbers(log: LineTopic, **asked: object) -> list[int]:
    answer = LogQuery(**{"most": 100, **asked}).answer(log)  # type: ignore[arg-type]
    assert (answer["first"], answer["last"]) == (1, 10)
    return [line["number"] for line in answer["lines"]]  # type: ignore[attr-defined]


def test_the_newest_that_fit_come_in_order(log: LineTopic) -> None:
    assert numbers(log) == list(range(1, 11))
    assert numbers(log, most=2) == [9, 10]
    assert numbers(log, most=2, before=9) == [7, 8]
    assert numbers(log, level="error") == [4, 5, 9, 10]
    assert numbers(log, banks=["BANKA"]) == [2, 4, 6, 8, 10]
    assert numbers(log, text="RING 3") == [4]
    assert numbers(log, text="DAQ", most=1) == [10]
    assert numbers(log, banks=["NOBANK"]) == []


def test_an_empty_log_has_no_lines() -> None:
    assert LogQuery(most=5).answer(LineTopic("log")) == {"lines": [], "first": 0, "last": 0}
