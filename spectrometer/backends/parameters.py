"""Parameters of a Backend: what observers set, with unit, help and the check of each value. Touches
no hardware."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.errors import did_you_mean
from spectrometer.derive.position import read_position
from spectrometer.errors import ParameterError
from spectrometer.status.protocol.cards import MAX_TEXT
from zmqjsonproxy import Keyword, RefusedError

__all__ = [
    "Legal",
    "ModeParameter",
    "ParameterSet",
    "choice",
    "integer",
    "keywords",
    "number",
    "position",
    "text",
]


@dataclass(frozen=True, slots=True)
class Legal:
    """The values that a parameter may have.

    Attributes:
        convert: Checks and converts a value; raises ValueError, or RefusedError where the original
            refuses.
        annotation: Their type, as Python writes it.
        words: Which of that type; empty: all, or the help of the parameter says it.
        unit: Of the values; empty: none.
        schema: JSON Schema of the values, with their range; empty: that of the annotation.
    """

    convert: Callable[[Any], Any]
    annotation: str
    words: str = ""
    unit: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, value: Any) -> Any:
        return self.convert(value)


@dataclass(frozen=True, slots=True)
class ModeParameter:
    """One parameter.

    Attributes:
        name: As observers write it.
        default: Value until one is set; None: not given.
        convert: What it may be.
        help: One sentence, with the unit; that of values which have names has them all.
        sets: Other parameters that all get this one's value; it has none of its own.
    """

    name: str
    default: Any
    convert: Legal
    help: str
    sets: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """Its help, and what values it may have."""
        return (
            f"{self.help.rstrip('.')}; {self.convert.words}." if self.convert.words else self.help
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.80} is no text")
    if len(value) + value.count("'") > MAX_TEXT or not (value.isascii() and value.isprintable()):
        limit = f"up to {MAX_TEXT} printable ASCII characters, a quote counts as two"
        raise ValueError(f"{value!r:.160} does not fit a status card: {limit}")
    return value


text = Legal(
    _text,
    "str",
    f"up to {MAX_TEXT} printable ASCII characters",
    schema={"type": "string", "maxLength": MAX_TEXT},
)
"""Text that fits a status card."""


def number(low: float, high: float = math.inf, *, unit: str = "s", closed: bool = False) -> Legal:
    """A number above `low`, or `closed` from `low`, and up to `high`."""
    begin = f"{'at least' if closed else 'more than'} {low:g}"
    limits = f"{begin} and up to {high:g}" if high < math.inf else begin

    def convert(value: Any) -> float:
        try:
            if isinstance(value, bool):
                raise TypeError
            result = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{value!s:.80} is no number of {unit}") from None
        if (
            not (low < result or (closed and low == result))
            or not result <= high
            or math.isinf(result)
        ):
            raise ValueError(f"{result:g} {unit} is out of range: {limits}".replace("  ", " "))
        return result

    schema = {"type": "number", "minimum" if closed else "exclusiveMinimum": low}
    if high < math.inf:
        schema["maximum"] = high
    return Legal(convert, "float", limits, unit, schema)


def integer(low: int, high: int) -> Legal:
    """A whole number from `low` to `high`, also given as text or as a float without fraction."""

    def convert(value: Any) -> int:
        try:
            result = int(value)
            if isinstance(value, float) and result != value:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{value!r:.80} is no whole number") from None
        if not low <= result <= high:
            raise ValueError(f"{value!s:.80} is not within {low} to {high}")
        return result

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Legal(convert, "int", f"{low} to {high}", schema=schema)


def choice(values: Collection[str]) -> Legal:
    """One of some texts, in any case."""

    def convert(value: Any) -> Any:
        wanted = value.upper() if isinstance(value, str) else value
        if wanted not in values:
            raise ValueError(f"{value!r:.80} is not one of {', '.join(map(str, values))}")
        return wanted

    return Legal(convert, f"Literal[{', '.join(map(repr, values))}]")


def _position(value: Any) -> str:
    read_position(_text(value))
    return str(value)


position = Legal(_position, "str")
"""A source position, kept as it was written."""


class ParameterSet:
    """The values of a Backend's parameters; sets all that are given or none."""

    def __init__(self, parameters: Collection[ModeParameter]) -> None:
        self._parameters = {parameter.name: parameter for parameter in parameters}
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        parameter = self._parameters[name]
        if parameter.sets:
            return {each: self[each] for each in parameter.sets}
        return self._values.get(name, parameter.default)

    def __iter__(self) -> Iterator[ModeParameter]:
        return iter(self._parameters.values())

    @property
    def names(self) -> list[str]:
        """All legal names, sorted."""
        return sorted(self._parameters)

    def is_set(self, name: str) -> bool:
        """Tell whether a value was given since the mode was selected."""
        return name in self._values

    def snapshot(self) -> Mapping[str, Any]:
        """Return what was set, for `changed_since`."""
        return dict(self._values)

    def changed_since(self, before: Mapping[str, Any]) -> list[str]:
        """Return the names of the parameters that have other values than at a snapshot, sorted."""
        defaults = {name: parameter.default for name, parameter in self._parameters.items()}
        now, then = defaults | self._values, defaults | dict(before)
        return sorted(name for name in now if now[name] != then[name])

    def reset(self) -> None:
        """Give all parameters their defaults again, as after the mode was selected."""
        self._values.clear()

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
                problems[name] = self._unknown(name)
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
        self._values.update(
            {name: value for name, value in converted.items() if not self._parameters[name].sets}
        )

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
            return self._parameters[self._known(name)].description
        return {each: self._parameters[each].description for each in self.names}

    def _known(self, name: str) -> str:
        if not isinstance(name, str) or name not in self._parameters:
            raise ParameterError({f"{name!s:.80}": self._unknown(f"{name!s:.80}")})
        return name

    def _unknown(self, name: str) -> str:
        return (
            f"no such parameter; there are {', '.join(self.names)}{did_you_mean(name, self.names)}"
        )


