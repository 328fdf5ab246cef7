"""Outcome of a call: to one Bank, and to many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from groundwork.values import RemoteValue
from zmqjsonproxy.errors import ProxyError

if TYPE_CHECKING:
    from zmqjsonproxy import CallFuture

__all__ = ["Outcome", "Outcomes", "Values"]


@dataclass(slots=True)  # not frozen: a thousand of them would be made in twice the time
class Outcome:
    """A value or an error, never both.

    Attributes:
        bank: Name of the Bank.
        value: What it answered; None with an error.
        error: Why there is no value; None if there is one.
        delay_s: From asking to the answer, s.
    """

    bank: str
    value: RemoteValue = None
    error: Exception | None = None
    delay_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Tell whether there is a value."""
        return self.error is None

    def result(self) -> RemoteValue:
        """Return the value or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value

    def __repr__(self) -> str:
        took = f"in {1000 * self.delay_s:.1f} ms"
        if self.error is not None:
            return f"<{self.bank} {took}: {type(self.error).__name__}: {self.error}>"
        return f"<{self.bank} {took}: {self.value!r}>"


class Outcomes(dict[str, Outcome]):
    """Bank -> outcome: a dictionary that shows one Bank a line, and itself as a table in a
    notebook."""

    def await_all(self, calls: Mapping[str, CallFuture]) -> Self:
        """Add the outcomes of calls that were begun, each waited for; returns itself.

        Args:
            calls: Bank -> call.
        """
        for bank, call in calls.items():
            try:
                self[bank] = Outcome(bank, call.result())
            except ProxyError as error:
                self[bank] = Outcome(bank, None, error)
        return self

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.values())) or "{}"

    def _repr_html_(self) -> str:
        from dealer.tables import html_table  # for notebooks only

        rows = [
            (
                bank,
                o.value if o.error is None else f"{type(o.error).__name__}: {o.error}",
                f"{1000 * o.delay_s:.1f}",
            )
            for bank, o in self.items()
        ]
        return html_table(("Bank", "answer", "ms"), rows)


class Values(dict[str, "RemoteValue"]):
    """Bank -> value: a dictionary that shows itself as a table in a notebook; values that have
    keys, as columns."""

    def _repr_html_(self) -> str:
        from dealer.tables import html_table  # for notebooks only

        values = list(self.values())
        if values and all(isinstance(value, dict) for value in values):
            keys = list(dict.fromkeys(key for value in values for key in value))
            return html_table(
                ("Bank", *keys), [(bank, *(v.get(k, "") for k in keys)) for bank, v in self.items()]
            )
        return html_table(("Bank", "answer"), list(self.items()))
