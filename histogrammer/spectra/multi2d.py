"""Spectra of the pairs of many parameters: `g2`, SpecTcl's gamma 2-d, Rustogramer's Multi2d."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillPair,
    SpectrumKind,
    flat,
    limit_fills,
    take_axes,
)

__all__ = ["KIND"]


class Multi2d(SpectrumKind):
    """Counts of each pair of parameters that an event has: the one that is named first is x."""

    letters = "g2"
    title = "Multi2d"
    axes_given = 2

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of two parameters or more."""
        names = flat(groups)
        if len(names) < 2:
            raise SpectrumError(
                f"Spectrum {name}: type {self.letters} needs at least two parameters, "
                f"{len(names)} given"
            )
        limit_fills(name, len(names) * (len(names) - 1) // 2)
        x_axis, y_axis = take_axes(self, name, axes)
        return Definition(
            name=name, kind=self.letters, groups=(names,), x_axis=x_axis, y_axis=y_axis
        )

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return a fill for each unordered pair."""
        (names,) = definition.groups
        return tuple(FillPair(x, y) for x, y in combinations(names, 2))


KIND = Multi2d()
