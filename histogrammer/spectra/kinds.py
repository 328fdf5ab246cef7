"""Kinds of spectra by their letters, and what requests and files show of a definition."""

from __future__ import annotations

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra import (
    bitmask,
    gammasummary,
    multi1d,
    multi2d,
    onedim,
    pgamma,
    stripchart,
    summary,
    sumprojection,
    twodim,
    twodsum,
)
from histogrammer.spectra.definition import Definition, SpectrumKind

__all__ = ["KINDS", "given_axes", "kind_of", "sides"]

KINDS: dict[str, SpectrumKind] = {
    kind.letters: kind
    for kind in (
        onedim.KIND,
        twodim.KIND,
        multi1d.KIND,
        multi2d.KIND,
        pgamma.KIND,
        summary.KIND,
        twodsum.KIND,
        gammasummary.KIND,
        bitmask.KIND,
        stripchart.KIND,
        sumprojection.KIND,
    )
}
"""Letters -> kind."""


def kind_of(letters: str) -> SpectrumKind:
    """Return the kind with these letters.

    Raises:
        SpectrumError: There is none; spectra of vectors are told by name.
    """
    try:
        return KINDS[letters]
    except KeyError:
        known = f"Bad type was '{letters}'"
        if letters == "1v":
            known += ": parameters here are numbers, not vectors; use g1 with one for each element"
        raise SpectrumError(known) from None


def sides(definition: Definition) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the x and the y parameters, as lists and files of spectra show them."""
    if KINDS[definition.kind].two_sided:
        x, y = definition.groups
        return x, y
    return definition.parameters, ()


def given_axes(definition: Definition) -> tuple[Axis, ...]:
    """Return the axes that its users gave: of a summary only that of y."""
    axes = [axis for axis in (definition.x_axis, definition.y_axis) if axis is not None]
    return tuple(axes[-KINDS[definition.kind].axes_given :])
