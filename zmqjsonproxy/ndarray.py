"""numpy arrays to and from frames. The only module here that imports numpy: when the first array
arrives.

Nothing is ever unpickled. Arrays of other types (objects, text, times, records) travel as lists, as
does everything to peers that did not say they can take frames.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

from groundwork.jsonvalues import numbers_only
from zmqjsonproxy import wirejson
from zmqjsonproxy.protocol.arrays import BYTES, DTYPES, ArrayHeader, Framed, restore, unpack

__all__ = [
    "dumps",
    "fixed",
    "is_available",
    "is_fixed",
    "loads",
    "lone_frame",
    "make",
    "make_packed",
    "settled",
]


@cache
def is_available() -> bool:
    """Tell whether numpy is installed, without importing it."""
    return find_spec("numpy") is not None


class _Collector:
    """Takes arrays and bytes out of a value while it is encoded."""

    __slots__ = ("_arrays", "_known", "frames", "headers", "kept", "key")

    def __init__(self, arrays: bool) -> None:
        self._arrays = arrays
        self.headers: list[ArrayHeader] | None = None  # most messages hold nothing of the kind

    def hook(self, value: Any) -> Any:
        """Return a placeholder for what becomes a frame, UNKNOWN for all else."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._take(value)
        if self._arrays and numbers_only(value) and _is_known(value.dtype):
            return self._take(value)
        return wirejson.UNKNOWN

    def _take(self, value: Any) -> dict[str, int]:
        if self.headers is None:
            self.headers, self.frames, self._known, self.kept = [], [], dict[int, int](), []
        number = self._known.get(id(value))
        if number is None:  # else it stands there twice, or the value is encoded again
            number = self._known[id(value)] = len(self.headers)
            self.kept.append(value)  # or another could get its id
            header, frame = _describe(value)
            if (
                not self.headers
            ):  # the same for the same value, so that a recording knows the request again
                seed = repr(header).encode() + bytes(frame[:64])
                self.key = f"frame-{hashlib.blake2b(seed, digest_size=8).hexdigest()}"
            self.headers.append(header)
            self.frames.append(frame)
        return {self.key: number}

    def described(self) -> bytes:
        """Return the member `frames` of `dealer`."""
        headers = b",".join([header.encode() for header in self.headers or ()])
        return b'{"key":"%b","headers":[%b]}' % (self.key.encode(), headers)


@lru_cache(64)
def _is_known(dtype: Any) -> bool:
    """Tell whether arrays of a dtype of numpy travel as frames, in whatever byte order."""
    return dtype.newbyteorder("<").str in DTYPES


def _describe(value: Any) -> tuple[ArrayHeader, Any]:
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = value if isinstance(value, bytes) else bytes(value)
        return ArrayHeader(BYTES, (len(data),)), data
    np = sys.modules["numpy"]
    dtype = value.dtype.str
    if dtype in DTYPES and value.flags.c_contiguous:  # as most are
        raw = value.reshape(-1).view(np.uint8)
        return ArrayHeader(dtype, value.shape), raw if is_fixed(value) else raw.tobytes()
    array = value.astype(value.dtype.newbyteorder("<"), order="K", copy=False)
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    flat = (array.T if order == "F" else np.ascontiguousarray(array)).reshape(-1)
    # What can still be changed is copied now: ZeroMQ sends in its own time. Read-only arrays are
    # sent as they are.
    raw = flat.view(np.uint8)
    data = raw if is_fixed(value) or not np.may_share_memory(flat, value) else raw.tobytes()
    return ArrayHeader(array.dtype.str, array.shape, order), data


