"""Values that JSON has no form for, as what it has: arrays and scalars of numpy, bytes, times, enumerations."""

from __future__ import annotations

import base64
import sys
from datetime import date, datetime, time
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

__all__ = ["numbers_only", "plain"]

_NO_MORE_THAN_NUMBERS = frozenset({"ndarray", "memmap", "matrix", "recarray", "chararray"})
"""Classes of arrays of numpy itself that mean what their numbers mean."""


def numbers_only(value: object) -> bool:
    """Tell whether a value is an array of numpy that means no more than its numbers say.

    Raises:
        TypeError: It is an array that means more, or other, than them: masked, or with a unit.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray):
        return False
    kind = type(value)
    if kind is numpy.ndarray or (
        f"{kind.__module__}.".startswith("numpy.") and kind.__name__ in _NO_MORE_THAN_NUMBERS
    ):
        return True
    advice = "numpy.asarray(x), if its numbers say all"
    if isinstance(value, numpy.ma.MaskedArray):
        advice = "x.filled(...), or x.data and x.mask"
    elif hasattr(value, "unit"):
        advice = "x.value, or x.to_value(unit)"
    name = f"{kind.__module__}.{kind.__qualname__}"
    raise TypeError(
        f"an array of class {name} is more than its numbers, and cannot travel; send {advice}"
    )


def _refuse_digits(value: object) -> None:
    """Raise TypeError for numbers of numpy that JSON cannot hold, or not to the last digit."""
    dtype = getattr(value, "dtype", None)
    kind, size = getattr(dtype, "kind", ""), getattr(dtype, "itemsize", 0)
    if isinstance(value, complex) or kind == "c":
        raise TypeError(
            "complex numbers travel as arrays of numpy only, to those who take them; send [x.real, x.imag]"
        )
    if kind == "f" and isinstance(size, int) and size > 8:
        raise TypeError(
            f"{dtype} has digits that no float holds, and cannot travel; send x.astype(float)"
        )


def plain(value: object) -> Any:
    """Turn what JSON does not know into what it knows; TypeError names the type."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (UUID, PurePath)):
        return str(value)
    if isinstance(value, (str, int, float, list, tuple, dict)):
        raise TypeError(
            "a subclass of a built-in type"
        )  # orjson asks; the standard module knows them
    numbers_only(value)
    _refuse_digits(value)
    tolist = getattr(value, "tolist", None)
    if callable(tolist):
        return tolist()
    raise TypeError(
        f"a value of type {type(value).__module__}.{type(value).__qualname__} cannot travel as JSON"
    )
