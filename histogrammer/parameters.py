"""Parameters of events by name, with the metadata that whoever books spectra starts from. Pure.

Ids are not used again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Protocol

from histogrammer.errors import EventParameterError, LimitsError, ParameterExistsError
from histogrammer.names import refusal

__all__ = ["HasParameters", "Metadata", "Parameter", "Parameters"]

MAX_NUMBER = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Defaults for whoever books spectra; no values of events are cut or converted by them.

    Attributes:
        low: Lower limit; None here and below: never set.
        high: Upper limit, there if and only if `low` is.
        bins: Number of bins.
        units: Units of the values.
        description: Any text.

    Raises:
        LimitsError: One limit without the other.
        ParameterError: Limits that are not finite, or a negative number of bins.
    """

    low: float | None = None
    high: float | None = None
    bins: int | None = None
    units: str | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise LimitsError
        for limit in (self.low, self.high):
            if limit is not None and not math.isfinite(limit):
                raise EventParameterError(f"Limits of a parameter must be finite, not {limit:g}")
        if self.bins is not None and self.bins < 0:
            raise EventParameterError(f"Bins of a parameter must be 0 or more, not {self.bins}")

    def edited(self, given: Metadata) -> Metadata:
        """Return a copy with the metadata that are given; those that are None stay."""
        found = ((field.name, getattr(given, field.name)) for field in fields(given))
        return replace(self, **{name: value for name, value in found if value is not None})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter.

    Attributes:
        name: Any text; unique.
        id: It grows in order of creation, 1, 2, ... unless it was given.
        metadata: Defaults for whoever books spectra.
    """

    name: str
    id: int
    metadata: Metadata


class HasParameters(Protocol):
    """User of parameters: a spectrum, a gate, ..."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Their names."""


class Parameters(Mapping[str, Parameter]):
    """Name -> parameter, in order of creation.

    Attributes:
        requested: Names of those that clients have created, in order.
        changed: Names of those whose metadata clients have changed.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Parameter] = {}
        self._names: dict[int, str] = {}
        self._last, self._used = 0, set[int]()
        self.requested: list[str] = []
        self.changed: set[str] = set()

    def __getitem__(self, name: str) -> Parameter:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def create(
        self, name: str, metadata: Metadata | None = None, number: int | None = None
    ) -> Parameter:
        """Add a parameter.

        Args:
            name: Of it.
            metadata: As far as they are known.
            number: Its id, 1 or more and never used before; None: the next one.

        Raises:
            ParameterExistsError: The name is in use.
            ParameterError: It is too long, or the id is or was in use.
        """
        if reason := refusal(name):
            raise EventParameterError(reason)
        if name in self._by_name:
            raise ParameterExistsError(f"Parameter {name} already exists")
        if number is None:
            number = self._last + 1
        elif number in self._used or not 0 < number <= MAX_NUMBER:
            raise EventParameterError(
                f"number {number} of {name} is or was in use, or not within 1 to {MAX_NUMBER}"
            )
        parameter = Parameter(name, number, metadata or Metadata())
        self._by_name[name] = parameter
        self._names[number] = name
        self._used.add(number)
        self._last = max(self._last, number)
        return parameter

    def delete(self, name: str, users: Mapping[str, Mapping[str, HasParameters]]) -> None:
        """Forget a parameter.

        Args:
            name: Of it.
            users: By kind and by name, all that may use it.

        Raises:
            ParameterError: There is no such parameter, or something uses it.
        """
        if name not in self._by_name:
            raise EventParameterError(f"Parameter {name} does not exist")
        found = [
            f"{kind} {user}"
            for kind, named in users.items()
            for user, one in named.items()
            if name in one.parameters
        ]
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise EventParameterError(
                f"Parameter {name} is used by {', '.join(found[:3])}{more}: delete that first"
            )
        del self._names[self._by_name.pop(name).id]
        self.changed.discard(name)

    def edit(self, name: str, given: Metadata) -> Parameter:
        """Change the metadata that are given.

        Raises:
            ParameterError: There is no such parameter.
        """
        old = self._by_name.get(name)
        if old is None:
            raise EventParameterError(f"Parameter {name} does not exist")
        new = replace(old, metadata=old.metadata.edited(given))
        self._by_name[name] = new
        self.changed.add(name)
        return new

    def by_id(self, number: int) -> Parameter:
        """Return a parameter by its id.

        Raises:
            ParameterError: There is no such id.
        """
        if number not in self._names:
            raise EventParameterError(f"No parameter with id {number} exists")
        return self._by_name[self._names[number]]
