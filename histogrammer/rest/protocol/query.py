"""Query strings as bytes, and their values. Pure.

A framework decides otherwise about repeated keys, about `key` without `=`, and about bytes that are
no text, so the bytes are read here. `key=` and `key` are the same: the value is empty.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from histogrammer.errors import QueryError

__all__ = [
    "MAX_FIELDS",
    "MAX_QUERY_BYTES",
    "Query",
    "read_integer",
    "read_mask",
    "read_number",
    "read_query",
    "read_truth",
    "read_unsigned",
]

MAX_QUERY_BYTES = 1 << 20
"""10,000 spectra, all that display memory has slots for, under names of 90 letters."""
MAX_FIELDS = 50_100
"""A contour of 25,000 points, with its name, type and parameters."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRUE = frozenset({"on", "yes", "true", "1", ""})
_FALSE = frozenset({"off", "no", "false", "0"})
_LONGEST_NUMBER = 400


@dataclass(frozen=True, slots=True)
class Query:
    """Keys and values of a query.

    Attributes:
        fields: Key -> its values in the order in which they came.
    """

    fields: Mapping[str, tuple[str, ...]]

    def all(self, *keys: str) -> tuple[str, ...]:
        """Return all values of a key; of several, which mean the same, one key's after another's."""
        return tuple(value for key in keys for value in self.fields.get(key, ()))


def read_query(raw: bytes) -> Query:
    """Read what follows the `?` of a request line.

    `+` is a blank, `%` without two digits is itself; empty pieces and further `?` at the beginning
    are skipped.

    Raises:
        QueryError: It is longer than `MAX_QUERY_BYTES`, has more than `MAX_FIELDS` keys, or is not
            UTF-8.
    """
    if len(raw) > MAX_QUERY_BYTES:
        raise QueryError(f"the query has {len(raw)} bytes; up to {MAX_QUERY_BYTES} are possible")
    pieces = [piece for piece in raw.lstrip(b"?").split(b"&") if piece]
    if len(pieces) > MAX_FIELDS:
        raise QueryError(f"the query has {len(pieces)} keys; up to {MAX_FIELDS} are possible")
    fields: dict[str, list[str]] = {}
    for piece in pieces:
        key, _, value = piece.partition(b"=")
        fields.setdefault(_decode(key), []).append(_decode(value))
    return Query({key: tuple(values) for key, values in fields.items()})


def _decode(raw: bytes) -> str:
    text = unquote_to_bytes(raw.replace(b"+", b" "))
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        said = ascii(text[: error.start].decode("utf-8", "replace")[-40:])
        raise QueryError(
            f"the query is not UTF-8: byte {text[error.start]:#04x} after {said}"
        ) from error


def read_truth(text: str) -> bool | None:
    """Read a truth value as Rustogramer, Tcl and Python write it, in any case; None: it is none.

    An empty text is true.
    """
    word = text.lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def read_integer(text: str) -> int | None:
    """Read a decimal integer of 64 bits; None: it is none."""
    value = int(text) if _INTEGER.fullmatch(text) else None
    return value if value is not None and -(1 << 63) <= value < 1 << 63 else None


def read_unsigned(text: str) -> int | None:
    """Read a decimal integer of 64 bits without sign; None: it is none."""
    value = int(text) if _INTEGER.fullmatch(text) else None
    return value if value is not None and 0 <= value < 1 << 64 else None


def read_mask(text: str) -> int | None:
    """Read an integer, decimal or as 0xff; None: it is none."""
    return int(text, 16) if _HEXADECIMAL.fullmatch(text) else read_integer(text)


def read_number(text: str) -> float | None:
    """Read a decimal number; None: it is none, or not finite."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None
