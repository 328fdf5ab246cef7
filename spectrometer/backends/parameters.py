"""Parameters of a Backend: what observers set, with unit, help and the check of each value. Touches no hardware."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from spectrometer.derive.position import read_position
from spectrometer.errors import ParameterError
from spectrometer.status.protocol.cards import MAX_TEXT
from zmqjsonproxy.errors import RefusedError

__all__ = ["Parameter", "ParameterSet", "choice", "integer", "number", "position", "text"]

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter.

    Attributes:
        name: As observers write it.
        default: Value until one is set; None: not given.
        convert: Checks and converts a value; raises ValueError, or RefusedError where the original refuses.
        help: One sentence, with unit and legal values.
        sets: Other parameters that all get this one's value; it has none of its own.
    """

    name: str
    default: Any
    convert: Convert
    help: str
    sets: tuple[str, ...] = ()


def text(value: Any) -> str:
    """Text that fits a status card."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    if len(value) + value.count("'") > MAX_TEXT or not (value.isascii() and value.isprintable()):
        limit = f"up to {MAX_TEXT} printable ASCII characters, a quote counts as two"
        raise ValueError(f"{value!r} does not fit a status card: {limit}")
    return value


def number(low: float, high: float = math.inf, *, unit: str = "s", closed: bool = False) -> Convert:
    """A number above `low`, or `closed` from `low`, and up to `high`."""

    def convert(value: Any) -> float:
        try:
            if isinstance(value, bool):
                raise TypeError
            result = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{value!s:.80} is no number of {unit}") from None
        if not (low < result or (closed and low == result)) or not result <= high or math.isinf(result):
            limit = f" and up to {high:g}" if high < math.inf else ""
            begin = "at least" if closed else "more than"
            raise ValueError(f"{result:g} {unit} is out of range: {begin} {low:g}{limit}".replace("  ", " "))
        return result

    return convert


def integer(low: int, high: int) -> Convert:
    """A whole number from `low` to `high`, also given as text or as a float without fraction."""

    def convert(value: Any) -> int:
        try:
            result = int(value)
            if isinstance(value, float) and result != value:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{value!r} is no whole number") from None
        if not low <= result <= high:
            raise ValueError(f"{result} is not within {low} to {high}")
        return result

    return convert


def choice(values: Collection[Any]) -> Convert:
    """One of some texts, in any case."""

    def convert(value: Any) -> Any:
        wanted = value.upper() if isinstance(value, str) else value
        if wanted not in values:
            raise ValueError(f"{value!r} is not one of {', '.join(map(str, values))}")
        return wanted

    return convert


def position(value: Any) -> str:
    """A source position, kept as it was written."""
    read_position(text(value))
    return str(value)


class ParameterSet:
    """The values of a Backend's parameters; sets all that are given or none."""

    def __init__(self, parameters: Collection[Parameter]) -> None:
        self._parameters = {parameter.name: parameter for parameter in parameters}
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        parameter = self._parameters[name]
        if parameter.sets:
            return {each: self[each] for each in parameter.sets}
        return self._values.get(name, parameter.default)

    @property
    def names(self) -> list[str]:
        """All legal names, sorted."""
        return sorted(self._parameters)

    def is_set(self, name: str) -> bool:
        """Whether a value was given since the mode was selected."""
        return name in self._values

    def update(self, values: Mapping[str, Any]) -> None:
        """Check all values, then set all.

        Raises:
            ParameterError: Some are unknown or cannot be; all of them are named, nothing was set.
            RefusedError: The same, where the original refuses instead of raising.
        """
        converted: dict[str, Any] = {}
        problems: dict[str, str] = {}
        refusals: dict[str, str] = {}
        for name, value in values.items():
            parameter = self._parameters.get(name)
            if parameter is None:
                problems[name] = f"no such parameter; there are {', '.join(self.names)}"
                continue
            try:
                converted[name] = parameter.convert(value)
            except RefusedError as refusal:
                refusals[name] = str(refusal)
            except ValueError as error:
                problems[name] = str(error)
        if problems:
            raise ParameterError(problems | refusals)
        if refusals:
            raise RefusedError("; ".join(f"{name}: {why}" for name, why in refusals.items()))
        for name, value in converted.items():
            self._values.update(dict.fromkeys(self._parameters[name].sets, value))
        self._values.update({name: value for name, value in converted.items() if not self._parameters[name].sets})

    def get(self, name: str | None) -> Any:
        """One value, or all by name.

        Raises:
            ParameterError: No such parameter.
        """
        return self[self._known(name)] if name else {each: self[each] for each in self.names}

    def help(self, name: str | None) -> Any:
        """The help of one parameter, or of all by name.

        Raises:
            ParameterError: No such parameter.
        """
        if name:
            return self._parameters[self._known(name)].help
        return {each: self._parameters[each].help for each in self.names}

    def _known(self, name: str) -> str:
        if not isinstance(name, str) or name not in self._parameters:
            raise ParameterError({f"{name!s:.80}": f"no such parameter; there are {', '.join(self.names)}"})
        return name
