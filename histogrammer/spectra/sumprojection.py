"""Projections of sums of spectra that go on filling: `2dmproj`, of SpecTcl."""

from __future__ import annotations

from collections.abc import Sequence

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import Definition, Fill, FillWith, SpectrumKind, take_axes

__all__ = ["KIND"]


class SumProjection(SpectrumKind):
    """Counts of one parameter of each pair of an `m2`, of the events that have both of the pair."""

    letters = "2dmproj"
    title = "2DSum projection"
    nested = True
    two_sided = True

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition: the parameters that are projected, and the partner of each."""
        if len(groups) != 2 or not groups[0] or len(groups[0]) != len(groups[1]):
            raise SpectrumError(
                f"Spectrum {name}: type {self.letters} needs two lists of parameters of the same "
                "length: those that are projected, and their partners"
            )
        (x_axis,) = take_axes(self, name, axes)
        projected, partners = groups
        return Definition(
            name=name,
            kind=self.letters,
            groups=(tuple(projected), tuple(partners)),
            x_axis=x_axis,
        )

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return a fill for each pair."""
        projected, partners = definition.groups
        return tuple(FillWith(x, y) for x, y in zip(projected, partners, strict=True))


KIND = SumProjection()
