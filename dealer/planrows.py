"""The rows of a plan: what happens, when, to whom; as records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["LIMIT_S", "Row"]

LIMIT_S = 60.0
"""Real time that a script has, s."""


@dataclass(slots=True)
class Row:
    """One thing that happens.

    Attributes:
        at: Since the beginning, s.
        banks: Whom it concerns; empty: the script itself.
        call: As the script would write it.
        text: What it does, or why it fails.
        line: Of the script; 0: none of it.
        is_fault: It fails.
        doubts: What is allowed, but probably not meant.
    """

    at: float
    banks: tuple[str, ...]
    call: str
    text: str
    line: int
    is_fault: bool = False
    doubts: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """The row as a record."""
        return asdict(self)

    @classmethod
    def read(cls, record: dict[str, Any]) -> Row:
        """Make the row of a record."""
        return cls(**{**record, "banks": tuple(record["banks"])})
