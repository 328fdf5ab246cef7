"""Plot reduction as a subscription asks for it, and reduced frames as they are sent. Imports no
numpy.

A frame is an array whose last axis is plotted; the axes before it are its rows.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.protocol.arrays import DTYPES, ArrayHeader

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "DELTA_BITS",
    "MAX_STEP",
    "MAX_WIDTH",
    "ReducedFrame",
    "Reduction",
    "ReductionMethod",
    "read_reduced",
]

MAX_WIDTH = 65_536
"""Pixels of a plot."""
MAX_STEP = 2**53 - 1
"""Greatest step of integers: browsers read it, too."""
DELTA_BITS = (4, 8, 16, 32)
"""Sizes of a difference."""
_MAX_INFLATION = 1032  # by deflate: bytes from one byte


class ReductionMethod(StrEnum):
    """Contents of a reduced frame.

    Attributes:
        PLAIN: The frame.
        PACK: Its first point and the differences from point to point.
        BAND: Lower and upper bound of each pixel.
    """

    PLAIN = "plain"
    PACK = "pack"
    BAND = "band"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """Settings of one subscription. Subscriptions with equal settings share the work.

    With the defaults nothing is reduced.

    Attributes:
        width: Pixels of the plot, 1 to MAX_WIDTH; None: no BAND.
        window: Index of its first point and of the one after its last, along the last axis.
            Points outside are not sent; where a frame ends earlier, so does the window. None: all.
        error: Greatest error of a point by PACK, in units of the frame, from 0. At 0 integers are
            packed exactly, floating values not at all. None: no PACK.
        compress: Compress what is sent, without loss.

    Raises:
        ValueError: A field cannot have this value; the text names both.
    """

    width: int | None = None
    window: tuple[int, int] | None = None
    error: float | None = None
    compress: bool = False

    def __post_init__(self) -> None:
        """Check the fields; lists of JSON and numbers of numpy become tuples and plain numbers."""
        for name, checked in (
            ("width", _checked_width(self.width)),
            ("window", _checked_window(self.window)),
            ("error", _checked_error(self.error)),
        ):
            object.__setattr__(self, name, checked)
        if not isinstance(self.compress, bool):
            raise ValueError(f"reduction: `compress` is true or false, not {_told(self.compress)}")

    def check_dtype(self, dtype: str) -> None:
        """Check that frames of a dtype can be reduced in this way: at subscription, say.

        Args:
            dtype: One of `zmqjsonproxy.protocol.arrays.DTYPES`.

        Raises:
            ValueError: It is none; or its values are complex, which have no bounds.
        """
        if dtype not in DTYPES:
            raise ValueError(
                f"frames of dtype {dtype} cannot be sent; there are: {', '.join(DTYPES)}"
            )
        if dtype.startswith("<c") and (self.width is not None or self.error is not None):
            raise ValueError(
                f"complex values ({dtype}) have no lower and upper bound: publish their magnitude, or real "
                "and imaginary parts as rows; or subscribe without `width` and `error`"
            )


def _checked_width(width: Any) -> int | None:
    if width is None:
        return None
    if not _is_whole(width) or not 1 <= width <= MAX_WIDTH:
        raise ValueError(
            f"reduction: `width` is the pixels of a plot, a whole number from 1 to {MAX_WIDTH}, or None for "
            f"no bounds per pixel; not {_told(width)}"
        )
    return int(width)


def _checked_window(window: Any) -> tuple[int, int] | None:
    if window is None:
        return None
    if (
        not isinstance(window, (tuple, list))
        or len(window) != 2
        or not all(map(_is_whole, window))
        or not 0 <= window[0] < window[1]
    ):
        raise ValueError(
            "reduction: `window` is the index of its first point and of the one after its last, two whole "
            f"numbers such as [0, 4096], or None for all points; not {_told(window)}"
        )
    return int(window[0]), int(window[1])


def _checked_error(error: Any) -> float | None:
    if error is None:
        return None
    is_number = isinstance(error, Real) and not isinstance(error, bool)
    if not is_number or not 0 <= error <= sys.float_info.max:
        raise ValueError(
            "reduction: `error` is the greatest error of a point in units of the frame, a number from 0 (0: "
            f"integers exactly), or None for no packing; not {_told(error)}"
        )
    return float(error)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReducedFrame:
    """Reduced frame as it is sent: `describe` as JSON, and the arrays.

    Attributes:
        method: Contents of `arrays`.
        arrays: PLAIN: the frame inside the window, a view of the published array where one will do.
            BAND: one array of shape (2, rows..., width), lower and upper bounds. PACK: the level of
            each row's first point, shape (rows..., 1), and the differences of levels, shape
            (rows..., n - 1); those of 4 bits are two in a byte, the earlier in the lower half, all
            rows as one. If `compressed`: one array of bytes. All are in C order and little-endian;
            those made here are read-only.
        dtype: Of the frame, one of `zmqjsonproxy.protocol.arrays.DTYPES`.
        rows: Shape of the frame without its last axis.
        points: Points of the whole frame along its last axis.
        window: First point of those sent, and the one after the last.
        width: Pixels; 0 unless BAND.
        step: Value of a level, divided by the level; 0 unless PACK.
        bits: Of each difference, one of DELTA_BITS; 0 unless PACK.
        compressed: The bytes of all arrays, sorted by their place in the element, as one zlib stream.
    """

    method: ReductionMethod
    arrays: tuple[npt.NDArray[Any], ...]
    dtype: str
    rows: tuple[int, ...]
    points: int
    window: tuple[int, int]
    width: int = 0
    step: float = 0
    bits: int = 0
    compressed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the frame inside the window."""
        return (*self.rows, self.window[1] - self.window[0])

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def layout(self) -> tuple[ArrayHeader, ...]:
        """Dtype and shape of each array before compression."""
        if self.method is ReductionMethod.PLAIN:
            return (ArrayHeader(self.dtype, self.shape),)
        if self.method is ReductionMethod.BAND:
            return (ArrayHeader(self.dtype, (2, *self.rows, self.width)),)
        level_bytes = 8 if self.dtype.startswith("<f") else DTYPES[self.dtype]
        first = ArrayHeader(_signed(level_bytes), (*self.rows, 1))
        shape = (*self.rows, self.shape[-1] - 1)
        if self.bits == 4:
            return first, ArrayHeader("|u1", ((math.prod(shape) + 1) // 2,))
        return first, ArrayHeader(_signed(self.bits // 8), shape)

    def describe(self) -> JsonObject:
        """Return all but the arrays, for JSON; `read_reduced` is the inverse."""
        return {
            "method": str(self.method),
            "dtype": self.dtype,
            "rows": list(self.rows),
            "points": self.points,
            "window": list(self.window),
            "width": self.width,
            "step": self.step,
            "bits": self.bits,
            "compressed": self.compressed,
        }


def read_reduced(described: JsonValue, arrays: Sequence[npt.NDArray[Any]]) -> ReducedFrame:
    """Read a reduced frame that came over a wire, and check that its arrays fit.

    Args:
        described: As `ReducedFrame.describe` returned it; other members are not looked at.
        arrays: Beside it, as they came.

    Raises:
        ValueError: It is no such description, or the arrays are others.
    """
    if not isinstance(described, dict):
        raise ValueError(f"a reduced frame is described by an object, not {_told(described)}")
    method, dtype = described.get("method"), described.get("dtype")
    if not isinstance(method, str) or method not in list(ReductionMethod):
        raise ValueError(
            f"a reduced frame: `method` is {' or '.join(ReductionMethod)}, not {_told(method)}"
        )
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(
            f"a reduced frame: `dtype` is one of {', '.join(DTYPES)}, not {_told(dtype)}"
        )
    compressed = described.get("compressed")
    if not isinstance(compressed, bool):
        raise ValueError(f"a reduced frame: `compressed` is true or false, not {_told(compressed)}")
    step = described.get("step")
    if isinstance(step, bool) or not isinstance(step, (int, float)):
        raise ValueError(f"a reduced frame: `step` is a number, not {_told(step)}")
    points = _count(described.get("points"), "points")
    window = _counts(described.get("window"), "window")
    if len(window) != 2 or not window[0] <= window[1] <= points:
        raise ValueError(
            f"a reduced frame: `window` {_told(window)} is not inside its {points} points"
        )
    reduced = ReducedFrame(
        method=ReductionMethod(method),
        arrays=tuple(arrays),
        dtype=dtype,
        rows=_counts(described.get("rows"), "rows"),
        points=points,
        window=(window[0], window[1]),
        width=_count(described.get("width"), "width"),
        step=step,
        bits=_count(described.get("bits"), "bits"),
        compressed=compressed,
    )
    _check_numbers(reduced)
    _check_arrays(reduced)
    return reduced


def _check_numbers(reduced: ReducedFrame) -> None:
    points, kind = reduced.shape[-1], reduced.dtype[1]
    if reduced.method is ReductionMethod.BAND and not (
        1 <= reduced.width <= min(points, MAX_WIDTH) and kind != "c"
    ):
        raise ValueError(
            f"a reduced frame: {points} points of {reduced.dtype} have no bounds at {reduced.width} pixels"
        )
    if reduced.method is ReductionMethod.PACK:
        unsigned_bits = 8 * DTYPES[reduced.dtype] - (kind == "i")
        good_step = (
            0 < reduced.step < math.inf
            if kind == "f"
            else type(reduced.step) is int
            and 1 <= reduced.step <= min(MAX_STEP, 2**unsigned_bits - 1)
        )
        if kind not in "iuf" or points < 1 or reduced.bits not in DELTA_BITS or not good_step:
            raise ValueError(
                f"a reduced frame: {points} points of {reduced.dtype} are not packed into {reduced.bits} "
                f"bits with steps of {_told(reduced.step)}"
            )


def _check_arrays(reduced: ReducedFrame) -> None:
    """Compare the description with the arrays, whose sizes bound all that is made of them."""
    if not all(hasattr(array, "dtype") for array in reduced.arrays):
        raise ValueError("a reduced frame: it is of arrays, and what came are none")
    found = tuple(ArrayHeader(array.dtype.str, array.shape) for array in reduced.arrays)
    layout = reduced.layout
    if not reduced.compressed:
        fits = found == layout
    else:
        needed = sum(DTYPES[header.dtype] * math.prod(header.shape) for header in layout)
        fits = (
            found == (ArrayHeader("|u1", (reduced.nbytes,)),)
            and needed <= _MAX_INFLATION * reduced.nbytes
        )
    if not fits:
        raise ValueError(
            f"a reduced frame: as {reduced.method} it has {'in compressed bytes ' * reduced.compressed}"
            f"{_told(layout)}; there came {_told(found)}"
        )


def _signed(size: int) -> str:
    """Dtype of signed integers of `size` bytes."""
    return f"{'|' if size == 1 else '<'}i{size}"


def _count(number: JsonValue, name: str) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(
            f"a reduced frame: `{name}` is of whole numbers from 0, not {_told(number)}"
        )
    return number


def _counts(numbers: JsonValue, name: str) -> tuple[int, ...]:
    if not isinstance(numbers, list):
        raise ValueError(f"a reduced frame: `{name}` is a list, not {_told(numbers)}")
    return tuple(_count(number, name) for number in numbers)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _told(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."
