"""Spectra of many parameters, a strip of x for each: `s`, Rustogramer's Summary."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillRow,
    SpectrumKind,
    take_axes,
    take_names,
)

__all__ = ["KIND"]


class Summary(SpectrumKind):
    """Counts of the values of each parameter along y, in the bin of x with the parameter's number.

    The x axis is 0..N with N bins, for N parameters.
    """

    letters = "s"
    title = "Summary"

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition; the axis that is given is that of y."""
        names = take_names(self, name, groups)
        (y_axis,) = take_axes(self, name, axes)
        return Definition(
            name=name,
            kind=self.letters,
            groups=(names,),
            x_axis=Axis(0.0, float(len(names)), len(names)),
            y_axis=y_axis,
        )

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return a fill for each parameter."""
        (names,) = definition.groups
        return tuple(FillRow(number + 1, name) for number, name in enumerate(names))


KIND = Summary()
