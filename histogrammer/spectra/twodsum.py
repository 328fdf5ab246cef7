"""Sums of spectra of two parameters: `m2`, Rustogramer's 2DSum."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import Definition, Fill, FillPair, SpectrumKind, take_axes

__all__ = ["KIND"]


class TwoDSum(SpectrumKind):
    """Counts of each of its pairs of parameters that an event has."""

    letters = "m2"
    title = "2DSum"
    two_sided = True
    axes_given = 2

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of pairs: the lists of x and of y, or one list x y x y ..."""
        if len(groups) == 1:
            groups = (groups[0][0::2], groups[0][1::2])
        if len(groups) != 2 or len(groups[0]) != len(groups[1]):
            raise SpectrumError("Must have an even number of parameters")
        x, y = groups
        if not x:
            raise SpectrumError(f"Spectrum {name}: type {self.letters} needs a pair of parameters")
        x_axis, y_axis = take_axes(self, name, axes)
        return Definition(
            name=name, kind=self.letters, groups=(tuple(x), tuple(y)), x_axis=x_axis, y_axis=y_axis
        )

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return a fill for each pair."""
        x_names, y_names = definition.groups
        return tuple(FillPair(x, y) for x, y in zip(x_names, y_names, strict=True))


KIND = TwoDSum()
