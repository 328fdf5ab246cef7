"""Values of a request by the names of its parameters, as what the table of requests says they are.
Pure."""

from __future__ import annotations

from collections.abc import Mapping

from histogrammer.rest.protocol.routes import Value

__all__ = ["RequestValues"]


class RequestValues:
    """Values of one request. Asking for what its parameter is not is a mistake in the program.

    Args:
        values: As `routes.read_values` returns them.
    """

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    @property
    def given(self) -> dict[str, Value]:
        """Values that are given, or have a default, by the names of their parameters."""
        return {name: value for name, value in self._values.items() if value not in (None, ())}

    def text(self, name: str) -> str:
        """Return a text that is always there."""
        value = self._values[name]
        assert isinstance(value, str), name
        return value

    def maybe_text(self, name: str) -> str | None:
        """Return a text; None: not given."""
        return None if self._values[name] is None else self.text(name)

    def integer(self, name: str) -> int:
        """Return an integer that is always there."""
        value = self._values[name]
        assert isinstance(value, int), name
        return value

    def maybe_integer(self, name: str) -> int | None:
        """Return an integer; None: not given."""
        return None if self._values[name] is None else self.integer(name)

    def number(self, name: str) -> float | None:
        """Return a number; None: not given."""
        value = self._values[name]
        assert value is None or isinstance(value, float), name
        return value

    def truth(self, name: str) -> bool:
        """Return a truth value, or its default."""
        value = self._values[name]
        assert isinstance(value, bool), name
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return texts in the order in which they were given."""
        return tuple(str(value) for value in self._all(name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return numbers in the order in which they were given."""
        return tuple(float(value) for value in self._all(name))

    def _all(self, name: str) -> tuple[str | int | float | bool, ...]:
        values = self._values[name]
        assert isinstance(values, tuple), name
        return values
