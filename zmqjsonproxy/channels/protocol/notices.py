"""Notices: messages of a server that answer no call, as JSON-RPC notifications. No sockets, no clock.

| method | params |
|---|---|
| `rpc.update` | stream, count, time, value, and again: values that were published |
| `rpc.newest` | stream, count, stream, count, ...: what was sent or dropped before this |
| `rpc.opened` | object, stream, name, kind, limits: a property that is new, of which updates follow |
| `rpc.refused` | `type`, `text`: the key of this client was revoked, and nothing follows |

A stream is a number that a server gives to a property with the limits of a subscription; `count`
counts its updates from 1 on. Times are UTC in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import NamedTuple, TypeGuard

from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.channels.protocol.limits import Limits, read_limits
from zmqjsonproxy.errors import AccessError
from zmqjsonproxy.protocol.arrays import ArrayHeader, Framed, read_header, restore

__all__ = [
    "NUMBER_BYTES",
    "Encoded",
    "MessagePart",
    "NumberUpdate",
    "Opened",
    "Told",
    "UpdatePart",
    "encode",
    "encode_frame",
    "is_number",
    "join_updates",
    "read_frames",
    "read_newest",
    "read_opened",
    "read_refused",
    "read_told",
    "read_updates",
    "write_newest",
    "write_opened",
    "write_refused",
    "write_update",
]

_MAX_NUMBER = 2**63
"""Counts, times and numbers of streams are below it."""

_BEGIN = b'{"jsonrpc":"2.0","method":"rpc.update","params":['
_SHORT_BEGIN = b'{"dealer":{"short":true},"jsonrpc":"2.0","method":"rpc.update","params":['
_FRAMED_UPDATE = b' {"jsonrpc":"2.0","method":"rpc.update","params":[%b],"dealer":{"frames":%b}}'


_FRAME = b'{"data":{"frame":0},"x_start":%b,"x_delta":%b}'
_FRAME_BEGIN = _FRAME[: _FRAME.index(b"0")]
_DESCRIBED = b'{"key":"frame","headers":[%b]}'
_FRAMED_BEGIN = _FRAMED_UPDATE[: _FRAMED_UPDATE.index(b"%")]
_FRAMED_REST = b'],"dealer":{"frames":'
_PACKED = b',"packed":true}'
_LONGEST = 500
"""Updates with one array are shorter, bytes."""
_SMALL_FRAME = 2**15
"""Frames of pipes that are smaller go together, as numbers do."""
_MAX_FRAMES = 100
"""Of a message whose frames are decoded together."""
_PLAIN = frozenset({bool, float, str, type(None)})
NUMBER_BYTES = 50
"""Of a NumberUpdate, about."""
NumberUpdate = tuple[int, int, int, float]
"""An update of a number: stream, count, time, value. It is encoded with others when they are sent,
which for each takes a tenth of the time."""


class Encoded(NamedTuple):
    """A value as it travels; nobody can change it any more.

    Attributes:
        body: Its JSON, with placeholders for frames.
        described: What the frames hold, as JSON; empty without frames.
        frames: Arrays and bytes.
        short: No integer in the body has more than 64 bits.
        lone: Of a frame that `encode_frame` made: its header, and the body behind the number of the
            frame.
    """

    body: bytes
    described: bytes
    frames: Sequence[bytes]
    short: bool
    lone: tuple[bytes, bytes] | None = None

    @property
    def size(self) -> int:
        """Bytes of the body and the frames."""
        return len(self.body) + sum([_bytes_of(frame) for frame in self.frames])

    def is_same(self, other: Encoded) -> bool:
        """Tell whether another one holds the very same value; frames may be arrays, or bytes."""
        return (
            self.body == other.body
            and self.described == other.described
            and len(self.frames) == len(other.frames)
            and all(
                memoryview(mine) == memoryview(its)
                for mine, its in zip(self.frames, other.frames, strict=True)
            )
        )

    def value(self) -> JsonValue:
        """Return the value; arrays are read-only."""
        if not self.frames:
            return wirejson.loads(self.body, self.short)
        message: Mapping[str, JsonValue] = {
            "params": wirejson.loads(self.body, self.short),
            "dealer": {"frames": wirejson.loads(self.described)},
        }
        return restore(message, self.frames, ndarray.make)["params"]

    def for_peer(self, arrays: bool | None) -> Encoded:
        """Return it for a peer that takes arrays and bytes as frames; False: bytes only; None:
        nothing but JSON. TypeError, ValueError: it cannot travel so, as complex numbers."""
        if not self.frames or arrays:
            return self
        if arrays is None:
            return Encoded(wirejson.dumps(self.value()), b"", (), False)
        return Encoded(*ndarray.dumps(self.value(), False))


def _bytes_of(frame: bytes | memoryview) -> int:
    return frame.nbytes if type(frame) is memoryview else memoryview(frame).nbytes


def encode_frame(data: object, x_start: float, x_delta: float) -> Encoded:
    """Encode a frame of a pipe; as `encode`, and faster for an array that lies in memory as it is
    sent."""
    frame = ndarray.lone_frame(data)
    if frame is None or type(x_start) is not float or type(x_delta) is not float:
        return encode({"data": data, "x_start": x_start, "x_delta": x_delta})
    header, raw = frame
    body, described, lone = _around_frame(header, x_start, x_delta)
    return tuple.__new__(Encoded, (body, described, (raw,), True, lone))


@lru_cache(256)
def _around_frame(
    header: ArrayHeader, x_start: float, x_delta: float
) -> tuple[bytes, bytes, tuple[bytes, bytes]]:
    body = _FRAME % (wirejson.dumps(x_start), wirejson.dumps(x_delta))
    return body, _DESCRIBED % header.encode(), (header.encode(), body[len(_FRAME_BEGIN) + 1 :])


class MessagePart(NamedTuple):
    """A message, or a part of one.

    Attributes:
        body: Its bytes.
        size: Bytes of it, and of the frames behind it.
        is_update: It is a part, to be joined with others of the kind, with a frame or without.
        short: No integer in it has more than 64 bits.
        frame: Of an update with one small array.
        header: What that holds, as JSON.
        packs: Its receivers take arrays of several updates as one frame.
        rest: What follows in the body behind the number of the frame.
    """

    body: bytes
    size: int
    is_update: bool = False
    short: bool = False
    frame: bytes | None = None
    header: bytes = b""
    rest: bytes = b""
    packs: bool = False


UpdatePart = MessagePart | NumberUpdate


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value can be in a NumberUpdate: a finite float, an integer of 64 bits."""
    if type(value) is float:
        return isfinite(value)
    return type(value) is int and -_MAX_NUMBER <= value < _MAX_NUMBER


