"""Sizes as people write them: `500 MB`, `1 GiB`."""

from __future__ import annotations

import re

__all__ = ["BYTES_FORM", "read_bytes", "shown_bytes"]

BYTES_FORM = r"^[0-9]+(\.[0-9]+)? ?([kMGT]B|[KMGT]iB|B)$"
_UNITS = {"B": 1} | {
    f"{letter}{form}": base**power
    for power, letter in enumerate("kMGT", 1)
    for form, base in (("B", 1000), ("iB", 1024))
}
_UNITS["KiB"] = _UNITS.pop("kiB")


def read_bytes(text: str) -> int:
    """Return the number of bytes that a text means; ValueError: none."""
    found = re.fullmatch(r"([0-9.]+) ?([A-Za-z]+)", text) if re.match(BYTES_FORM, text) else None
    if found is None:
        raise ValueError(f"{text!r} is no size; write one as 500 MB or 1 GiB")
    return int(float(found[1]) * _UNITS[found[2]])


def shown_bytes(number: float) -> str:
    """Return a number of bytes as a person reads it, `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
