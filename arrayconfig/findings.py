"""Findings of a doctor: a sentence, and what puts it right. Looks for nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from arrayconfig.files import MIGRATE

__all__ = ["Finding", "Report", "file_finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        check: What was looked at, in a word or two: `file`, `port`, `clock`, `data root`.
        text: What is wrong, as a sentence without its full stop.
        remedy: What puts it right, as an imperative.
        bank: Whose it is; empty: the file's or the host's.
        repair: Puts it right without harm as long as no Player serves the Bank, and says what it
            did; None: a person has to.
    """

    check: str
    text: str
    remedy: str
    bank: str = ""
    repair: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{f'{self.bank}: ' if self.bank else ''}{self.text}; {self.remedy}"

    def describe(self) -> dict[str, str]:
        """Return it as JSON holds it."""
        return {"check": self.check, "text": self.text, "remedy": self.remedy, "bank": self.bank}


@dataclass(slots=True, kw_only=True)
class Report:
    """All that was found.

    Attributes:
        findings: What is wrong; empty if all is well.
        notes: What works, but deserves a look.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def described(self, **more: object) -> dict[str, object]:
        """Return it, and more before it, as JSON holds it."""
        return {
            **more,
            "findings": [each.describe() for each in self.findings],
            "notes": self.notes,
        }

    def written(self, fine: Iterable[str]) -> list[str]:
        """Return it as a person reads it, with sentences on what is fine."""
        return [*map(str, self.findings), *fine, *(f"note: {note}" for note in self.notes)]


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