def encode(value: object) -> Encoded:
    """Encode a value; TypeError, ValueError, RecursionError: it cannot travel."""
    if type(value) is float and isfinite(value):  # as most are: twice as fast
        return tuple.__new__(Encoded, (b"%a" % value, b"", (), True, None))
    if type(value) in _PLAIN:
        return tuple.__new__(Encoded, (wirejson.dumps(value), b"", (), True, None))
    return Encoded(*ndarray.dumps(value, ndarray.is_available()))


def write_update(
    stream: int, count: int, time_us: int, value: Encoded, packs: bool = False
) -> MessagePart:
    """Encode an update as a part of a message, or, if it has large frames, as one of its own; for
    receivers that take several arrays as one frame, if `packs`."""
    body, described, frames, short, lone = value
    if not frames:
        part = b"%d,%d,%d,%b" % (stream, count, time_us, body)
        return tuple.__new__(MessagePart, (part, len(part), True, short, None, b"", b"", False))
    if lone is not None and (size := _bytes_of(frames[0])) < _SMALL_FRAME:
        part = b"%d,%d,%d,%b" % (stream, count, time_us, _FRAME_BEGIN)
        header, rest = lone
        size += len(part) + len(header) + len(rest)
        return tuple.__new__(MessagePart, (part, size, True, True, frames[0], header, rest, packs))
    params = b"%d,%d,%d,%b" % (stream, count, time_us, body)
    framed = Framed(_FRAMED_UPDATE % (params, described), frames)
    return MessagePart(framed, len(framed) + value.size - len(body))


def join_updates(parts: Sequence[UpdatePart]) -> bytes:
    """Return the message of updates, which all have a frame, or all none."""
    framed = [part for part in parts if isinstance(part, MessagePart) and part.frame is not None]
    if framed:
        return _join_frames(framed)
    bodies: list[bytes] = []
    numbers: list[float] = []
    short = True
    for part in parts:
        if not isinstance(part, MessagePart):
            numbers += part
            continue
        if numbers:
            bodies.append(wirejson.dumps(numbers)[1:-1])
            numbers = []
        bodies.append(part.body)
        short = short and part.short
    if numbers:
        bodies.append(wirejson.dumps(numbers)[1:-1])
    return b"%b%b]}" % (_SHORT_BEGIN if short else _BEGIN, b",".join(bodies))


def _join_frames(parts: Sequence[MessagePart]) -> bytes:
    params = b",".join([b"%b%d%b" % (p.body, number, p.rest) for number, p in enumerate(parts)])
    described = _DESCRIBED % b",".join([part.header for part in parts])
    frames = [part.frame for part in parts if part.frame is not None]
    if parts[0].packs and len(frames) > 1:  # each frame costs both ends more than its copy
        described, frames = described[:-1] + _PACKED, [b"".join(frames)]
    return Framed(_FRAMED_UPDATE % (params, described), frames)


def write_newest(counts: Iterable[tuple[int, int]]) -> MessagePart:
    """Encode the newest count of streams."""
    params = ",".join(f"{stream},{count}" for stream, count in counts)
    body = b'{"jsonrpc":"2.0","method":"rpc.newest","params":[%b]}' % params.encode()
    return MessagePart(body, len(body))


def write_opened(
    object_name: str, stream: int, name: str, kind: str, limits: JsonObject
) -> MessagePart:
    """Encode that a property is there."""
    params = wirejson.dumps([object_name, stream, name, kind, limits])
    body = b'{"jsonrpc":"2.0","method":"rpc.opened","params":%b}' % params
    return MessagePart(body, len(body))