def lone_frame(value: Any) -> tuple[ArrayHeader, Any] | None:
    """Return header and bytes of an array that lies in memory as it is sent; None: it does not, or
    is none."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ndarray:
        return None
    header, flags = _lone_header(value.dtype, value.shape), value.flags
    if header is None or not flags.c_contiguous:
        return None
    return header, value.tobytes() if flags.writeable else fixed(value)


@lru_cache(256)
def _lone_header(dtype: Any, shape: tuple[int, ...]) -> ArrayHeader | None:
    return ArrayHeader(dtype.str, shape) if dtype.str in DTYPES else None


def fixed(array: Any) -> Any:
    """Return the bytes of an array, contiguous in C's order, as they are now: what can still be
    changed is copied, for ZeroMQ sends in its own time."""
    return array.data if is_fixed(array) else array.tobytes()


def is_fixed(array: Any) -> bool:
    """Tell whether nobody can change an array: it is read-only, and so is what it is a view of."""
    while array is not None:
        flags = getattr(array, "flags", None)
        if flags is None:
            return isinstance(array, bytes)
        if flags.writeable:
            return False
        array = array.base
    return True


def dumps(message: Any, arrays: bool) -> tuple[bytes, bytes, list[Any], bool]:
    """Encode a message whose receiver takes frames.

    Args:
        message: What may hold arrays and bytes.
        arrays: The receiver takes arrays; bytes only: False.

    Returns:
        The body; the member `frames` of `dealer` that goes with it (empty: none); the frames; and
        whether no integer in the body has more than 64 bits (False: not known).
    """
    collector = _Collector(arrays)
    body, short = wirejson.dumps_short(message, collector.hook)
    if collector.headers is None:
        return body, b"", [], short
    return body, collector.described(), collector.frames, short


def settled(value: Any) -> Any:
    """Return a value that means the same, whose encoding runs no code but ours; raises as
    `dumps`."""
    collector, is_plain = _Collector(True), True

    def hook(unknown: Any) -> Any:
        nonlocal is_plain
        is_plain = False
        return collector.hook(unknown)

    body, short = wirejson.dumps_short(value, hook)
    if collector.headers is not None:
        frames = {
            "key": collector.key,
            "headers": [header.describe() for header in collector.headers],
        }
        message = {"params": wirejson.loads(body, short), "dealer": {"frames": frames}}
        return restore(message, collector.frames, make)["params"]
    return value if is_plain and short else wirejson.loads(body, short)


def loads(body: Framed) -> Any:
    """Decode a body with its frames. ValueError, RecursionError: it is no JSON, or they do not
    fit."""
    return restore(wirejson.loads(bytes(body)), body.frames, make)


@cache
def _numpy() -> Any:
    import numpy

    return numpy


def make(header: ArrayHeader, frame: Any) -> Any:
    """Return the array or bytes that a frame holds; ValueError: numpy is not installed."""
    if header.dtype == BYTES:
        return bytes(frame)
    if not is_available():
        raise ValueError(
            "an array came as a frame, and numpy is not installed here: send it as a list"
        )
    if header.order == "F":
        array = _numpy().ndarray(header.shape, header.dtype, frame, order="F")
    else:  # to say so takes as long as all else of it
        array = _numpy().ndarray(header.shape, header.dtype, frame)
    if not array.flags.aligned:
        array, is_writable = array.copy(order="K"), array.flags.writeable
        array.flags.writeable = is_writable
    return array


def make_packed(headers: Sequence[ArrayHeader], frame: Any) -> list[Any]:
    """Return what one frame holds, each with memory of its own, so that whoever keeps one keeps no
    other; ValueError: they do not fit, or numpy is not installed."""
    parts = unpack(headers, frame)
    if not is_available():
        return [make(header, part) for header, part in zip(headers, parts, strict=True)]
    ndarray = _numpy().ndarray  # of the memory of `bytes`, which is aligned for any of them
    return [
        ndarray(header.shape, _dtype(header.dtype), part)
        if header.dtype != BYTES and header.order == "C"
        else make(header, part)
        for header, part in zip(headers, parts, strict=True)
    ]


@lru_cache(32)
def _dtype(name: str) -> Any:
    return _numpy().dtype(name)
