"""Spectra of many parameters on one axis: `g1`, SpecTcl's gamma 1-d, Rustogramer's Multi1d."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillOne,
    SpectrumKind,
    take_axes,
    take_names,
)

__all__ = ["KIND"]


class Multi1d(SpectrumKind):
    """Counts of the values of each parameter that an event has."""

    letters = "g1"
    title = "Multi1d"

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition; a parameter that is named twice counts twice."""
        names = take_names(self, name, groups)
        (x_axis,) = take_axes(self, name, axes)
        return Definition(name=name, kind=self.letters, groups=(names,), x_axis=x_axis)

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return a fill for each parameter."""
        (names,) = definition.groups
        return tuple(FillOne(name) for name in names)


KIND = Multi1d()
