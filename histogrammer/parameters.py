"""Parameters of events by name, with the metadata that whoever books spectra starts from. Pure.

They are created and edited, never deleted; ids are not used again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

from histogrammer.errors import LimitsError, ParameterError, ParameterExistsError
from histogrammer.names import refusal

__all__ = ["Metadata", "Parameter", "Parameters"]


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
                raise ParameterError(f"Limits of a parameter must be finite, not {limit:g}")
        if self.bins is not None and self.bins < 0:
            raise ParameterError(f"Bins of a parameter must be 0 or more, not {self.bins}")

    def edited(self, given: Metadata) -> Metadata:
        """Return a copy with the metadata that are given; those that are None stay."""
        found = ((field.name, getattr(given, field.name)) for field in fields(given))
        return replace(self, **{name: value for name, value in found if value is not None})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter.

    Attributes:
        name: Any text; unique.
        id: 1, 2, ... in order of creation.
        metadata: Defaults for whoever books spectra.
    """

    name: str
    id: int
    metadata: Metadata


class Parameters(Mapping[str, Parameter]):
    """Name -> parameter, in order of creation."""

    def __init__(self) -> None:
        self._by_name: dict[str, Parameter] = {}
        self._names: list[str] = []

    def __getitem__(self, name: str) -> Parameter:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def create(self, name: str, metadata: Metadata | None = None) -> Parameter:
        """Add a parameter.

        Raises:
            ParameterExistsError: The name is in use.
            ParameterError: It is too long.
        """
        if reason := refusal(name):
            raise ParameterError(reason)
        if name in self._by_name:
            raise ParameterExistsError(f"Parameter {name} already exists")
        parameter = Parameter(name, len(self._names) + 1, metadata or Metadata())
        self._by_name[name] = parameter
        self._names.append(name)
        return parameter

    def edit(self, name: str, given: Metadata) -> Parameter:
        """Change the metadata that are given.

        Raises:
            ParameterError: There is no such parameter.
        """
        old = self._by_name.get(name)
        if old is None:
            raise ParameterError(f"Parameter {name} does not exist")
        new = replace(old, metadata=old.metadata.edited(given))
        self._by_name[name] = new
        return new

    def by_id(self, number: int) -> Parameter:
        """Return a parameter by its id.

        Raises:
            ParameterError: There is no such id.
        """
        if not 1 <= number <= len(self._names):
            raise ParameterError(f"No parameter with id {number} exists")
        return self._by_name[self._names[number - 1]]
