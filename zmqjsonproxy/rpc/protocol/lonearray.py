"""Replies that are one array and nothing else, as most that are large are.

All but the number of such a reply is the same for all arrays of a kind. It is made, and read, once
for each kind: after a message of a megabyte each step of Python takes four times what it takes
otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.protocol.arrays import ArrayHeader, Framed, restore

__all__ = ["read", "write"]

_BEGIN, _RESULT = b' {"jsonrpc":"2.0","id":', b',"result":'
_LONGEST = 300
"""Replies with one array are shorter, bytes."""


def write(identity: int, value: Any) -> Framed | None:
    """Encode a reply; None: the value is no array that can be sent as it lies in memory."""
    lone = ndarray.lone_frame(value)
    if lone is None:
        return None
    header, frame = lone
    return Framed(b"%b%d%b" % (_BEGIN, identity, _end(header)), (frame,))


@lru_cache(256)
def _end(header: ArrayHeader) -> bytes:
    described = header.encode()
    return b'%b{"frame":0},"dealer":{"frames":{"key":"frame","headers":[%b]}}}' % (
        _RESULT,
        described,
    )


def read(body: Framed) -> dict[str, Any] | None:
    """Decode a reply, `id` and `result` of it; None: it is another one, or none. ValueError: as
    `ndarray.make`."""
    if len(body) > _LONGEST or len(body.frames) != 1:
        return None
    (frame,) = body.frames
    begin, _, end = body.partition(_RESULT)
    digits, header = begin[len(_BEGIN) :], _header(end, memoryview(frame).nbytes)
    if header is None or not digits.isdigit() or not begin.startswith(_BEGIN):
        return None
    return {"id": int(digits), "result": ndarray.make(header, frame)}


@lru_cache(256)
def _header(end: bytes, size: int) -> ArrayHeader | None:
    """Return what a frame of `size` bytes holds if it alone is the result of a reply that ends so;
    read as any other reply."""
    try:
        message = restore(
            wirejson.loads(b'{"result":' + end), (bytes(size),), lambda header, _: header
        )
    except (ValueError, RecursionError):
        return None
    result = message["result"]
    return (
        result
        if isinstance(result, ArrayHeader) and message.keys() == {"result", "dealer"}
        else None
    )
