"""Plot reduction of frames: no more is sent than a plot shows. Pure calculation, no I/O, no clock.

Rows of a frame are each reduced by themselves, and all kept: those of a waterfall are spectra of
times of their own that scroll on, and bounds over several times would move with them. In this
order a frame is

1. cut to the zoom window;
2. with 3 or more points per pixel, replaced by the lower and upper bound of each pixel (BAND); with
   fewer, by its first point and the differences from point to point (PACK); or kept (PLAIN);
3. compressed by zlib.

PACK and compression are only used where they make the arrays smaller; BAND does so always. The
window, BAND, PACK and the 3 points are RMIF's, where they are for integers only.

CPU time of BAND at 800 pixels, in copies of a frame of a million points: float32 1.7, with a NaN in
every 7 points 3; float64 1.2, integers 1 to 3, float16 30. A waterfall of 500 rows of 4096: 10.
PACK takes 2 to 25 copies, `restore` 2 to 80: it is for frames that are small anyway.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from zmqjsonproxy.channels.reducedframe import (
    DELTA_BITS,
    MAX_STEP,
    MAX_WIDTH,
    ReducedFrame,
    Reduction,
    ReductionMethod,
)
from zmqjsonproxy.protocol.arrays import DTYPES

__all__ = ["POINTS_PER_PIXEL", "PixelBounds", "pixel_edges", "reduce_frame", "restore"]

Frame: TypeAlias = npt.NDArray[Any]
Bytes: TypeAlias = npt.NDArray[np.uint8]

POINTS_PER_PIXEL = 3
"""From so many on a frame is replaced by its bounds, two values per pixel."""
_FEW_POINTS = 16  # per pixel: point after point of all pixels is then faster than pixel after pixel
_MAX_LEVEL = 2.0**53  # of floating values: all levels below are whole numbers of float64
_ZLIB_LEVEL = 1  # 6 takes up to 7 times as long for 1 to 8 % less


class PixelBounds(NamedTuple):
    """Bounds of each pixel, both of shape (rows..., width) and of the frame's dtype.

    Attributes:
        lower: Least value of the pixel's points, NaN left out; NaN where all are, a hole.
        upper: Greatest value of them, likewise.
    """

    lower: Frame
    upper: Frame


def pixel_edges(points: int, width: int) -> npt.NDArray[np.int64]:
    """Return the points that pixels stand for: pixel p those from edges[p] to before edges[p + 1].

    Point k is in pixel k * width // points: each is in exactly one pixel, no pixel is empty, and
    their sizes differ by 1 at most. Inside a window, point 0 is the window's first.

    Args:
        points: Points of the frame, or of its window.
        width: Pixels, 1 to `points` and to MAX_WIDTH.

    Returns:
        Shape (width + 1,), strictly rising from 0 to `points`.

    Raises:
        ValueError: There are more pixels than points, or too many or no pixels.
    """
    if not 1 <= width <= min(points, MAX_WIDTH):
        raise ValueError(
            f"pixel_edges: {width} pixels of {points} points; there are 1 to as many as points, at most {MAX_WIDTH}"
        )
    return -(-np.arange(width + 1, dtype=np.int64) * points // width)


def reduce_frame(frame: Frame, reduction: Reduction) -> ReducedFrame:
    """Reduce a frame to what a subscription asked for.

    NaN and infinities are not packed, such a frame stays PLAIN; neither are truth values.

    Args:
        frame: Shape (rows..., n), of any dtype of `zmqjsonproxy.protocol.arrays.DTYPES` in either
            byte order. PLAIN may be a view of it: the caller sees to it that nobody changes it.
        reduction: Settings of the subscription.

    Raises:
        ValueError: As `Reduction.check_dtype`; or the frame is a single number.
    """
    dtype = frame.dtype.newbyteorder("<")
    reduction.check_dtype(dtype.str)
    if frame.ndim == 0:
        raise ValueError("a frame has points along an axis, this is a single number")
    points = frame.shape[-1]
    start, stop = (min(end, points) for end in reduction.window or (0, points))
    values = np.ascontiguousarray(frame[..., start:stop], dtype=dtype)
    parts = _Parts(ReductionMethod.PLAIN, (values,))
    if reduction.width is not None and stop - start >= POINTS_PER_PIXEL * reduction.width:
        parts = _band(values, reduction.width)
    elif reduction.error is not None:
        parts = _packed(values, reduction.error) or parts
    compressed = _compressed(parts.arrays) if reduction.compress else None
    return ReducedFrame(
        method=parts.method,
        arrays=parts.arrays if compressed is None else (compressed,),
        dtype=dtype.str,
        rows=values.shape[:-1],
        points=points,
        window=(start, stop),
        width=parts.width,
        step=parts.step,
        bits=parts.bits,
        compressed=compressed is not None,
    )


def restore(reduced: ReducedFrame) -> Frame | PixelBounds:
    """Return the bounds of each pixel for BAND, for all else the frame inside the window.

    Raises:
        ValueError: The compressed bytes are damaged.
    """
    arrays = _inflated(reduced) if reduced.compressed else reduced.arrays
    if reduced.method is ReductionMethod.BAND:
        return PixelBounds(*arrays[0])
    if reduced.method is ReductionMethod.PACK:
        return _unpacked(reduced, *arrays)
    return arrays[0]


class _Parts(NamedTuple):
    """Arrays of a reduced frame before compression, and how they are read."""

    method: ReductionMethod
    arrays: tuple[Frame, ...]
    width: int = 0
    step: float = 0
    bits: int = 0


def _band(values: Frame, width: int) -> _Parts:
    edges = pixel_edges(values.shape[-1], width)
    starts, lasts = edges[:-1], edges[1:] - 1
    dtype, is_floating = values.dtype, values.dtype.kind == "f"
    lower, upper = (np.fmin, np.fmax) if is_floating else (np.minimum, np.maximum)
    if dtype == np.float16:
        values = values.astype(np.float32)  # six times as fast
    band = np.empty((2, *values.shape[:-1], width), values.dtype)
    points_of_largest = -(-values.shape[-1] // width)
    with np.errstate(invalid="ignore"):  # NaN, over which fmin and fmax pass
        if points_of_largest > _FEW_POINTS:
            lower.reduceat(values, starts, axis=-1, out=band[0])
            upper.reduceat(values, starts, axis=-1, out=band[1])
        else:
            band[:] = np.take(values, starts, axis=-1)
            for k in range(1, points_of_largest):
                points = np.take(values, np.minimum(starts + k, lasts), axis=-1)
                lower(band[0], points, out=band[0])
                upper(band[1], points, out=band[1])
    band = band.astype(dtype, copy=False)
    band.flags.writeable = False
    return _Parts(ReductionMethod.BAND, (band,), width=width)


def _packed(values: Frame, error: float) -> _Parts | None:
    """Return first levels and differences, or None where they are not smaller.

    The value of a level is the level times the step. Differences are those of levels, not of
    values, so that errors do not add up.
    """
    if values.size == 0 or values.shape[-1] < 2 or values.dtype.kind not in "iuf":
        return None
    found = (_float_levels if values.dtype.kind == "f" else _integer_levels)(values, error)
    if found is None:
        return None
    levels, step = found
    # Differences and sums are both modulo 2^bits of the dtype: none is too large to come back.
    unsigned = levels.view(f"<u{levels.itemsize}")
    deltas = (unsigned[..., 1:] - unsigned[..., :-1]).view(levels.dtype)
    least, most = int(deltas.min()), int(deltas.max())
    bits = next((b for b in DELTA_BITS if -(1 << (b - 1)) <= least <= most < 1 << (b - 1)), 64)
    first = levels[..., :1].copy()
    if first.nbytes + -(-deltas.size * bits // 8) >= values.nbytes:
        return None
    small = _nibbles(deltas) if bits == 4 else deltas.astype(f"<i{bits // 8}")
    first.flags.writeable = small.flags.writeable = False
    return _Parts(ReductionMethod.PACK, (first, small), step=step, bits=bits)


def _integer_levels(values: Frame, error: float) -> tuple[Frame, int]:
    """Return levels, signed and of the size of the values, and the odd step between them. Nearest
    to an end of the dtype's range may be a level beyond it."""
    signed = f"<i{values.itemsize}"
    half = min(int(error), int(np.iinfo(values.dtype).max) // 2, MAX_STEP // 2)
    if half == 0:
        return values.view(signed), 1
    step = 2 * half + 1
    levels, rests = np.divmod(values, step)
    levels += rests > half
    return levels.view(signed), step


def _float_levels(values: Frame, error: float) -> tuple[Frame, float] | None:
    """Return levels as int64 and their step; None: values are not finite, or too large for the
    error.

    The step leaves room for rounding in the division, the product and the conversion.
    """
    limits = np.finfo(values.dtype)
    largest, eps, tiny = float(limits.max), float(limits.eps), float(limits.tiny)
    peak = max(float(values.max()), -float(values.min()))
    step = 2 * (min(error, largest / 4) - 2 * eps * peak - eps * tiny)
    if not (step > 0 and peak / step < _MAX_LEVEL):  # NaN is not either
        return None
    return np.rint(np.divide(values, step, dtype=np.float64)).astype(np.int64), step


def _unpacked(reduced: ReducedFrame, first: Frame, small: Frame) -> Frame:
    levels = np.empty(reduced.shape, first.dtype)
    levels[..., :1] = first
    deltas = levels[..., 1:]
    deltas[...] = _from_nibbles(small, deltas.shape) if reduced.bits == 4 else small
    np.add.accumulate(levels, axis=-1, dtype=levels.dtype, out=levels)
    dtype = np.dtype(reduced.dtype)
    if dtype.kind != "f":
        return _integers(levels, int(reduced.step), dtype)
    largest = float(np.finfo(dtype).max)
    with np.errstate(over="ignore"):
        values: Frame = np.clip(levels * float(reduced.step), -largest, largest).astype(dtype)
    return values


def _integers(levels: Frame, step: int, dtype: np.dtype[Any]) -> Frame:
    if step == 1:
        return levels.view(dtype)
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    lowest, highest = -(-least // step), most // step
    values: Frame = np.clip(levels, lowest, highest).astype(dtype) * dtype.type(step)
    values[levels < lowest] = least
    values[levels > highest] = most
    return values


def _nibbles(deltas: Frame) -> Bytes:
    flat = np.zeros(deltas.size + deltas.size % 2, np.uint8)
    flat[: deltas.size] = deltas.astype(np.int8).reshape(-1).view(np.uint8)
    return (flat[::2] & np.uint8(15)) | (flat[1::2] << np.uint8(4))


def _from_nibbles(packed: Bytes, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
    halves = np.empty((packed.size, 2), np.int8)
    halves[:, 0] = (packed << 4).view(np.int8) >> 4
    halves[:, 1] = packed.view(np.int8) >> 4
    return halves.reshape(-1)[: math.prod(shape)].reshape(shape)


def _compressed(arrays: Sequence[Frame]) -> Bytes | None:
    """Return the bytes of all arrays, compressed, or None where they are not fewer.

    First come the first bytes of all elements of an array, then the second ones: spectra with noise
    then need 0.6 to 0.75 of their bytes instead of 0.7 to 0.9, and half to all of the time.
    """
    sorted_bytes = [a.reshape(-1).view(np.uint8).reshape(-1, a.itemsize).T for a in arrays]
    stream = zlib.compress(b"".join(part.tobytes() for part in sorted_bytes), _ZLIB_LEVEL)
    if len(stream) >= sum(array.nbytes for array in arrays):
        return None
    return np.frombuffer(stream, np.uint8)


def _inflated(reduced: ReducedFrame) -> list[Frame]:
    layout = reduced.layout
    sizes = [DTYPES[header.dtype] * math.prod(header.shape) for header in layout]
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(reduced.arrays[0].data, sum(sizes) + 1)
    except zlib.error as error:
        raise ValueError(f"a reduced frame: its compressed bytes are damaged ({error})") from error
    if len(data) != sum(sizes) or not inflater.eof:
        raise ValueError(
            f"a reduced frame: its compressed bytes are damaged: they do not end after {sum(sizes)} bytes"
        )
    arrays: list[Frame] = []
    begin = 0
    for header, size in zip(layout, sizes, strict=True):
        part = np.frombuffer(data, np.uint8, size, begin).reshape(DTYPES[header.dtype], -1).T
        arrays.append(part.copy().reshape(-1).view(header.dtype).reshape(header.shape))
        begin += size
    return arrays
