"""Spectra of one parameter: `1`, Rustogramer's 1D."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillOne,
    SpectrumKind,
    take_axes,
    take_name,
)

__all__ = ["KIND"]


class OneDim(SpectrumKind):
    """Counts of the values of one parameter."""

    letters = "1"
    title = "1D"

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of one parameter and its axis."""
        names = (take_name(groups),)
        (x_axis,) = take_axes(self, name, axes)
        return Definition(name=name, kind=self.letters, groups=(names,), x_axis=x_axis)

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return one fill."""
        ((parameter,),) = definition.groups
        return (FillOne(parameter),)


KIND = OneDim()
