"""Spectra of two parameters: `2`, Rustogramer's 2D."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillPair,
    SpectrumKind,
    flat,
    take_axes,
)

__all__ = ["KIND"]


class TwoDim(SpectrumKind):
    """Counts of the events that have both parameters, by the values of both."""

    letters = "2"
    title = "2D"
    two_sided = True
    axes_given = 2

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of two parameters, x and y."""
        names = flat(groups)
        if len(names) != 2:
            raise SpectrumError("There must be exactly two parameters for a 2d spectrum")
        x_axis, y_axis = take_axes(self, name, axes)
        x, y = names
        return Definition(
            name=name, kind=self.letters, groups=((x,), (y,)), x_axis=x_axis, y_axis=y_axis
        )

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return one fill."""
        (x,), (y,) = definition.groups
        return (FillPair(x, y),)


KIND = TwoDim()
