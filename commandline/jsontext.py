"""JSON as commands print it: valid for every reader, whatever a value holds, and nothing of it left
out.

Arrays of numpy are lists, bytes base64 text, times ISO 8601 text, complex numbers [real,
imaginary]. NaN and the infinities, which JSON does not have, are null. What else JSON has no form
for is its text.
"""

from __future__ import annotations

import json
import math
from typing import Any

from groundwork.jsonvalues import numbers_only, plain

__all__ = ["json_text"]


def json_text(
    value: Any, indent: int | None = 2, *, strict: bool = True, ascii_only: bool = True
) -> str:
    """Return a value as JSON.

    Args:
        value: Any value; one that contains itself is refused by ValueError.
        indent: None: one line.
        strict: False: for people, with NaN and infinities in words.
        ascii_only: Other characters are written as their escapes.
    """
    try:
        return json.dumps(_plain(value, strict), indent=indent, ensure_ascii=ascii_only)
    except RecursionError:
        raise ValueError(
            "a value that is nested too deep, or contains itself, is no JSON"
        ) from None


def _plain(value: Any, strict: bool) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return None if strict and not math.isfinite(value) else value
    if isinstance(value, complex):
        return [_plain(value.real, strict), _plain(value.imag, strict)]
    if isinstance(value, dict):
        known_keys = (str, int, float, bool, type(None))
        named = {
            key if isinstance(key, known_keys) else str(key): each for key, each in value.items()
        }
        return {key: _plain(each, strict) for key, each in named.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, strict) for each in value]
    try:
        known = value.tolist() if numbers_only(value) else plain(value)
    except TypeError:
        return str(value)
    return _plain(known, strict)
