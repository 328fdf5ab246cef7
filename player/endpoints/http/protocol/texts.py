"""Values of properties as browsers read them: JSON that JavaScript does not alter, text that shows
all it has. No I/O.

| value | JSON |
|---|---|
| integer beyond 2^53 - 1, which JavaScript would round | its decimal digits, as a text |
| NaN, infinity | `"NaN"`, `"Infinity"`, `"-Infinity"` |
| bytes | `{"base64": "..."}` |
| array of more numbers than are wanted | `{"dtype": "<f4", "shape": [4096], "left_out": true}` |
| complex number | `[real, imaginary]` |
"""

from __future__ import annotations

import base64
import json
import math
import unicodedata
from typing import Any

from groundwork.truncation import cut

__all__ = ["MAX_NUMBERS", "SAFE_INTEGER", "shown", "value_text", "write_json"]

SAFE_INTEGER = 2**53 - 1
"""Greatest integer that JavaScript reads as it is written."""
MAX_NUMBERS = 65_536
"""Numbers of an array that are written."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that show nothing, or turn the order of others round."""


def write_json(value: Any, numbers_most: int = MAX_NUMBERS) -> str:
    """Write a value as ASCII JSON; arrays of more numbers are described, not written."""
    return json.dumps(_plain(value, numbers_most), allow_nan=False, separators=(",", ":"))


def _plain(value: Any, most: int) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else _not_finite(value)
        case complex():
            return [_plain(value.real, most), _plain(value.imag, most)]
        case dict():
            return {str(key): _plain(each, most) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each, most) for each in value]
        case bytes() | bytearray() | memoryview():
            return {"base64": base64.b64encode(value).decode()}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        if value.size > most:
            return {"dtype": value.dtype.str, "shape": list(value.shape), "left_out": True}
        return _plain(value.tolist(), most)
    return cut(str(value))


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def shown(text: str, most: int = 2000) -> str:
    """Return a text of bounded length whose control and direction marks are written out."""
    return "".join(map(_shown, cut(text, most)))


def _shown(character: str) -> str:
    hidden = unicodedata.category(character) in _HIDDEN and character not in "\n\t"
    return f"\\u{{{ord(character):04x}}}" if hidden else character


def value_text(value: Any, most: int = 200) -> str:
    """Return a value for a cell of a table; empty: there is none."""
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return shown(str(value), most)
    return shown(write_json(value, 64), most)
