"""Notices: messages of a server that answer no call, as JSON-RPC notifications. No sockets, no clock.

| method | params |
|---|---|
| `rpc.update` | stream, count, time, value: the value that was published |
| `rpc.newest` | stream, count, stream, count, ...: what was sent or dropped before this |
| `rpc.opened` | object, stream, name, kind, limits: a property that is new, of which updates follow |

A stream is a number that a server gives to a property with the limits of a subscription; `count`
counts its updates from 1 on. Times are UTC in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.channels.protocol.limits import Limits, read_limits
from zmqjsonproxy.protocol.arrays import Framed, restore

__all__ = [
    "Encoded",
    "Opened",
    "Told",
    "encode",
    "read_newest",
    "read_opened",
    "read_told",
    "read_update",
    "write_newest",
    "write_opened",
    "write_update",
]

_MOST = 2**63
"""Counts, times and numbers of streams are below it."""

_UPDATE = b'{"jsonrpc":"2.0","method":"rpc.update","params":[%d,%d,%d,%b]}'
_SHORT_UPDATE = (
    b'{"dealer":{"short":true},"jsonrpc":"2.0","method":"rpc.update","params":[%d,%d,%d,%b]}'
)
_FRAMED_UPDATE = (
    b' {"jsonrpc":"2.0","method":"rpc.update","params":[%d,%d,%d,%b],"dealer":{"frames":%b}}'
)


class Encoded(NamedTuple):
    """A value as it travels; nobody can change it any more.

    Attributes:
        body: Its JSON, with placeholders for frames.
        described: What the frames hold, as JSON; empty without frames.
        frames: Arrays and bytes.
        short: No integer in the body has more than 64 bits.
    """

    body: bytes
    described: bytes
    frames: Sequence[bytes]
    short: bool

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


def encode(value: object) -> Encoded:
    """Encode a value; TypeError, ValueError, RecursionError: it cannot travel."""
    return Encoded(*ndarray.dumps(value, ndarray.is_available()))


def write_update(stream: int, count: int, time_us: int, value: Encoded) -> bytes:
    """Encode an update."""
    if value.frames:
        body = _FRAMED_UPDATE % (stream, count, time_us, value.body, value.described)
        return Framed(body, value.frames)
    form = _SHORT_UPDATE if value.short else _UPDATE
    return form % (stream, count, time_us, value.body)


def write_newest(counts: Iterable[tuple[int, int]]) -> bytes:
    """Encode the newest count of streams."""
    params = ",".join(f"{stream},{count}" for stream, count in counts)
    return b'{"jsonrpc":"2.0","method":"rpc.newest","params":[%b]}' % params.encode()


def write_opened(object_name: str, stream: int, name: str, kind: str, limits: JsonObject) -> bytes:
    """Encode that a property is there."""
    params = wirejson.dumps([object_name, stream, name, kind, limits])
    return b'{"jsonrpc":"2.0","method":"rpc.opened","params":%b}' % params


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


def read_update(params: JsonValue) -> tuple[int, int, int, JsonValue] | None:
    """Read an update: stream, count, time, value; None: it is none."""
    if not isinstance(params, list) or len(params) != 4:
        return None
    number, count, time_us, value = params
    if type(number) is not int or type(count) is not int or type(time_us) is not int:
        return None
    if 0 <= count < _MOST and 0 <= time_us < _MOST and number >= 0:  # `_fit` takes twice as long
        return number, count, time_us, value
    return None


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
    return min(numbers) >= 0 and max(numbers) < _MOST
