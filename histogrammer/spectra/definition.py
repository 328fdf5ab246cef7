"""Definition of a spectrum, and the fills that it asks for. Pure: no counts are kept here."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError

__all__ = [
    "MAX_CELLS",
    "MAX_FILLS",
    "Definition",
    "Fill",
    "FillBits",
    "FillOne",
    "FillPair",
    "FillRow",
    "FillStrip",
    "FillWith",
    "SpectrumKind",
    "flat",
    "limit_fills",
    "take_axes",
    "take_name",
    "take_names",
]

MAX_CELLS = (1 << 28) + (1 << 17)
"""More is a slip of the pen: 2 GiB of counts, and flow around a square of so many."""

MAX_FILLS = 1 << 17
"""Of an event. All pairs of 512 parameters; of more a block of events takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Definition of a spectrum; valid by construction, as kinds make it.

    Attributes:
        name: Any text.
        kind: Letters of its kind: `1`, `2`, `g1`, ...
        groups: Names of parameters, in the groups in which the kind takes them: one of all for `g1`
            and `s`, x and y for `2`, `gd` and `m2`, time and value for `S`, the projected ones and
            their partners for `2dmproj`, one of each strip for `gs`.
        x_axis: Axis of the cells along x.
        y_axis: The same along y; None of a spectrum of one dimension.

    Raises:
        SpectrumError: More than `MAX_CELLS` cells, or `MAX_FILLS` parameters.
    """

    name: str
    kind: str
    groups: tuple[tuple[str, ...], ...]
    x_axis: Axis
    y_axis: Axis | None = None

    def __post_init__(self) -> None:
        if self.size > MAX_CELLS:
            sides = " x ".join(str(cells) for cells in reversed(self.shape))
            raise SpectrumError(
                f"Spectrum {self.name}: {sides} cells, with those of the flow; "
                f"up to {MAX_CELLS} in all are possible"
            )
        limit_fills(self.name, len(self.parameters))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its cells: (x,), or (y, x); flow cells are part of it."""
        if self.y_axis is None:
            return (self.x_axis.cells,)
        return (self.y_axis.cells, self.x_axis.cells)

    @property
    def size(self) -> int:
        """Number of its cells."""
        return math.prod(self.shape)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all its parameters, in the order of its groups."""
        return flat(self.groups)


@dataclass(frozen=True, slots=True)
class FillOne:
    """A fill of a 1-d spectrum, of each event that has the parameter."""

    x: str


@dataclass(frozen=True, slots=True)
class FillWith:
    """A fill of a 1-d spectrum by x, of each event that has another parameter, too."""

    x: str
    partner: str


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
    """A fill of a channel for each bit that is set in a value, taken as 32 bits without sign.

    Its fraction is cut off. No bits has what is negative, 2^32 or more, or NaN, as in conditions on
    masks. Bit k counts in bin k, those beyond the axis in the overflow.
    """

    x: str


@dataclass(frozen=True, slots=True)
class FillStrip:
    """A value added to the channel of a time; the axis follows: `stripchart.add_at_times`."""

    time: str
    value: str


Fill: TypeAlias = FillOne | FillWith | FillPair | FillRow | FillBits | FillStrip


class SpectrumKind(ABC):
    """One kind of spectra: a module of this package has it as `KIND`.

    Attributes:
        letters: Name in requests and files: `g2`.
        title: Name in texts, Rustogramer's where it has one: `Multi2d`.
        nested: Requests and files name its parameters in lists within a list, else in one list.
        two_sided: Groups are the parameters of x and those of y; else all are called those of x.
        axes_given: Axes that its users give, 1 or 2: a summary takes one, its y axis.
    """

    letters: ClassVar[str]
    title: ClassVar[str]
    nested: ClassVar[bool] = False
    two_sided: ClassVar[bool] = False
    axes_given: ClassVar[int] = 1

    @abstractmethod
    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition.

        Args:
            name: Name of the spectrum.
            groups: Names of parameters, in groups as `Definition.groups`; of a kind that is not
                nested also in one group, as requests name them: x y x y ... of `m2`.
            axes: Axes that its users give.

        Raises:
            SpectrumError: Parameters or axes that this kind does not take.
        """

    @abstractmethod
    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return the fills of a definition, in the order of the reference."""


def flat(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names of all groups, one after the other."""
    return tuple(name for group in groups for name in group)


def limit_fills(name: str, fills: int) -> None:
    """Refuse a spectrum with more fills of an event than are possible.

    Raises:
        SpectrumError: There are more.
    """
    if fills > MAX_FILLS:
        raise SpectrumError(
            f"Spectrum {name}: an event would be filled {fills} times; up to {MAX_FILLS} are "
            "possible, so choose fewer parameters"
        )


def take_axes(kind: SpectrumKind, name: str, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return the axes that users gave, as many as the kind takes.

    Raises:
        SpectrumError: More or fewer.
    """
    if len(axes) != kind.axes_given:
        wanted = "one axis" if kind.axes_given == 1 else "two axes, x and y"
        raise SpectrumError(
            f"Spectrum {name}: type {kind.letters} takes {wanted}, {len(axes)} given"
        )
    return tuple(axes)


def take_name(groups: Sequence[Sequence[str]]) -> str:
    """Return the one name that there must be in all groups.

    Raises:
        SpectrumError: There are more, or none.
    """
    names = flat(groups)
    if len(names) != 1:
        raise SpectrumError("Only allowed one parameter")
    return names[0]


def take_names(kind: SpectrumKind, name: str, groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names of all groups, of which there must be one at least.

    Raises:
        SpectrumError: There is none.
    """
    names = flat(groups)
    if not names:
        raise SpectrumError(f"Spectrum {name}: type {kind.letters} needs a parameter")
    return names
