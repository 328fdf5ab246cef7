"""Values of properties as people see them: one line of bounded length, whatever they hold. Imports
no numpy."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from commandline import json_text
from groundwork.printable import printable
from groundwork.values import RemoteValue

__all__ = ["age_text", "is_frame", "shown"]

MAX_TEXT = 200
"""Characters of a text within a value."""
MAX_ITEMS = 8
MAX_DEPTH = 3


def is_frame(value: RemoteValue) -> bool:
    """Tell whether a value is a frame of a pipe, whole or reduced to bounds."""
    return isinstance(value, dict) and value.keys() >= {"x_start", "x_delta"}


def shown(value: RemoteValue) -> str:
    """Return a value as one line: JSON, shortened; of arrays and frames type, shape and range."""
    text = _cut(value) if isinstance(value, str) else _text(value, MAX_DEPTH)
    return printable(text)


def _text(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return json_text(_cut(value), None)
    if isinstance(value, dict) and is_frame(value):
        return _frame_text(value)
    if isinstance(value, dict):
        named = ((json_text(_cut(str(name)), None), each) for name, each in value.items())
        texts = (f"{name}: {_text(each, depth - 1)}" for name, each in named)
        return f"{{{_joined(texts, len(value)) if depth else '...'}}}"
    if isinstance(value, list | tuple):
        texts = (_text(each, depth - 1) for each in value)
        return f"[{_joined(texts, len(value)) if depth else '...'}]"
    if hasattr(value, "dtype") and getattr(value, "size", 1) != 1:
        return _array_text(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return json_text(value, None, strict=False)


def _joined(texts: Iterable[str], number: int) -> str:
    more = [f"... {number - MAX_ITEMS} more"] if number > MAX_ITEMS else []
    return ", ".join([*islice(texts, MAX_ITEMS), *more])


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."


def _frame_text(value: Mapping[str, Any]) -> str:
    """Return points and range of a frame."""
    bounds = [value[name] for name in ("data", "lower", "upper") if name in value]
    if not all(hasattr(each, "dtype") for each in bounds):
        return f"{len(value.get('data', ()))} points"
    shape = list(bounds[0].shape) if bounds else []
    if "points" in value:
        shape[-1:] = [value["points"]]
    return f"{bounds[0].dtype if bounds else ''}{shape}{_range(bounds)}"


def _array_text(array: Any) -> str:
    return f"{array.dtype}{list(array.shape)}{_range([array])}"


def _range(arrays: Sequence[Any]) -> str:
    """Return the least and the greatest number, NaN left out; of other things nothing."""
    if not all(array.size and array.dtype.kind in "iuf" for array in arrays) or not arrays:
        return ""
    np = sys.modules["numpy"]  # it has made the arrays
    low = min(np.fmin.reduce(array, axis=None) for array in arrays)
    high = max(np.fmax.reduce(array, axis=None) for array in arrays)
    return f" {low:.4g} .. {high:.4g}"


def age_text(seconds: float) -> str:
    """Return a time that has passed in two or three characters and its unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s" if seconds >= 10 else f"{max(seconds, 0.0):.1f} s"
