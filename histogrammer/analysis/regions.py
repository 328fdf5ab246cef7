"""Contours over the bins of a spectrum, by the corners at their lower edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.spectra.channels import Channels

__all__ = ["Inside", "channels_inside"]

Inside: TypeAlias = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.bool_]]
"""Points of the shape (n, 2), x and y in the units of the axes -> which are inside; shape (n,)."""


def channels_inside(channels: Channels, inside: Inside) -> npt.NDArray[np.bool_]:
    """Tell which channels have their lower-edge corner inside a contour; shape (channels,)."""
    return inside(np.column_stack((channels.x, channels.y)))
