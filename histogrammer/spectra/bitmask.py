"""Spectra of the bits of a parameter: `b`, SpecTcl's bit mask."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillBits,
    SpectrumKind,
    take_axes,
    take_name,
)

__all__ = ["KIND"]


class BitMask(SpectrumKind):
    """Counts of each bit that is set in the values of one parameter."""

    letters = "b"
    title = "Bit mask"

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of one parameter and the axis of its bits, 0..n with n bins."""
        names = (take_name(groups),)
        (x_axis,) = take_axes(self, name, axes)
        if (x_axis.low, x_axis.high) != (0.0, float(x_axis.bins)):
            raise SpectrumError(
                f"Spectrum {name}: bits are numbers 0, 1, ...: "
                f"the axis of {x_axis.bins} bins must be 0 to {x_axis.bins}, "
                f"not {x_axis.low:g} to {x_axis.high:g}"
            )
        return Definition(name=name, kind=self.letters, groups=(names,), x_axis=x_axis)

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return one fill, of all bits."""
        ((parameter,),) = definition.groups
        return (FillBits(parameter),)


KIND = BitMask()
