"""What came of a call to one Bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A value or an error, never both.

    Attributes:
        bank: Name of the Bank.
        value: What it answered; None with an error.
        error: Why there is no value; None if there is one.
        delay_s: From asking to the answer, s.
    """

    bank: str
    value: Any = None
    error: Exception | None = None
    delay_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.error is None

    def result(self) -> Any:
        """Return the value or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value