def keywords(sets: Mapping[str, ParameterSet]) -> list[Keyword]:
    """Return what callers are told of the parameters of all modes: each name once, with all types
    that it has in some mode.

    Args:
        sets: Mode -> its parameters.
    """
    types: dict[str, dict[str, None]] = {}
    units: dict[str, set[str]] = {}
    schemas: dict[str, list[Mapping[str, Any]]] = {}
    texts: dict[str, dict[str, list[str]]] = {}  # name -> description -> modes where it is so
    for mode, parameters in sets.items():
        for parameter in parameters:
            if not parameter.name.startswith("_"):
                types.setdefault(parameter.name, {}).update(
                    dict.fromkeys(parameter.convert.annotation.split(" | "))
                )
                units.setdefault(parameter.name, set()).add(parameter.convert.unit)
                known = schemas.setdefault(parameter.name, [])
                if parameter.convert.schema not in known:
                    known.append(parameter.convert.schema)
                texts.setdefault(parameter.name, {}).setdefault(parameter.description, []).append(
                    mode
                )
    return [
        Keyword(
            name=name,
            annotation=" | ".join(types[name]),
            doc="\n".join(
                text if len(modes) == len(sets) else f"{text} In {_ranges(modes, sets)}."
                for text, modes in texts[name].items()
            ),
            unit=units[name].pop() if len(units[name]) == 1 else "",
            schema=_one_of(schemas[name]),
        )
        for name in sorted(texts)
    ]


def _one_of(schemas: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the schema of what fits one of some; empty if one of them is not known."""
    if not all(schemas):
        return {}
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _ranges(modes: Collection[str], of_all: Collection[str]) -> str:
    """Names of modes in few words: "MODE1 to MODE3, MODE7", where all between that there are are
    meant."""
    runs: list[list[str]] = []
    before = ("", False)
    for mode in sorted(of_all, key=_counted):
        now = (_counted(mode)[0], mode in modes)
        if mode in modes:
            if now == before:
                runs[-1].append(mode)
            else:
                runs.append([mode])
        before = now
    return ", ".join(", ".join(run) if len(run) < 3 else f"{run[0]} to {run[-1]}" for run in runs)


def _counted(mode: str) -> tuple[str, int]:
    """The name of a mode without the number at its end, and that."""
    name = mode.rstrip("0123456789")
    return name, int(mode[len(name) :] or 0)
