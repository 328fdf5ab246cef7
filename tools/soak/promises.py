"""Promises about the data of scans: what is reported, against what is in the files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

__all__ = ["PROMISES", "FileContents", "Taken", "read_file"]

COMPLETE = "complete"
"""DAQEND of a file that has all that was planned."""


@dataclass(frozen=True, slots=True)
class FileContents:
    """Contents of a FITS file.

    Attributes:
        integrations: In it, all switching states of each.
        end: How its header says that it ended; "unfinished": its writer died.
        fault: What is wrong with it; empty: nothing.
    """

    integrations: int = 0
    end: str = ""
    fault: str = ""


def read_file(path: Path) -> FileContents:
    """Read all rows of a file with a reader that is not ours."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bytes behind the last row that the header counts
            with fits.open(path, memmap=False) as units:
                end, data = str(units[0].header.get("DAQEND", "")), units["SPECTRA"].data
                numbers = sorted(set(data["INTEGNUM"].tolist()))
                if len(data) and not (np.asarray(data["DATA"]) > 0).all():
                    return FileContents(len(numbers), end, "a row is not whole")
                return FileContents(len(numbers), end)
    except (OSError, KeyError, TypeError, ValueError) as error:
        return FileContents(fault=f"cannot be read: {type(error).__name__}: {error}")


@dataclass(slots=True)
class Taken:
    """One scan, as everybody tells it.

    Attributes:
        planned: Integrations.
        reports: Bank -> report of its Player; a Player that was started anew knows of no scan.
        told: Bank -> report that the observer was given at the end of its wait; empty: it was told
            of an error, or is dead.
        files: Name -> contents, of the files that are new since the last scan.
        older: Names of files that were there before.
    """

    planned: int
    reports: Mapping[str, Mapping[str, Any]]
    told: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, FileContents]
    older: frozenset[str] = field(default_factory=frozenset)

    @property
    def on_disk(self) -> int:
        """Integrations in all files of the scan."""
        return sum(contents.integrations for contents in self.files.values())


Promise = Callable[[Taken], list[str]]
"""Returns a sentence for each time that it was broken."""


def files_are_readable(taken: Taken) -> list[str]:
    """Every file is readable up to its last complete row."""
    return [f"{name}: {c.fault}" for name, c in sorted(taken.files.items()) if c.fault]


def done_is_done(taken: Taken) -> list[str]:
    """Nobody calls a scan done of which something is missing."""
    said = [*taken.reports.items(), *taken.told.items()]
    return [
        f"{bank}: reported done, {trouble}"
        for bank, report in said
        if report["outcome"] == "done" and (trouble := _missing(report, taken))
    ]


def _missing(report: Mapping[str, Any], taken: Taken) -> str:
    contents = taken.files.get(str(report["file"]))
    if contents is None:
        older = " of an earlier scan" if report["file"] in taken.older else ""
        return f"and its file {report['file']} is none{older or ' on disk'}"
    if contents.integrations < taken.planned:
        return f"and {contents.integrations} of {taken.planned} integrations are in its file"
    return "" if contents.end == COMPLETE else f"and its file says {contents.end!r}"


def counts_are_true(taken: Taken) -> list[str]:
    """Check that what is reported as recorded is in the file."""
    found = []
    for bank, report in taken.reports.items():
        contents = taken.files.get(str(report["file"]))
        if contents is None or not report["integrations"]:
            continue
        if contents.integrations < report["integrations"]:
            found.append(
                f"{bank}: {report['integrations']} integrations are reported ({report['outcome']}), "
                f"{contents.integrations} are in its file"
            )
    return found


def losses_are_told(taken: Taken) -> list[str]:
    """A scan that is called neither done nor failed says what it has not."""
    return [
        f"{bank}: incomplete, and no word of what is missing"
        for bank, report in taken.reports.items()
        if report["outcome"] == "incomplete" and not report["warning"]
    ]


def ends_are_final(taken: Taken) -> list[str]:
    """Every scan comes to an end."""
    return [
        f"{bank}: the scan is still {report['outcome']}"
        for bank, report in taken.reports.items()
        if report["outcome"] in ("starting", "waiting", "running")
    ]


PROMISES: list[Promise] = [
    files_are_readable,
    done_is_done,
    counts_are_true,
    losses_are_told,
    ends_are_final,
]
"""Of one scan; more may be added."""
