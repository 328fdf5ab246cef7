"""Findings about the array's file, of all doctors."""

from __future__ import annotations

from arrayconfig.files import MIGRATE
from commandline import Finding

__all__ = ["file_finding"]


def file_finding(text: str, fault: str, remedy: str) -> Finding:
    """Return what a fault of the array's file means for who has to put it right.

    Args:
        text: The fault with its place.
        fault: The fault alone.
        remedy: Of a fault that says none itself.
    """
    if fault.startswith("no configuration"):
        remedy = "give --config FILE, or set DIBAS_CONFIG or DIBAS_DIR"
        return Finding("file", "no configuration file is named", remedy)
    if fault.startswith("cannot be read"):
        remedy = "name another with --config, DIBAS_CONFIG or DIBAS_DIR, or put it there, readable"
    told, found, words = text.rpartition(f": {MIGRATE} ")
    return Finding("file", told or text, f"{MIGRATE} {words}" if found else remedy)
