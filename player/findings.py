"""What `player doctor` finds: a sentence, and what puts it right. Looks for nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Finding", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        check: What was looked at, in a word or two: `port`, `data root`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a Bank would be opened.

    Attributes:
        simulate: As `--simulate`: no instrument is touched.
        data_root: Where data files go.
        dibas_dir: Installation root; None if it is not set.
        is_served: A Player serves this Bank here now, so that what it uses is not left behind.
        note: Takes a sentence about what is not wrong, but is good to know.
    """

    simulate: bool
    data_root: Path
    dibas_dir: Path | None
    is_served: bool
    note: Callable[[str], None] = lambda _text: None
