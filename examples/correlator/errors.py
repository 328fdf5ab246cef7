"""Errors of the correlator.

CorrelatorError
+-- JobFileError          a job or an experiment that cannot be read, or says what cannot be
+-- VoltagesError         voltages that cannot be had, or do not fit the others
+-- VisibilityFileError   a file of visibilities that cannot be read or written
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["CorrelatorError", "JobFileError", "VisibilityFileError", "VoltagesError"]


class CorrelatorError(Exception):
    """Base of all errors of this package; names what it is about, and why."""

    def __init__(self, what: str | Path, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what, self.reason = str(what), reason


class JobFileError(CorrelatorError):
    """A job or an experiment that cannot be read, or says what cannot be."""


class VoltagesError(CorrelatorError):
    """Voltages that cannot be had, or do not fit the others."""


class VisibilityFileError(CorrelatorError):
    """A file of visibilities that cannot be read or written."""
