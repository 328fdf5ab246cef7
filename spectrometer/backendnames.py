"""The names by which modes select a Backend; the classes are in `backends.registry`, which this
must not import."""

from __future__ import annotations

__all__ = [
    "BACKEND_NAMES",
    "GUPPI_COHERENT",
    "GUPPI_INCOHERENT",
    "VEGAS_HBW",
    "VEGAS_L1",
    "VEGAS_L8",
]

VEGAS_HBW: frozenset[str] = frozenset({"h1k", "h16k"})
VEGAS_L1: frozenset[str] = frozenset({"l1/lbw1"})
VEGAS_L8: frozenset[str] = frozenset({"l8/lbw1", "l8/lbw8"})
GUPPI_INCOHERENT = "guppi-inco"
GUPPI_COHERENT = "guppi-codd"
BACKEND_NAMES = VEGAS_HBW | VEGAS_L1 | VEGAS_L8 | {GUPPI_INCOHERENT, GUPPI_COHERENT}
