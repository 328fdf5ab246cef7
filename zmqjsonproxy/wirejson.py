"""JSON as the standard module means it, and faster where that is provably the same.

NaN, infinities and integers of any size survive, as between the original peers. orjson, where
installed, serves only values that cannot differ: a result with a `null` in it may hide a lost NaN
and is encoded again, unless all floats in the value are finite; an integer that may need more than
64 bits, or anything orjson refuses, goes to the standard module. Numbers may be written in other
characters (1e16 for 1e+16), which are read as the same value, bit for bit.

Beyond plain JSON: tuples become arrays; arrays and scalars of numpy become lists and numbers (by
`tolist`); bytes become base64 text; times become ISO 8601 text; enumerations their value; UUIDs and
paths text. What means more than its numbers say is refused: masked arrays, quantities with a unit,
numbers with more digits than a float.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from math import isfinite
from typing import Any, Protocol

from groundwork.errors import text_of
from groundwork.jsonvalues import plain

__all__ = [
    "UNKNOWN",
    "decoded_size",
    "dumps",
    "dumps_short",
    "loads",
    "too_deep",
    "too_many",
]

UNKNOWN = object()
"""What a hook returns for a value that is none of its business."""
# Integers of 19 digits have up to 64 bits, with a sign those of 18: a sign counts as a digit.
# Points stay.
_TO_ZERO = bytes(
    48 if byte in b"-0123456789" else byte if byte in b"." else 32 for byte in range(256)
)
_LONG_NUMBER = b"0" * 20
_NEARLY_LONG = b"0" * 19
_LONG_FRACTION = b"." + _LONG_NUMBER
_FEW = 5000
"""Among so many bytes of calls there are seldom columns of numbers."""
_ONE_EACH = bytes.maketrans(b"[{}]", b"\x01\x01\xff\xff")
"""One more level, one less: as signed bytes."""
_LEVELS = 8
"""Most messages have fewer; a stranger's may have a hundred of them, each of which takes as long as
the first."""
_CONTAINERS = frozenset({dict, list, tuple})
_NO_FLOATS = frozenset({bool, int, str, type(None)})
_PLAINEST = _CONTAINERS | _NO_FLOATS | {float}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[{}]")


Hook = Callable[[Any], Any]
_STANDARD = json.JSONEncoder(default=plain, separators=(",", ":"))


def _with_hook(hook: Hook, otherwise: Hook) -> Hook:
    def first(value: Any) -> Any:
        known = hook(value)
        return otherwise(value) if known is UNKNOWN else known

    return first


def _standard_dumps(value: object, hook: Hook | None = None) -> bytes:
    encoder = _STANDARD
    if hook is not None:
        encoder = json.JSONEncoder(default=_with_hook(hook, plain), separators=(",", ":"))
    try:
        return encoder.encode(value).encode("ascii")
    except (TypeError, ValueError, RecursionError):
        raise
    except Exception as error:  # the value is anybody's code
        raise TypeError(f"{type(error).__name__}: {text_of(error)}") from error


def _standard_dumps_short(value: object, hook: Hook | None = None) -> tuple[bytes, bool]:
    return _standard_dumps(value, hook), False


def _standard_loads(data: bytes, short: bool = False) -> Any:
    return json.loads(data.decode("utf-8"))


class _Dumps(Protocol):
    def __call__(self, value: object, hook: Hook | None = None) -> bytes: ...


class _DumpsShort(Protocol):
    def __call__(self, value: object, hook: Hook | None = None) -> tuple[bytes, bool]: ...


class _Loads(Protocol):
    def __call__(self, data: bytes, short: bool = False) -> Any: ...


def _may_have_long_integers(data: bytes) -> bool:
    """Tell whether JSON may hold an integer of more than 64 bits; by translation, ten times as fast
    as by a pattern."""
    digits = data.translate(_TO_ZERO)
    if digits.find(_NEARLY_LONG) < 0:  # twice as fast as one digit more, and as `in`
        return False
    # What follows a point is no integer: 0.0001234567890123456 is as common as its neighbours.
    return _LONG_NUMBER in digits and _LONG_NUMBER in digits.replace(_LONG_FRACTION, b".")


def _parts(value: Any) -> Sequence[Any]:
    """Return what stands in a container; of all else the value itself."""
    kind = type(value)
    return list(value.values()) if kind is dict else value if kind in _CONTAINERS else (value,)


def _loses_nothing(value: Any) -> bool:
    """Tell whether `null` in the JSON of a value can only be None: all in it is plain, and its
    floats are finite. False: not known."""
    level = _parts(value)
    while not _NO_FLOATS.issuperset(kinds := set(map(type, level))):
        if not kinds <= _PLAINEST:
            return False
        if float in kinds and not isfinite(sum([part for part in level if type(part) is float])):
            return False  # or too large together, which they seldom are
        level = [*chain(*(_parts(part) for part in level if type(part) in _CONTAINERS))]
    return True


def _without_loss(
    data: bytes, value: Any, fast_dumps: Callable[[Any], bytes], fast_loads: Callable[[bytes], Any]
) -> bytes | None:
    """Return JSON of a value in which each `null` is a None, given what has `null` in it; None: not
    known. Another thread may change the value: what was encoded counts, not what is there by
    now."""
    if not _loses_nothing(value):
        return None
    if fast_loads(data) == value:
        return data
    try:
        copy = marshal.loads(marshal.dumps(value))  # all of a moment; tuples stay tuples
    except ValueError:
        return None
    return fast_dumps(copy) if _loses_nothing(copy) else None


def _guarded() -> tuple[_Dumps, _DumpsShort, _Loads]:
    try:
        import orjson
    except ImportError:
        return _standard_dumps, _standard_dumps_short, _standard_loads
    fast_dumps, fast_loads = orjson.dumps, orjson.loads
    option = (
        orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )
    fragment, numpy_option = orjson.Fragment, orjson.OPT_SERIALIZE_NUMPY
    known = frozenset({dict, list, tuple, str, int, float, bool, type(None)})
    alike = frozenset({"<f8", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1"})
    narrow = frozenset({"<f4", "<f2"})

    def of_numpy(value: Any) -> bytes | None:
        # What orjson makes of arrays and scalars of these types is read as what `tolist` gives;
        # without its list. Narrow floats have digits of their own: 0.1 of 32 bits is
        # 0.10000000149011612 to whoever reads 64.
        dtype = getattr(getattr(value, "dtype", None), "str", None)
        if dtype in alike or dtype in narrow:
            try:
                return fast_dumps(
                    value.astype("<f8") if dtype in narrow else value, None, numpy_option
                )
            except (TypeError, AttributeError):  # not contiguous, a subclass, or not of numpy
                pass
        return None

    def fast_plain(value: Any) -> Any:
        data = of_numpy(value)
        return plain(value) if data is None else fragment(data)

    def lone_array(value: Any, hook: Hook | None) -> bytes | None:
        # not copied into what would be around it
        return of_numpy(value) if hook is None or hook(value) is UNKNOWN else None

    def fast(value: Any, hook: Hook | None) -> bytes | None:
        try:
            data = None if type(value) in known else lone_array(value, hook)
            if data is None:
                data = fast_dumps(
                    value, fast_plain if hook is None else _with_hook(hook, fast_plain), option
                )
        except (
            TypeError,
            RecursionError,
        ) as error:  # big integers, other keys, subclasses: the standard one decides
            if (cause := error.__cause__) is not None and not isinstance(cause, Exception):
                raise cause from None  # Ctrl-C in a hook, of which orjson makes an error of its own
            return None
        except Exception as error:  # the value is anybody's code
            raise TypeError(f"{type(error).__name__}: {text_of(error)}") from error
        # One byte is found ten times as fast as four, from either end, and four twice as fast from
        # the end as from the beginning; numbers have none of it, and names few.
        first = data.find(b"u")
        if first > 0 and data.rfind(b"null", first - 1, data.rfind(b"u") + 3) >= 0:
            return _without_loss(data, value, fast_dumps, fast_loads)
        return data

    def dumps_short(value: object, hook: Hook | None = None) -> tuple[bytes, bool]:
        data = fast(value, hook)
        return (_standard_dumps(value, hook), False) if data is None else (data, True)

    def dumps(value: object, hook: Hook | None = None) -> bytes:
        return fast(value, hook) or _standard_dumps(value, hook)

    def loads(data: bytes, short: bool = False) -> Any:
        if (
            short
            # Of 20 bytes in a row four are looked at, in half the time that all of them take.
            or (len(data) < _FEW and data[::5].translate(_TO_ZERO).rfind(b"0000") < 0)
            or not _may_have_long_integers(data)
        ):
            try:
                return fast_loads(data)
            except ValueError:  # NaN, infinity, lone surrogates, or truly malformed
                pass
        return _standard_loads(data)

    return dumps, dumps_short, loads


dumps: _Dumps
"""Encode a value; `hook` turns what JSON does not know into what it knows, or says UNKNOWN.

