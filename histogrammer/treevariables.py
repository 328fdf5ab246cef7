"""Variables of an analysis, SpecTcl's tree variables: numbers with a name and units. Pure.

Definitions and files of events have them; pseudo parameters may use them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from histogrammer.errors import EventParameterError
from histogrammer.names import refusal

__all__ = ["MAX_VARIABLES", "TreeVariable", "TreeVariables"]

MAX_VARIABLES = 100_000
"""A file with more is damage."""


@dataclass(frozen=True, slots=True)
class TreeVariable:
    """A variable.

    Attributes:
        name: Any text.
        value: A number.
        units: Any text.
        is_changed: A client has set it, or says so.
    """

    name: str
    value: float
    units: str = ""
    is_changed: bool = False


class TreeVariables(Mapping[str, TreeVariable]):
    """Variables by name, in the order in which they were first given."""

    def __init__(self) -> None:
        self._variables: dict[str, TreeVariable] = {}
        self.numbers: dict[str, float] = {}
        """Name -> value."""

    def __getitem__(self, name: str) -> TreeVariable:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def put(self, name: str, value: float, units: str = "") -> None:
        """Take a variable of definitions or of a file, new or not.

        Raises:
            ParameterError: Its name is too long, or there are too many.
        """
        if reason := refusal(name):
            raise EventParameterError(reason)
        if name not in self and len(self) >= MAX_VARIABLES:
            raise EventParameterError(f"up to {MAX_VARIABLES} variables are possible")
        changed = name in self and self[name].is_changed
        self._keep(TreeVariable(name, value, units, changed))

    def set(self, name: str, value: float, units: str) -> None:
        """Give a variable a value and units, as a client.

        Raises:
            ParameterError: There is none of this name.
        """
        self._keep(replace(self.named(name), value=value, units=units, is_changed=True))

    def set_changed(self, name: str) -> None:
        """Say that a variable is changed; ParameterError: there is none of this name."""
        self._keep(replace(self.named(name), is_changed=True))

    def named(self, name: str) -> TreeVariable:
        """Return a variable; ParameterError: there is none of this name."""
        if name not in self:
            raise EventParameterError(
                f"Variable {name} does not exist: definitions and files have them"
            )
        return self[name]

    def _keep(self, variable: TreeVariable) -> None:
        self._variables[variable.name] = variable
        self.numbers[variable.name] = variable.value
