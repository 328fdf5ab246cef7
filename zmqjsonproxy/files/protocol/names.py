"""Names of files as clients write them: `NAME`, looked for in all areas, or `AREA/PATH`. No I/O."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["AREA", "AREA_FORM", "FileName", "read_name", "read_pattern"]

AREA_FORM = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
AREA = re.compile(AREA_FORM.removesuffix("$") + r"\Z")
"""Name of an area."""
_MAX_CHARACTERS = 4096


class FileName(NamedTuple):
    """A file as a client names it.

    Attributes:
        area: Empty: the first that has it.
        parts: Below the area: folders, and the name of the file.
    """

    area: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join((self.area, *self.parts) if self.area else self.parts)


def read_name(text: object) -> FileName:
    """Read the name of a file; ValueError says what is wrong with it."""
    parts = _parts(text, "the name of a file is NAME, or AREA/PATH")
    if len(parts) == 1:
        return FileName("", parts)
    return FileName(parts[0], parts[1:])


def read_pattern(text: object) -> tuple[str, ...]:
    """Read a pattern of names below an area, `*.fits` or `night1/*.fits`; ValueError as of
    `read_name`."""
    return _parts(text, "a pattern is one of names below an area, as *.fits or night1/*.fits")


def _parts(text: object, form: str) -> tuple[str, ...]:
    if not isinstance(text, str) or not text or len(text) > _MAX_CHARACTERS:
        raise ValueError(f"{form}, of 1 to {_MAX_CHARACTERS} characters; not {str(text)[:80]!r}")
    parts = tuple(text.split("/"))
    if "\0" in text:
        raise ValueError(f"{form}; {text[:80]!r} has a NUL in it")
    if not parts[0]:
        raise ValueError(f"{form}; {text[:80]!r} is absolute, and only areas are served")
    if ".." in parts:
        raise ValueError(f"{form}; {text[:80]!r} has .. in it, and nothing leads out of an area")
    if "" in parts or "." in parts:
        raise ValueError(f"{form}; {text[:80]!r} has an empty part, or one that is a dot")
    return parts
