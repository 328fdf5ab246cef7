"""Lines of .difxlog files."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.protocol.difxlog import (
    SEVERITIES,
    AlertLine,
    StatusLine,
    WeightsLine,
    ctime_text,
    last_status,
    read_log_line,
    write_log_line,
)

TIME = "Tue Nov 21 02:00:09 2026"
LINES: list[tuple[str, AlertLine | StatusLine | WeightsLine]] = [
    (
        f"{TIME} 000 hpc1 STATUS Done  all ok\n",
        StatusLine(time=TIME, sender="hpc1", mpi_id=0, state="Done", text="all ok"),
    ),
    (
        f"{TIME} 003 hpc1 WARNING  low weight  on ds1\n",
        AlertLine(
            time=TIME, sender="hpc1", mpi_id=3, severity="WARNING", text="low weight  on ds1"
        ),
    ),
    (
        f"{TIME} 000 hpc1 WEIGHTS 0.500 1.000\n",
        WeightsLine(time=TIME, sender="hpc1", mpi_id=0, weights=(0.5, 1.0)),
    ),
    (
        f"{TIME} -01 hpc1 STATUS Running  \n",
        StatusLine(time=TIME, sender="hpc1", mpi_id=-1, state="Running"),
    ),
]


@pytest.mark.parametrize(("text", "line"), LINES)
def test_a_line_is_written_and_read(text: str, line: AlertLine | StatusLine | WeightsLine) -> None:
    assert write_log_line(line) == text
    assert read_log_line(text) == line


def test_the_record_of_a_state_is_the_recorded_one() -> None:
    status = read_log_line(LINES[0][0])
    assert isinstance(status, StatusLine)
    assert status.record == "Tue Nov 21 02:00:09 2026Done  all ok"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "anything else",
        f"{TIME} 000 hpc1 ",
        f"{TIME} 000 hpc1 NOISE  text",
        f"{TIME} 000 hpc1 WEIGHTS 1.0.0",
        f"{TIME} 000 hpc1 STATUS",
        f"{TIME} xyz hpc1 STATUS Done  x",
    ],
)
def test_any_other_line_is_none(text: str) -> None:
    assert read_log_line(text) is None


def test_the_last_state_is_found_among_other_lines() -> None:
    texts = [text for text, _ in LINES]
    assert last_status([*texts, "no line"]) == LINES[3][1]
    assert last_status(texts[:2]) == LINES[0][1]
    assert last_status(texts[1:3]) is None
    assert last_status([]) is None


def test_a_text_of_several_lines_becomes_one() -> None:
    line = AlertLine(time=TIME, sender="s", severity="ERROR", text="a\nb\r\nSTATUS Done  c")
    written = write_log_line(line)
    assert written == f"{TIME} 000 s ERROR  a b STATUS Done  c\n"
    assert isinstance(read_log_line(written), AlertLine)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 11, 21, 2, 0, 9), "Sat Nov 21 02:00:09 2026"),
        (datetime(1999, 1, 2, 23, 59, 58), "Sat Jan  2 23:59:58 1999"),
    ],
)
def test_a_time_has_24_characters(time: datetime, text: str) -> None:
    assert ctime_text(time) == text == time.ctime()
    assert len(text) == 24


WORDS = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)


@settings(max_examples=40)
@given(
    st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda time: time.replace(microsecond=0)),
    WORDS,
    st.integers(-1, 999),
    st.sampled_from(SEVERITIES),
    WORDS,
    st.text(max_size=20),
)
def test_any_line_is_read_back(
    time: datetime, sender: str, mpi_id: int, severity: str, state: str, text: str
) -> None:
    told, one_line = ctime_text(time), " ".join(text.splitlines())
    status = StatusLine(time=told, sender=sender, mpi_id=mpi_id, state=state, text=one_line)
    alert = AlertLine(time=told, sender=sender, mpi_id=mpi_id, severity=severity, text=one_line)
    assert read_log_line(write_log_line(status)) == status
    assert read_log_line(write_log_line(alert)) == alert
