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
from zmqjsonproxy.protocol.arrays import Framed, restore

__all__ = ["Encoded", "encode", "write_newest", "write_opened", "write_update"]

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

    @property
    def size(self) -> int:
        """Bytes of the body and the frames."""
        return len(self.body) + sum(memoryview(frame).nbytes for frame in self.frames)

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
        nothing but JSON."""
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
