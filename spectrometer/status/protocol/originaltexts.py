"""Values of the status memory as a Player of the original gave them: whatever it wrote itself was
text. No memory.

What its data-taking programs wrote were numbers, as those of today's are.
"""

from __future__ import annotations

from collections.abc import Mapping

from spectrometer.status.protocol.cards import Value

__all__ = ["as_original", "original_text"]


def as_original(values: Mapping[str, Value], written: Mapping[str, object]) -> dict[str, Value]:
    """Return values as a client of the original expects them.

    Args:
        values: That are in the memory.
        written: Numbers that the Player has written, by key; what somebody else has changed since
            stays a number.
    """
    return {
        key: original_text(written[key]) if key in written and written[key] == value else value
        for key, value in values.items()
    }


def original_text(value: object) -> str:
    """Return `str` of Python 2: a float has 12 significant digits, and a point or an exponent."""
    value = getattr(value, "item", lambda: value)()  # numpy scalars, without numpy
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.12g}"
    if not text.lstrip("-").isdigit():
        return text
    if len(text.lstrip("-")) < 12:
        return f"{text}.0"
    digits, exponent = f"{value:.11e}".split("e")  # no room for the point and a zero
    return f"{digits.rstrip('0').rstrip('.')}e{exponent}"
