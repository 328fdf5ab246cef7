"""Projections of spectra of two dimensions onto one of their axes."""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt

from histogrammer.analysis.regions import Inside, channels_inside
from histogrammer.errors import SpectrumError
from histogrammer.spectra import KINDS
from histogrammer.spectra.channels import list_channels
from histogrammer.spectra.definition import Definition

__all__ = ["ProjectionAxis", "projected_band", "projected_cells", "projected_definition"]

Floats = npt.NDArray[np.float64]


class ProjectionAxis(Enum):
    """The axis that a projection keeps."""

    X = "x"
    Y = "y"


def projected_definition(source: Definition, direction: ProjectionAxis, name: str) -> Definition:
    """Return the definition of a projection: its kind, parameters and axis.

    Raises:
        SpectrumError: Spectra of this kind cannot be projected.
    """
    kept = 0 if direction is ProjectionAxis.X else 1
    match source.kind:
        case "2":
            letters, names = "1", source.groups[kept]
        case "m2":
            letters, names = "g1", source.groups[kept]
        case "gd":
            partners = source.groups[1 - kept]
            letters, names = "g1", tuple(name for name in source.groups[kept] for _ in partners)
        case "g2":
            letters, names = "g1", source.parameters
        case _:
            raise SpectrumError(f"{KINDS[source.kind].title} spectra cannot be projected")
    axis = source.x_axis if direction is ProjectionAxis.X else source.y_axis
    assert axis is not None  # all of these have two
    return KINDS[letters].define(name, (names,), (axis,))


def projected_cells(
    source: Definition, cells: Floats, direction: ProjectionAxis, contour: Inside | None = None
) -> Floats:
    """Return the cells of a projection: a new array, the source is not touched.

    Without a contour, flow of the axis that is summed counts, and that of the other axis stays
    flow. With a contour, only bins whose lower-edge corner is inside it count, and no flow.
    """
    summed = 0 if direction is ProjectionAxis.X else 1
    if contour is None:
        sums: Floats = cells.sum(axis=summed)
        return sums
    channels = list_channels(source, cells, flow=False)
    kept = channels_inside(channels, contour)
    numbers = channels.x_numbers if direction is ProjectionAxis.X else channels.y_numbers
    return np.bincount(
        numbers[kept] + 1, channels.values[kept], minlength=cells.shape[1 - summed]
    ).astype(np.float64)


def projected_band(cells: Floats, direction: ProjectionAxis, first: int, last: int) -> Floats:
    """Return the cells of a projection of bins `first` to `last` of the axis that is summed: a new array.

    Flow of the axis that is kept stays flow.
    """
    band = slice(first + 1, last + 2)
    kept = cells[band] if direction is ProjectionAxis.X else cells[:, band]
    sums: Floats = kept.sum(axis=0 if direction is ProjectionAxis.X else 1)
    return sums