TypeError or ValueError or RecursionError: it cannot be held by JSON."""
dumps_short: _DumpsShort
"""As `dumps`, and whether no integer in it has more than 64 bits; False: not known."""
loads: _Loads
"""Decode UTF-8 JSON. ValueError (UnicodeDecodeError among them) or RecursionError: it is none.

To look for long integers takes half as long as to decode: `short`, who encoded it has said that
there are none."""
dumps, dumps_short, loads = _guarded()


def _unescaped(data: bytes) -> bytes:
    """Return JSON in which each quote begins or ends a text."""
    return data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data


def _outside(unescaped: bytes) -> bytes:
    """Return what stands outside of texts."""
    return b"".join(unescaped.split(b'"')[::2])


def too_many(data: bytes, values: int, parts: int) -> str:
    """Say of what there is more than its limit, without decoding; empty: of nothing.

    Args:
        data: JSON, or whatever came as that.
        values: Most values: numbers, texts, arrays, ...; an escaped character of a text counts as
            one.
        parts: Most arrays, objects and texts (names of members too), which take ten times as long
            as a number.
    """

    def words(outside: bytes, texts: int) -> str:
        if texts + outside.count(b"[") + outside.count(b"{") > parts:
            return f"more than {parts} arrays, objects and texts (max_parts)"
        return beyond if outside.count(b",") + escapes >= values else ""

    beyond, escapes = f"more than {values} values (max_values)", data.count(b"\\")
    if escapes >= values:
        return beyond
    if not words(
        data, data.count(b'"') // 2
    ):  # so many at most: what stands in texts was counted too
        return ""
    unescaped = _unescaped(data)
    texts = unescaped.count(b'"') // 2
    return words(b"" if texts > parts else _outside(unescaped), texts)


def decoded_size(data: bytes) -> int:
    """Return how many bytes of memory JSON takes beyond its texts when it is decoded, about;
    without decoding it."""
    unescaped = _unescaped(data)
    outside = _outside(unescaped)
    containers = outside.count(b"[") + outside.count(b"{")
    return 100 * containers + 40 * outside.count(b",") + 25 * unescaped.count(b'"')


def too_deep(data: bytes, limit: int) -> bool:
    """Tell whether arrays and objects are nested deeper than `limit`, without decoding them."""
    left = brackets = _outside(_unescaped(data)).translate(_ONE_EACH, _NO_BRACKETS)
    for _ in range(min(limit, _LEVELS)):  # each time the innermost level goes
        inner = left.replace(b"\x01\xff", b"")
        if not inner:
            return False
        if len(inner) == len(
            left
        ):  # they do not belong together: no JSON, but its start may be deep
            break
        left = inner
    return any(map(limit.__lt__, accumulate(memoryview(brackets).cast("b"))))
