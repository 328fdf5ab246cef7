"""Targets of zmqjsonproxy: calls, arrays, channels, files, recordings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tools.fuzz.target import Target, json_of
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.channels.protocol import limits, notices, patterns, wishes
from zmqjsonproxy.errors import ProxyError, RecordingError
from zmqjsonproxy.files.protocol import identity, names, ranges, transfer
from zmqjsonproxy.protocol.arrays import Framed, read_header
from zmqjsonproxy.recording.protocol.answers import RecordedAnswers
from zmqjsonproxy.recording.protocol.record import (
    MessageDirection,
    Record,
    read_recording,
    write_header,
    write_record,
)
from zmqjsonproxy.rpc.protocol import jsonrpc, lonearray
from zmqjsonproxy.rpc.protocol.description import read_description
from zmqjsonproxy.rpc.protocol.dialect import Malformed, MessageLimits, read_failure, read_message

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARK = b"\x00\xff\x00"
CALL = b'{"jsonrpc":"2.0","method":"bank.get_status","id":7,"params":["SRC_NAME"],"dealer":{"arrays":true}}'
FRAMED = (
    b' {"jsonrpc":"2.0","method":"bank.take","id":7,"params":[{"frame-1":0}],"dealer":{"frames":'
    b'{"key":"frame-1","headers":[{"dtype":"<f8","shape":[2],"order":"C"}]}}}' + MARK + b"\0" * 16
)
OLD = b'{"name":"bank","proc":"get_status","args":[],"kwargs":{}}'


def framed(data: bytes) -> bytes:
    """Return a message: a mark in the bytes stands for the border of a frame."""
    body, *frames = data.split(MARK)
    return Framed(body, frames) if frames else body


def read_request(data: bytes) -> None:
    """Read a message of a client; it never raises, and whatever is refused can be answered."""
    message = read_message(
        framed(data), MessageLimits(max_bytes=100_000, max_values=2000, max_depth=30)
    )
    for part in message if isinstance(message, list) else [message]:
        if isinstance(part, Malformed):
            assert isinstance(wirejson.loads(read_failure(part)), dict)


def read_answer(data: bytes) -> None:
    """Read a message of a server, as a client does."""
    body = framed(data)
    if isinstance(body, Framed):
        lonearray.read(body)
    reply = jsonrpc.read_reply(body)
    for one in reply if isinstance(reply, list) else [reply]:
        if isinstance(one, dict):
            jsonrpc.results_in_order(reply, 1, 2)
            assert isinstance(jsonrpc.error_from(one.get("error"), peer="p"), ProxyError)
    read_description(reply, url="tcp://127.0.0.1:1", generation=1)


def read_array(data: bytes) -> None:
    """Read the header of a frame, and the array."""
    text, _, frame = data.partition(MARK)
    header = read_header(json_of(text), len(frame))
    array = ndarray.make(header, frame)
    assert memoryview(array).nbytes == len(frame)


def read_notice(data: bytes) -> None:
    """Read what a server says of properties; what is none is left out."""
    notices.read_frames(framed(data))
    value: Any = json_of(data)
    for _ in notices.read_updates(value):
        pass
    notices.read_newest(value)
    notices.read_opened(value)
    notices.read_told(value)


def read_subscription(data: bytes) -> None:
    """Read what a client wants to hear of."""
    value: Any = json_of(data)
    if not isinstance(value, list):
        limits.read_limits(value)
        return
    wish = wishes.read_wish(value)
    assert [wishes.read_wish(one) for one in wishes.write_wishes([wish])] == [wish]


def read_pattern(data: bytes) -> None:
    """Read a pattern, and look for names by it: in either way the same ones."""
    text = data.decode("utf-8", "replace")
    pattern, *listed = text.split("\n")
    known = sorted(set(listed))
    patterns.read_patterns([pattern])
    found = patterns.select(pattern, known)
    assert found == [name for name in known if patterns.matches(pattern, name)]


def read_file_request(data: bytes) -> None:
    """Read names, ranges and notes of files; none leads out of its folder."""
    value = json_of(data)
    found = 0
    for read in (
        names.read_name,
        names.read_pattern,
        identity.FileIdentity.read,
        transfer.PartNote.read,
        lambda one: ranges.read_ranges(one, 1000),
        lambda one: ranges.read_stretch(str(one)),
    ):
        try:
            read_one: Any = read(value)
        except ValueError:
            continue
        found += 1
        if isinstance(read_one, names.FileName):
            assert not {"..", ".", ""} & set(str(read_one).split("/"))
        if read is identity.FileIdentity.read:
            assert identity.FileIdentity.read(list(read_one)) == read_one


def read_file_of_traffic(data: bytes) -> None:
    """Read a recording, write it again, and answer what is in it."""
    recording = read_recording(data.splitlines(keepends=True))
    for record in recording.records:
        write_record(record)
    answers = RecordedAnswers(recording.records, moves_times=True)
    for record in recording.records:
        answers.answer(record.content, NOW)


_DIRECTIONS = (MessageDirection.REQUEST, MessageDirection.REPLY)
RECORDED = write_header("tcp://127.0.0.1:1", NOW) + b"".join(
    write_record(Record(NOW, direction, 1, (b"", body)))
    for direction, body in zip(_DIRECTIONS, (OLD, b'"B"'), strict=True)
)

TARGETS = (
    Target(
        name="requests",
        folder="zmqjsonproxy/rpc/protocol",
        read=read_request,
        samples=(CALL, OLD, FRAMED, b"[" + CALL + b"]"),
    ),
    Target(
        name="answers",
        folder="zmqjsonproxy/rpc/protocol",
        read=read_answer,
        raises=(ValueError, RecursionError),
        samples=(
            b'{"jsonrpc":"2.0","result":[true,"x"],"id":1}',
            b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"m","data":{"type":"RefusedError"}},"id":1}',
        ),
    ),
    Target(
        name="arrays",
        folder="zmqjsonproxy/protocol",
        read=read_array,
        raises=(ValueError,),
        samples=(b'{"dtype":"<f8","shape":[2],"order":"C"}' + MARK + b"\0" * 16,),
    ),
    Target(
        name="notices",
        folder="zmqjsonproxy/channels/protocol",
        read=read_notice,
        samples=(b'[[1,2,1700000000000000,{"a":1}]]',),
    ),
    Target(
        name="subscriptions",
        folder="zmqjsonproxy/channels/protocol",
        read=read_subscription,
        raises=(ValueError,),
        samples=(b'["bank","status.*",{"rate":2.0}]', b'{"rate":1,"dead_band":0.5,"width":100}'),
    ),
    Target(
        name="patterns",
        folder="zmqjsonproxy/channels/protocol",
        read=read_pattern,
        raises=(ValueError,),
        samples=(b"status.*\nstatus.A\nstatus.B\nlevel", b"[a-c]?x*\nax\nb1x"),
    ),
    Target(
        name="files",
        folder="zmqjsonproxy/files/protocol",
        read=read_file_request,
        samples=(b'"data/night1/x.fits"', b"[[0,10],[20,30]]", b'"0-99"', b"[1,2,3,4,5]"),
    ),
    Target(
        name="recordings",
        folder="zmqjsonproxy/recording/protocol",
        read=read_file_of_traffic,
        raises=(RecordingError,),
        samples=(RECORDED,),
    ),
)
