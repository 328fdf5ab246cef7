"""Over- and underflow of spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FlowSums", "flow_of"]


@dataclass(frozen=True, slots=True)
class FlowSums:
    """Sums of flow cells, each (x, y). Corners of two dimensions count on both axes.

    Attributes:
        underflows: Below the axes; y is 0 in one dimension.
        overflows: Above the axes.
    """

    underflows: tuple[float, float]
    overflows: tuple[float, float]


def flow_of(cells: npt.NDArray[np.float64]) -> FlowSums:
    """Return the flow of the cells of a spectrum, of shape (x,) or (y, x)."""
    if cells.ndim == 1:
        return FlowSums((float(cells[0]), 0.0), (float(cells[-1]), 0.0))
    return FlowSums(
        (float(cells[:, 0].sum()), float(cells[0].sum())),
        (float(cells[:, -1].sum()), float(cells[-1].sum())),
    )
