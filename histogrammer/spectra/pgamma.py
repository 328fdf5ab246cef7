"""Spectra of parameters of one list against those of another: `gd`, Rustogramer's PGamma."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillPair,
    SpectrumKind,
    limit_fills,
    take_axes,
)

__all__ = ["KIND"]


class PGamma(SpectrumKind):
    """Counts of each pair of an x and a y parameter that an event has."""

    letters = "gd"
    title = "PGamma"
    nested = True
    two_sided = True
    axes_given = 2

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of two lists of parameters, those of x and those of y."""
        if len(groups) != 2 or not all(groups):
            raise SpectrumError(
                f"Spectrum {name}: type {self.letters} needs two lists of parameters, x and y, "
                "with one parameter or more in each"
            )
        limit_fills(name, len(groups[0]) * len(groups[1]))
        x_axis, y_axis = take_axes(self, name, axes)
        x, y = groups
        return Definition(
            name=name, kind=self.letters, groups=(tuple(x), tuple(y)), x_axis=x_axis, y_axis=y_axis
        )

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return a fill for each pair."""
        x_names, y_names = definition.groups
        return tuple(FillPair(x, y) for x, y in product(x_names, y_names))


KIND = PGamma()
