"""Scans in the rows of Banks, and keys on which Banks differ, as on the page. No clock, no
terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.terminal.texts import number_text, unix_time

__all__ = ["KeyDifference", "RunningScan", "ScanCells", "differences", "further", "running_scans"]

_OWN = frozenset({"mode", "SCANNUM", "SCANREM", "SIMULATE", "DAQSTATE", "state", "STATE", "kind"})
"""Members of an overview that have a column of their own, or are told otherwise."""


@dataclass(frozen=True, slots=True)
class ScanCells:
    """Cells of a row that tell of its scan; None: not known, or there is none.

    Attributes:
        number: Of the scan.
        share: Done, 0 to 1.
        left: s.
        lost: Blocks.
        mode: Empty: none.
    """

    number: float | None
    share: float | None
    left: float | None
    lost: float | None
    mode: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ScanCells:
        """Return those of a row of the topic `overview`."""
        overview: Mapping[str, Any] = row["overview"]
        scan = row["scan"] if isinstance(row["scan"], Mapping) else None
        told = scan or {}
        is_running = told.get("is_over") is False
        counts = told.get("scan"), overview.get("SCANNUM"), overview.get("RUN")
        mode = overview.get("mode")
        return cls(
            number=_number(next((each for each in counts if each is not None), None)),
            share=_number(told.get("fraction")) if is_running else None,
            left=_number(overview.get("SCANREM")) if is_running or scan is None else None,
            lost=_number(told.get("dropped")),
            mode="" if mode is None else str(mode),
        )


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def further(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the rest of what a Bank tells of itself in a few values."""
    told = row["overview"].items()
    return [(name, value) for name, value in told if name not in _OWN and value is not None]


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """A key on which live Banks of one kind disagree.

    Attributes:
        name: Its name.
        values: Value -> Banks.
    """

    name: str
    values: Mapping[str, list[str]]


def differences(rows: Iterable[Mapping[str, Any]]) -> list[KeyDifference]:
    """Return keys on which Banks disagree: texts, truth values and the number of the scan; what
    counts up differs by a moment only."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in rows:
        if row["link"]["state"] != "live":
            continue
        for name, value in row["overview"].items():
            if name == "SCANNUM" or _number(value) is None:
                values = found.setdefault((row["kind"], name), {})
                values.setdefault(_told(value), []).append(row["bank"])
    return [KeyDifference(name, values) for (_, name), values in found.items() if len(values) > 1]


def _told(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return number_text(value) if isinstance(value, int | float) else str(value)


@dataclass(frozen=True, slots=True)
class RunningScan:
    """A scan that runs.

    Attributes:
        number: Its number.
        banks: Those in it.
        start: UTC, unix seconds; None: not known.
        end: Likewise.
        files: Banks that write one.
    """

    number: int
    banks: list[str]
    start: float | None
    end: float | None
    files: int


def running_scans(rows: Iterable[Mapping[str, Any]]) -> list[RunningScan]:
    """Return the scans that run, with the Banks in them."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        scan = row["scan"] if isinstance(row["scan"], Mapping) else {}
        number = _number(scan.get("scan"))
        if row["link"]["state"] == "live" and scan.get("is_over") is False and number is not None:
            found.setdefault(int(number), []).append(row)
    scans = []
    for number, some in found.items():
        starts = [unix_time(row["scan"].get("start")) for row in some]
        start = min((each for each in starts if each is not None), default=None)
        length = _number(some[0]["scan"].get("scan_length"))
        end = start + length if start is not None and length is not None else None
        files = sum(bool(row["scan"].get("file")) for row in some)
        scans.append(RunningScan(number, [row["bank"] for row in some], start, end, files))
    return scans
