"""What became of a scan: its outcome, and what the data-taking program says of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from spectrometer.derive.times import as_list

__all__ = ["FOUND", "ScanReport"]

FOUND = {"file": "DAQFITS", "integrations": "DAQNINT", "peak_channel": "DAQPEAK", "dropped": "DAQDROP",
         "loops": "DAQLOOPS"}  # fmt: skip
"""What a report tells of the data -> the status key that a data-taking program writes."""


@dataclass(slots=True)
class ScanReport:
    """Of one scan, from its start on.

    Attributes:
        scan: Its number.
        start: UTC.
        length: s.
        outcome: starting, running, done, stopped, aborted or failed.
        error: Why it failed.
        warning: What is to be known of data that may be good.
        found: As `FOUND` names it.
    """

    scan: int
    start: datetime
    length: float
    outcome: str = "starting"
    error: str = ""
    warning: str = ""
    found: dict[str, Any] = field(default_factory=dict)

    def take(self, values: Mapping[str, Any]) -> None:
        """Take over what the status memory tells of the data."""
        self.found = {name: values[key] for name, key in FOUND.items() if key in values}
        if values.get("DAQERR"):
            self.found["note"] = values["DAQERR"]

    def as_dict(self) -> dict[str, Any]:
        """As callers get it."""
        return {
            "scan": self.scan, "outcome": self.outcome, "error": self.error, "warning": self.warning,
            "start": as_list(self.start), "scan_length": self.length, **self.found,
        }  # fmt: skip
