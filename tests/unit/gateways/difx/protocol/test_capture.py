from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateways.difx.protocol.capture import (
    Captured,
    MessageDirection,
    read_capture,
    write_captured,
    write_head,
)
from zmqjsonproxy.errors import RecordingError

BEGUN = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
TIME = datetime(2026, 11, 30, 12, 0, 1, 250000, tzinfo=UTC)
HEAD = write_head("127.0.0.1:50200", BEGUN)
LINES = [
    (
        Captured(time=TIME, client=3, direction=MessageDirection.REQUEST, packet=8),
        b'"direction":"request","peer":3,"frames":["packet 8",""]}\n',
    ),
    (
        Captured(
            time=TIME, client=3, direction=MessageDirection.REQUEST, packet=-7, data=b"\xff\0"
        ),
        b'"direction":"request","peer":3,"frames":["packet -7",{"base64":"/wA="}]}\n',
    ),
    (
        Captured(
            time=TIME, client=1, direction=MessageDirection.REPLY, port=50300, data=b"/data/ab\n"
        ),
        b'"direction":"reply","peer":1,"frames":["task 50300","/data/ab\\n"]}\n',
    ),
    (
        Captured(
            time=TIME, client=2, direction=MessageDirection.NOTE, data=b"closed: by the client"
        ),
        b'"direction":"note","peer":2,"frames":["closed: by the client"]}\n',
    ),
]


@pytest.mark.parametrize(("captured", "line"), LINES)
def test_what_was_captured_writes_and_reads(captured: Captured, line: bytes) -> None:
    written = write_captured(captured)
    assert written == b'{"time":"2026-11-30T12:00:01.250000Z",' + line
    assert read_capture([HEAD, written]) == [captured]


def test_a_line_that_was_cut_off_is_left_out() -> None:
    written = [HEAD, *(write_captured(captured) for captured, _ in LINES)]
    assert read_capture([*written[:-1], written[-1][:-9]]) == [one for one, _ in LINES[:-1]]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (b'["packet 8"]', "neither a packet"),
        (b'["packet eight",""]', "neither a packet"),
        (b'["datagram 8",""]', "is not known"),
    ],
)
def test_a_line_of_something_else_is_named(frames: bytes, reason: str) -> None:
    head = b'{"time":"2026-11-30T12:00:01Z","direction":"request","peer":3,"frames":'
    with pytest.raises(RecordingError, match=f"line 2.*{reason}"):
        read_capture([HEAD, head + frames + b"}\n"])


def test_a_recording_of_calls_is_no_capture() -> None:
    with pytest.raises(RecordingError, match="no DiFX gateway"):
        read_capture([HEAD.replace(b"difx:", b"tcp:")])
