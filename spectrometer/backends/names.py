"""The names by which modes select a Backend; the classes are in `backends.registry`, which this must not import."""

from __future__ import annotations

__all__ = ["BACKEND_NAMES", "VEGAS_HBW"]

VEGAS_HBW: frozenset[str] = frozenset({"h1k", "h16k"})
BACKEND_NAMES = VEGAS_HBW
