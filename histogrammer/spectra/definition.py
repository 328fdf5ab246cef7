"""Definition of a spectrum, and the fills that it asks for. Pure: no counts are kept here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from histogrammer.axes import Axis

__all__ = [
    "Definition",
    "Fill",
    "FillBits",
    "FillOne",
    "FillPair",
    "FillRow",
    "FillStrip",
    "SpectrumKind",
]

_WITH_Y_PARAMETERS = frozenset({"2", "gd", "m2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Definition of a spectrum; valid by construction, as kinds make it.

    Attributes:
        name: Any text.
        kind: Letters of its kind: `1`, `2`, `g1`, ...
        groups: Names of parameters, in the groups in which the kind takes them: one of all for `g1`
            and `s`, x and y for `2`, `gd` and `m2`, one of each strip for `gs`.
        x_axis: Axis of the cells along x.
        y_axis: The same along y; None of a spectrum of one dimension.
    """

    name: str
    kind: str
    groups: tuple[tuple[str, ...], ...]
    x_axis: Axis
    y_axis: Axis | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its cells: (x,), or (y, x); flow cells are part of it."""
        if self.y_axis is None:
            return (self.x_axis.cells,)
        return (self.y_axis.cells, self.x_axis.cells)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all its parameters, in the order of its groups."""
        return tuple(name for group in self.groups for name in group)

    @property
    def y_parameters(self) -> tuple[str, ...]:
        """Names of its y parameters, as clients and files have them; other kinds than `2`, `gd` and
        `m2` have none."""
        return self.groups[1] if self.kind in _WITH_Y_PARAMETERS else ()

    @property
    def x_parameters(self) -> tuple[str, ...]:
        """Names of the others."""
        return self.groups[0] if self.kind in _WITH_Y_PARAMETERS else self.parameters


@dataclass(frozen=True, slots=True)
class FillOne:
    """A fill of a 1-d spectrum, of each event that has the parameter."""

    x: str


@dataclass(frozen=True, slots=True)
class FillPair:
    """A fill of a 2-d spectrum, of each event that has both parameters."""

    x: str
    y: str


@dataclass(frozen=True, slots=True)
class FillRow:
    """A fill of a 2-d spectrum in one cell of x, of each event that has the parameter."""

    x_cell: int
    y: str


@dataclass(frozen=True, slots=True)
class FillBits:
    """A fill of a channel for each bit that is set in a value, taken as 32 bits without sign."""

    x: str


@dataclass(frozen=True, slots=True)
class FillStrip:
    """A value added to the channel of a time; the axis follows the time."""

    time: str
    value: str


Fill: TypeAlias = FillOne | FillPair | FillRow | FillBits | FillStrip


class SpectrumKind(Protocol):
    """One kind of spectra: a module of this package has it as `KIND`."""

    @property
    def letters(self) -> str:
        """Name in requests and files: `g2`."""

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition.

        Args:
            name: Name of the spectrum.
            groups: Groups of names of parameters, as `Definition.groups`.
            axes: Axes as its users give them: a summary has one, its y axis.

        Raises:
            SpectrumError: Parameters or axes that this kind does not take.
        """

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return the fills of a definition, in the order of the reference."""
