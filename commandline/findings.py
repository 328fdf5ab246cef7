"""Findings of a doctor, and its report: a sentence, and what puts it right. Looks for nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from commandline.answers import tell
from commandline.exitstatus import DONE, FAILED

__all__ = ["Finding", "Report"]


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
    """Report of any doctor.

    Attributes:
        file: The configuration, or what stands in its place; empty: none is named.
        banks: Bank -> facts about it, as JSON holds them; first among them `url`.
        fine: Bank -> what is said of it, unless something is wrong with it, or with all of them.
        facts: Further facts, as JSON holds them.
        findings: What is wrong; empty if all is well.
        notes: What works, but deserves a look.
        chains: Sentences that lead from a finding to its first cause.
        repaired: A sentence for each finding that was repaired, or could not be; None: nobody asked
            for it.
    """

    file: str = ""
    banks: dict[str, Mapping[str, object]] = field(default_factory=dict)
    fine: dict[str, str] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    chains: list[str] = field(default_factory=list)
    repaired: list[str] | None = None

    def note(self, text: str) -> None:
        """Take note of a sentence, which several Banks may say, once."""
        if text not in self.notes:
            self.notes.append(text)

    def describe(self) -> dict[str, object]:
        """Return it as JSON holds it."""
        repaired = {} if self.repaired is None else {"repaired": self.repaired}
        return {
            "file": self.file or None,
            **self.facts,
            "banks": self.banks,
            "findings": [each.describe() for each in self.findings],
            "notes": self.notes,
            **repaired,
        }

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        bad = {finding.bank for finding in self.findings}
        fine = [
            f"{bank}: fine, {text}"
            for bank, text in self.fine.items()
            if bank not in bad and "" not in bad
        ]
        notes = [f"note: {note}" for note in self.notes]
        chains = [f"why: {chain}" for chain in self.chains]
        return [*(self.repaired or ()), *map(str, self.findings), *fine, *notes, *chains]

    def show(self, as_json: bool) -> int:
        """Print it; the exit status."""
        lines = self.lines()
        if as_json or lines:
            tell(as_json, self.describe(), "\n".join(lines))
        return FAILED if self.findings else DONE
