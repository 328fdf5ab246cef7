"""Arrays and bytes as frames behind a JSON body: what describes them, and where they stand in it.
Imports no numpy.

The body has a placeholder `{KEY: n}` for frame n, and says which KEY it chose for that (made from
the first frame, so that no value is taken for a placeholder by chance) and what the frames hold, in
the member `dealer`:

    "frames": {"key": "frame-5e0c...", "headers": [{"dtype": "<f8", "shape": [4, 16384], "order":
    "C"}]}

With `"packed": true` beside these, one frame holds all of them, one behind the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = [
    "BYTES",
    "DTYPES",
    "ArrayHeader",
    "Framed",
    "join",
    "read_header",
    "restore",
    "size_of",
    "unpack",
]

BYTES = "bytes"
"""The `dtype` of a frame that is no array."""
DTYPES: dict[str, int] = {
    "|b1": 1,
    "|i1": 1,
    "<i2": 2,
    "<i4": 4,
    "<i8": 8,
    "|u1": 1,
    "<u2": 2,
    "<u4": 4,
    "<u8": 8,
    "<f2": 2,
    "<f4": 4,
    "<f8": 8,
    "<c8": 8,
    "<c16": 16,
}
"""What may travel, and the bytes of one element."""
_MAX_DIMENSIONS = 32
_MAX_ELEMENTS = 2**48


class Framed(bytes):
    """A body with frames behind it. It begins with a space, by which its receiver knows that they
    follow."""

    frames: tuple[Any, ...]
    known_size = 0
    """Its `size_of`, from when it was asked for: a message may go to many."""

    def __new__(cls, body: bytes, frames: Sequence[Any]) -> Framed:
        """Put frames, anything with a buffer, behind a body."""
        framed = bytes.__new__(cls, body if body[:1] == b" " else b" " + body)
        framed.frames = tuple(frames)
        return framed


def join(replies: Sequence[bytes]) -> bytes:
    """Make one body of the parts of a batch, with the frames of all of them behind it."""
    whole = b"[" + b",".join(replies) + b"]"
    frames = [frame for reply in replies if isinstance(reply, Framed) for frame in reply.frames]
    return Framed(whole, frames) if frames else whole


def size_of(body: bytes) -> int:
    """Return the bytes of a body and of the frames behind it."""
    size = len(body)
    if isinstance(body, Framed):
        if body.known_size:
            return body.known_size
        for frame in body.frames:
            size += memoryview(frame).nbytes
        body.known_size = size
    return size


class ArrayHeader(NamedTuple):
    """Contents of a frame.

    Attributes:
        dtype: One of DTYPES, or BYTES.
        shape: Elements in each dimension.
        order: "C": the last index varies fastest; "F": the first.
    """

    dtype: str
    shape: tuple[int, ...]
    order: str = "C"

    def describe(self) -> dict[str, Any]:
        """Return it as it travels."""
        return {"dtype": self.dtype, "shape": list(self.shape), "order": self.order}

    @property
    def nbytes(self) -> int:
        """Bytes of the frame."""
        return math.prod(self.shape) * DTYPES.get(self.dtype, 1)

    @lru_cache(256)  # noqa: B019 (tuples are no owners of anything; of one spectrum there are many)
    def encode(self) -> bytes:
        """Encode it; nothing in it needs a codec of JSON."""
        shape = ",".join(map(str, self.shape))
        return f'{{"dtype":"{self.dtype}","shape":[{shape}],"order":"{self.order}"}}'.encode()


def read_header(described: Any, size: int | None = None) -> ArrayHeader:
    """Read a header and compare it with its frame of `size` bytes, None: it has none of its own;
    ValueError: they are not to be used."""
    if not isinstance(described, dict):
        raise ValueError(f"the header of a frame is an object, not {str(described)[:40]}")
    dtype, shape, order = (
        described.get("dtype"),
        described.get("shape"),
        described.get("order", "C"),
    )
    if not isinstance(dtype, str) or (dtype not in DTYPES and dtype != BYTES):
        raise ValueError(
            f"a frame with dtype {str(dtype)[:40]!r}; there are: {', '.join(DTYPES)}, {BYTES}"
        )
    if not isinstance(order, str) or order not in ("C", "F"):
        raise ValueError(f'the order of an array is "C" or "F", not {str(order)[:40]!r}')
    elements, good = 1, isinstance(shape, list)
    for n in shape if isinstance(shape, list) else ():
        good = good and type(n) is int and n >= 0
        elements *= (n or 1) if good and elements <= _MAX_ELEMENTS else 1
    if not isinstance(shape, list) or not good:
        raise ValueError(
            f"the shape of an array is a list of numbers from 0, not {str(shape)[:40]}"
        )
    if len(shape) > _MAX_DIMENSIONS or elements > _MAX_ELEMENTS:
        raise ValueError(
            f"an array of {len(shape)} dimensions or of too many elements: {str(shape)[:60]}"
        )
    if dtype == BYTES and len(shape) != 1:
        raise ValueError(f"the shape of bytes is one number, not {shape}")
    header = ArrayHeader(dtype, tuple(shape), order)
    if size is not None and header.nbytes != size:
        raise ValueError(
            f"an array of dtype {dtype} and shape {shape} has {header.nbytes} bytes, its frame {size}"
        )
    return header


def unpack(headers: Iterable[ArrayHeader], frame: Any) -> list[bytes]:
    """Return the bytes of each, out of a frame that holds all of them, and of which nothing is
    kept; ValueError: it holds more, or less."""
    whole, begin = memoryview(frame).cast("B"), 0
    parts = []
    for header in headers:
        end = begin + header.nbytes
        parts.append(bytes(whole[begin:end]))
        begin = end
    if begin != len(whole):
        raise ValueError(f"{begin} bytes are described, the frame has {len(whole)}")
    return parts


def restore(message: Any, frames: Sequence[Any], make: Callable[[ArrayHeader, Any], Any]) -> Any:
    """Put arrays and bytes where they belong in a decoded message, or batch of messages.

    Args:
        message: Decoded; it is changed.
        frames: Behind its body; those of the messages of a batch follow each other.
        make: From header and frame to value.

    Raises:
        ValueError: Headers, placeholders and frames do not fit.
    """
    first = 0
    for part in message if isinstance(message, list) else (message,):
        extra = part.get("dealer") if isinstance(part, dict) else None
        described = extra.get("frames") if isinstance(extra, dict) else None
        if described is None:
            continue
        if not isinstance(described, dict):
            raise ValueError(f"`frames` is an object, not {str(described)[:40]}")
        key, headers = described.get("key"), described.get("headers")
        if not isinstance(key, str) or not isinstance(headers, list):
            raise ValueError("`frames` has a text `key` and an array `headers`")
        is_packed = described.get("packed") is True
        mine = frames[first : first + (1 if is_packed else len(headers))]
        first += len(mine)
        if is_packed and mine:
            mine = unpack([read_header(header) for header in headers], mine[0])
        if len(mine) != len(headers):
            raise ValueError(f"{len(headers)} frames are described, {len(mine)} came")
        values = [
            make(read_header(header, memoryview(frame).nbytes), frame)
            for header, frame in zip(headers, mine, strict=True)
        ]
        for member in ("result", "params"):
            if member in part:
                part[member] = _replace(part[member], key, values)
    return message


def _replace(value: Any, key: str, values: list[Any]) -> Any:
    if isinstance(value, list):
        return [_replace(item, key, values) for item in value]
    if not isinstance(value, dict):
        return value
    if key in value and len(value) == 1:
        number = value[key]
        if type(number) is not int or not 0 <= number < len(values):
            raise ValueError(f"a placeholder for frame {str(number)[:40]}; there are {len(values)}")
        return values[number]
    return {name: _replace(item, key, values) for name, item in value.items()}
