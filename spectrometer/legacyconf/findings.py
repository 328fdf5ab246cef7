"""Findings of a migration in the old file: each thing with its section, key, line and reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum, auto

__all__ = ["MigrationFinding", "Sort", "report"]


class Sort(StrEnum):
    """Fate of a key."""

    DROPPED = auto()
    """It is not in the result, and need not be."""
    DOUBTFUL = auto()
    """The result says something about it that its owner should look at."""
    FAULT = auto()
    """The result cannot be used before it is put right."""


@dataclass(frozen=True, slots=True)
class MigrationFinding:
    """One thing.

    Attributes:
        line: Of the old file, from 1; 0 for the file as a whole.
        section: As it is spelled there; empty for the file as a whole.
        key: As it is spelled there; empty for the section as a whole.
        sort: What became of it.
        text: Why, as a sentence without its full stop.
    """

    line: int
    section: str
    key: str
    sort: Sort
    text: str

    def describe(self) -> dict[str, object]:
        """Return it as JSON holds it."""
        return asdict(self)


def _shown(text: str) -> str:
    """Text without characters that mean something to a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def report(findings: Iterable[MigrationFinding], name: str) -> list[str]:
    """Return lines for people: what is the same in many sections is said once, with all the places.

    Args:
        findings: In the order of the old file.
        name: Of the old file.
    """
    alike: dict[tuple[Sort, str, str], list[MigrationFinding]] = {}
    for finding in findings:
        alike.setdefault((finding.sort, finding.key, finding.text), []).append(finding)
    lines: list[str] = []
    for (sort, key, text), group in alike.items():
        first = group[0]
        place = f"{name}:{first.line}" if first.line else name
        where = " ".join(
            word for word in (f"[{first.section}]" if first.section else "", key) if word
        )
        others = ", ".join(f"{other.section}:{other.line}" for other in group[1:])
        line = f"{place}: {sort}: {f'{where}: ' if where else ''}{text}{f' (also {others})' if others else ''}"
        lines.append(_shown(line))
    return lines
