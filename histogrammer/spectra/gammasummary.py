"""Spectra of lists of parameters, a strip of x for each list: `gs`, SpecTcl's gamma summary."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import Definition, Fill, FillRow, SpectrumKind, take_axes

__all__ = ["KIND"]


class GammaSummary(SpectrumKind):
    """Counts of the values of all parameters of a list along y, in the bin of x with its number.

    The x axis is 0..N with N bins, for N lists.
    """

    letters = "gs"
    title = "Gamma summary"
    nested = True

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition; the axis that is given is that of y. A list may be empty."""
        if not any(groups):
            raise SpectrumError(
                f"Spectrum {name}: type {self.letters} needs a list of parameters for each strip"
            )
        (y_axis,) = take_axes(self, name, axes)
        return Definition(
            name=name,
            kind=self.letters,
            groups=tuple(tuple(group) for group in groups),
            x_axis=Axis(0.0, float(len(groups)), len(groups)),
            y_axis=y_axis,
        )

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return a fill for each parameter."""
        return tuple(
            FillRow(strip + 1, name)
            for strip, names in enumerate(definition.groups)
            for name in names
        )


KIND = GammaSummary()
