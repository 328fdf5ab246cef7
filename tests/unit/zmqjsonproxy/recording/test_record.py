"""The lines of a recording."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.errors import RecordingError
from zmqjsonproxy.recording.protocol.record import (
    MessageDirection,
    Record,
    read_recording,
    write_header,
    write_record,
)

BEGUN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HEADER = b'{"format":"dealer-player recording","version":1,"server":"tcp://banka:6667","begun":"2026-11-21T09:30:00.000000Z"}\n'

LINES = [
    (
        b'{"time":"2026-11-21T09:30:01.250000Z","direction":"request","peer":1,"frames":["","{\\"name\\":\\"bank\\"}"]}\n',
        Record(
            datetime(2026, 11, 21, 9, 30, 1, 250000, UTC),
            MessageDirection.REQUEST,
            1,
            (b"", b'{"name":"bank"}'),
        ),
    ),
    (
        b'{"time":"2026-11-21T09:30:01.000001Z","direction":"reply","peer":2,"frames":["[true,\\"\xc2\xb5s\\"]"]}\n',
        Record(
            datetime(2026, 11, 21, 9, 30, 1, 1, UTC),
            MessageDirection.REPLY,
            2,
            ('[true,"µs"]'.encode(),),
        ),
    ),
    (
        b'{"time":"2026-11-21T09:30:01.000000Z","direction":"reply","peer":2,"frames":["{}",{"base64":"AP8="}]}\n',
        Record(
            datetime(2026, 11, 21, 9, 30, 1, 0, UTC),
            MessageDirection.REPLY,
            2,
            (b"{}", b"\x00\xff"),
        ),
    ),
    (
        b'{"time":"2026-11-21T09:30:01.000000Z","direction":"reply","peer":2,"frames":["{}",{"base64":"QQA="}]}\n',
        Record(
            datetime(2026, 11, 21, 9, 30, 1, 0, UTC), MessageDirection.REPLY, 2, (b"{}", b"A\x00")
        ),
    ),
    (
        b'{"time":"2026-11-21T09:30:09.000000Z","direction":"note","peer":0,"frames":["the server is gone"]}\n',
        Record(
            datetime(2026, 11, 21, 9, 30, 9, 0, UTC),
            MessageDirection.NOTE,
            0,
            (b"the server is gone",),
        ),
    ),
]

RECORDS = st.builds(
    Record,
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(MessageDirection),
    st.integers(0, 2**40),
    st.lists(st.binary() | st.text().map(str.encode), min_size=1, max_size=4).map(tuple),
)


@pytest.mark.parametrize(("line", "record"), LINES)
def test_a_line_reads_and_writes(line: bytes, record: Record) -> None:
    assert write_record(record) == line
    assert read_recording([HEADER, line]).records == [record]


def test_the_first_line_says_format_version_server_and_time() -> None:
    assert write_header("tcp://banka:6667", BEGUN) == HEADER
    recording = read_recording([HEADER])
    assert (recording.server, recording.begun, recording.records, recording.was_cut) == (
        "tcp://banka:6667",
        BEGUN,
        [],
        False,
    )


@given(st.lists(RECORDS, max_size=5))
def test_what_is_written_is_read(records: list[Record]) -> None:
    data = write_header("tcp://banka:6667", BEGUN) + b"".join(map(write_record, records))
    assert data.count(b"\n") == 1 + len(records)
    recording = read_recording(io.BytesIO(data))
    assert (recording.records, recording.was_cut) == (records, False)


def test_a_file_that_was_cut_anywhere_in_its_last_line_keeps_the_others() -> None:
    whole = HEADER + b"".join(line for line, _ in LINES)
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start, len(whole)):
        recording = read_recording(io.BytesIO(whole[:end]))
        complete = end == len(whole) - 1  # only the newline is missing
        assert len(recording.records) == len(LINES) - (not complete), end
        assert recording.was_cut is (start < end and not complete), end


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"{half\n", "damaged"),
        (b"\0\0\0\0\n", "damaged"),
        (b"\xff\n", "damaged"),
        (b"[1]\n", "a line is an object"),
        (b"[" * 100_000 + b"\n", "damaged"),
        (LINES[0][0].replace(b"request", b"sideways"), "request, reply or note, not 'sideways'"),
        (LINES[0][0].replace(b'"peer":1', b'"peer":-1'), '"peer" is a number from 0, not -1'),
        (LINES[0][0].replace(b'"peer":1', b'"peer":true'), "not True"),
        (LINES[0][0].replace(b"250000Z", b"250000"), "a time is in UTC"),
        (LINES[0][0].replace(b"2026-11", b"2026-13"), "month"),
        (LINES[2][0].replace(b"AP8=", b"AP8"), "base64 of a frame"),
        (LINES[2][0].replace(b"base64", b"base32"), "a frame is text or"),
        (LINES[2][0].replace(b'["{}",{"base64":"AP8="}]', b"[]"), "at least one frame"),
        (LINES[0][0].replace(b"bank", b"\\ud800"), "damaged"),
    ],
)
def test_a_damaged_line_is_named_by_its_number(line: bytes, text: str) -> None:
    with pytest.raises(RecordingError, match=re.escape(text)) as caught:
        read_recording([HEADER, LINES[1][0], line, LINES[2][0]], "scan.jsonl")
    assert (caught.value.source, caught.value.line) == ("scan.jsonl", 3)
    assert str(caught.value).startswith("scan.jsonl, line 3: ")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "the file is empty"),
        (HEADER[:20], "no first line"),
        (LINES[0][0], '"format" is None'),
        (b'{"name":"bank"}\n', "no first line of a dealer-player recording"),
        (HEADER.replace(b'"version":1', b'"version":2'), "version 2; this release reads version 1"),
    ],
)
def test_what_is_no_recording_is_told_in_line_1(data: bytes, text: str) -> None:
    with pytest.raises(RecordingError, match=re.escape(text)) as caught:
        read_recording(io.BytesIO(data))
    assert caught.value.line == 1


def test_the_page_of_the_format_shows_lines_that_can_be_read() -> None:
    page = Path(__file__).parents[4] / "docs" / "protocols" / "recording.md"
    lines = [
        line.strip().encode() + b"\n" for line in page.read_text(encoding="utf-8").splitlines()
    ]
    recording = read_recording(
        line for line in lines if line.startswith((b'{"format"', b'{"time"'))
    )
    assert [r.direction for r in recording.records] == [
        MessageDirection.REQUEST,
        MessageDirection.REPLY,
        MessageDirection.NOTE,
    ]
