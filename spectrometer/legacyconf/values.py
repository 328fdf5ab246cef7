"""Texts of the original's file as values: `N/A` is "not given", numbers with 0x, lists with commas,
yes and no."""

from __future__ import annotations

import math
import re

__all__ = [
    "Hex",
    "Scalar",
    "boolean",
    "is_given",
    "mac_address",
    "numbers",
    "phase",
    "real",
    "same",
    "status_key",
    "status_value",
    "whole",
    "words",
]

_WHOLE = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})\Z")
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\Z")
_STATUS_KEY = re.compile(r"[A-Z0-9_-]{1,8}\Z")

Scalar = bool | int | float | str


class Hex(int):
    """An integer that is written with 0x, as it was."""


def is_given(text: str) -> bool:
    """Tell whether a value is one: neither empty nor `N/A`."""
    return text not in ("", "N/A")


def whole(text: str) -> int | None:
    """Return an integer, decimal or with 0x; None for what is none."""
    if not _WHOLE.match(text):
        return None
    sign, digits = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if digits[:2] in ("0x", "0X"):
        number = Hex(digits, 16)
        return number if sign > 0 else -int(number)
    return sign * int(digits)


def real(text: str) -> float | None:
    """Return a finite number; None for what is none."""
    number = float(text) if _REAL.match(text) else math.inf
    return number if math.isfinite(number) else None


def boolean(text: str) -> bool | None:
    """Return yes or no; None for any other word."""
    return {
        "1": True,
        "yes": True,
        "true": True,
        "on": True,
        "0": False,
        "no": False,
        "false": False,
        "off": False,
    }.get(text.lower())


def words(text: str) -> list[str]:
    """Return what stands between commas, without blanks; empty places are left out."""
    return [word.strip() for word in text.split(",") if word.strip()]


def numbers(text: str) -> list[int] | None:
    """Return the integers between commas; None if there is none, or something else among them."""
    found = [number for number in map(whole, words(text)) if number is not None]
    return found if found and len(found) == len(words(text)) else None


def mac_address(text: str) -> str | None:
    """Return a MAC address as `00:02:C9:EB:C9:40`, of 0x with up to 12 digits or of that form
    itself; None: none."""
    if _MAC.match(text):
        return text.upper()
    number = whole(text)
    if number is None or not 0 <= number < 1 << 48:
        return None
    digits = f"{number:012X}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def status_key(name: str) -> str | None:
    """Return a status key in capital letters; None for what can be none."""
    key = name.upper()
    return key if _STATUS_KEY.match(key) else None


def status_value(text: str) -> Scalar:
    """Return a number if the text is the usual way to write one, else the text."""
    if _PLAIN.match(text) and len(text) <= 18:
        return int(text)
    if not _WHOLE.match(text) and (number := real(text)) is not None:
        return number
    return text


def phase(text: str) -> tuple[list[tuple[str, Scalar]], str, list[str]]:
    """Return the pairs of a phase.

    Returns:
        pairs: (register, integer) or ("wait", seconds); a value that is no number stays text.
        left: The word without a partner that ends a list of odd length; else empty.
        blanks: Words that have blanks around them, which the original took for a part of a
            register's name.
    """
    every = text.split(",") if text.strip() else []
    names = every[0::2] if len(every) % 2 == 0 else every[0:-1:2]
    pairs: list[tuple[str, Scalar]] = []
    for name, value in zip(names, every[1::2], strict=True):
        word, given = name.strip(), value.strip()
        number: Scalar | None = whole(given)
        if number is None and word == "wait":
            number = real(given)
        pairs.append((word, given if number is None else number))
    left = every[-1].strip() if len(every) % 2 else ""
    return pairs, left, [name.strip() for name in names if name != name.strip()]


def same(one: object, other: object) -> bool:
    """Tell whether two values are written alike: 1 is not 1.0."""
    return repr(one) == repr(other)