def write_refused(error: AccessError) -> bytes:
    """Encode that a client hears of nothing any more."""
    body = {"type": type(error).__name__, "text": error.text}
    return wirejson.dumps({"jsonrpc": "2.0", "method": "rpc.refused", "params": body})


def read_refused(params: JsonValue) -> str:
    """Return why this end hears of nothing any more."""
    return str(params.get("text", "")) if isinstance(params, dict) else ""


class Told(NamedTuple):
    """A stream, as the answer to a subscription tells of it.

    Attributes:
        number: Of the stream.
        name: Of the property.
        kind: Likewise.
        newest: Count of the update that was sent last.
        has_value: There is a present value.
        time_us: Of it, UTC, microseconds.
        value: It.
    """

    number: int
    name: str
    kind: str
    newest: int
    has_value: bool = False
    time_us: int = 0
    value: JsonValue = None


class Opened(NamedTuple):
    """A property that is new.

    Attributes:
        object_name: Whose it is.
        told: Its stream, of which nothing was sent yet.
        limits: Of the stream.
    """

    object_name: str
    told: Told
    limits: Limits


def read_updates(params: JsonValue) -> Iterator[tuple[int, int, int, JsonValue]]:
    """Yield updates: stream, count, time, value of each; what is none is left out."""
    if not isinstance(params, list):
        return
    columns = params[::4], params[1::4], params[2::4], params[3::4]
    for number, count, time_us, value in zip(*columns, strict=False):
        if type(number) is not int or type(count) is not int or type(time_us) is not int:
            continue
        if (
            0 <= count < _MAX_NUMBER and 0 <= time_us < _MAX_NUMBER and number >= 0
        ):  # `_fit` takes twice as long
            yield number, count, time_us, value


def read_newest(params: JsonValue) -> list[tuple[int, int]]:
    """Read the newest counts of streams; what is none is left out."""
    if not isinstance(params, list):
        return []
    pairs = zip(params[::2], params[1::2], strict=False)
    return [
        (number, count)
        for number, count in pairs
        if type(number) is type(count) is int and _fit(number, count)
    ]


def read_opened(params: JsonValue) -> Opened | None:
    """Read that a property is there; None: it does not say so."""
    if not isinstance(params, list) or len(params) != 5:
        return None
    object_name, number, name, kind, limits = params
    told = read_told([number, name, kind, 0])
    try:
        wanted = read_limits(limits)
    except ValueError:
        return None
    if told is None or not isinstance(object_name, str):
        return None
    return Opened(object_name, told, wanted)


def read_told(said: JsonValue) -> Told | None:
    """Read `[stream, name, kind, count]` or `[stream, name, kind, count, time, value]`; None: it is
    none."""
    if not isinstance(said, list) or len(said) not in (4, 6):
        return None
    number, name, kind, count = said[:4]
    time_us, value = said[4:] or (0, None)
    if not (type(number) is type(count) is type(time_us) is int):
        return None
    if not isinstance(name, str) or not isinstance(kind, str) or not _fit(number, count, time_us):
        return None
    return Told(number, name, kind, count, len(said) == 6, time_us, value)


def _fit(*numbers: int) -> bool:
    return min(numbers) >= 0 and max(numbers) < _MAX_NUMBER


def read_frames(body: bytes) -> JsonObject | None:
    """Decode updates of one array each, as `encode_frame` makes it; None: it is something else,
    which is decoded as any message."""
    if not isinstance(body, Framed) or not body.startswith(_FRAMED_BEGIN):
        return None
    begin, _, rest = body.partition(_FRAMED_REST)
    frames = body.frames
    headers = _headers(rest, tuple([_bytes_of(frame) for frame in frames[:_MAX_FRAMES]]))
    if headers is None or len(body) > _LONGEST * len(headers):
        return None
    try:
        params = wirejson.loads(b"[%b]" % begin[len(_FRAMED_BEGIN) :], True)
        if len(params) != 4 * len(headers):
            return None
        if len(frames) == len(headers):
            arrays = [ndarray.make(*pair) for pair in zip(headers, frames, strict=True)]
        else:
            arrays = ndarray.make_packed(headers, *frames)
        for number, (value, array) in enumerate(zip(params[3::4], arrays, strict=True)):
            if value["data"] != {"frame": number}:
                return None
            value["data"] = array
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return {"method": "rpc.update", "params": params}


@lru_cache(256)
def _headers(rest: bytes, sizes: Sequence[int]) -> Sequence[ArrayHeader] | None:
    """Return what frames of these sizes hold, or one in which all are packed, whose message ends
    so; None: it ends otherwise."""
    packed = _PACKED if rest.endswith(_PACKED + b"}}") else b""
    try:
        described = wirejson.loads(b'{"frames":' + rest[:-1])["frames"]["headers"]
        each = [None] * len(described) if packed and len(sizes) == 1 else sizes
        headers = tuple([read_header(*pair) for pair in zip(described, each, strict=True)])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    written = _DESCRIBED % b",".join([header.encode() for header in headers])
    if packed:
        written = written[:-1] + packed
    return headers if rest == b"%b}}" % written else None
