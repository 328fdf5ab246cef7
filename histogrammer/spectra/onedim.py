"""Spectra of one parameter: `1`, Rustogramer's 1D."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import Definition, Fill, FillOne, SpectrumKind

__all__ = ["KIND"]


class OneDim:
    """Counts of the values of one parameter."""

    letters = "1"

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of one parameter and one axis."""
        match [tuple(group) for group in groups], list(axes):
            case [(parameter,)], [x_axis]:
                return Definition(name=name, kind="1", groups=((parameter,),), x_axis=x_axis)
        raise SpectrumError(f"spectrum {name}: a 1d spectrum has one parameter and one axis")

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return one fill."""
        ((parameter,),) = definition.groups
        return (FillOne(parameter),)


KIND: SpectrumKind = OneDim()
