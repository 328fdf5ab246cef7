"""Fits of peaks and lines to the channels of a spectrum, by least squares. Pure.

A channel counts with its variance, which is its contents, and 1 where it is empty or below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from histogrammer.errors import FitError

__all__ = ["FITS", "fit"]

Floats = npt.NDArray[np.float64]

_STEPS_MOST = 200
_LESS = 1e-12
"""Relative change of chi-square with which a fit is done."""


def fit(kind: str, x: Floats, y: Floats) -> dict[str, float]:
    """Return the parameters of a fit, and its chi-square, by name.

    Args:
        kind: One of `FITS`.
        x: Places of channels.
        y: Their contents.

    Raises:
        FitError: There are fewer channels than parameters, or it does not converge.
    """
    names, function = FITS[kind]
    if len(x) < len(names):
        raise FitError(f"{len(x)} channels: a {kind} fit needs {len(names)} at least")
    with np.errstate(all="ignore"):
        found = function(x, y, 1.0 / np.sqrt(np.maximum(y, 1.0)))
    if not all(map(np.isfinite, found)):
        raise FitError(f"the {kind} fit does not converge: choose other limits")
    return dict(zip((*names, "chisquare"), map(float, found), strict=True))


def _linear(x: Floats, y: Floats, weights: Floats) -> list[float]:
    """Return slope, offset and chi-square."""
    middle = float(x.mean())  # or a narrow range far from zero loses digits
    matrix = np.stack([x - middle, np.ones_like(x)], axis=1) * weights[:, np.newaxis]
    (slope, level), *_ = np.linalg.lstsq(matrix, y * weights)
    rest = (slope * (x - middle) + level - y) * weights
    return [slope, level - slope * middle, float(rest @ rest)]


def _gaussian(x: Floats, y: Floats, weights: Floats) -> list[float]:
    """Return baseline, height, centroid, sigma and chi-square, by Levenberg's and Marquardt's
    method from the moments of what is above the lowest contents."""
    baseline = float(y.min())
    above = y - baseline
    total = float(above.sum())
    if total <= 0:
        raise FitError("all channels have the same contents: there is no peak")
    centroid = float(x @ above) / total
    sigma = max(float(np.sqrt(above @ (x - centroid) ** 2 / total)), 0.5)
    found = np.array([baseline, float(above.max()), centroid, sigma])
    rest, slopes = _peak(found, x, y, weights)
    chi, damping = float(rest @ rest), 1e-3
    for _ in range(_STEPS_MOST):
        square = slopes.T @ slopes
        step = np.linalg.lstsq(square + damping * np.diag(square.diagonal()), -slopes.T @ rest)[0]
        new_rest, new_slopes = _peak(found + step, x, y, weights)
        new_chi = float(new_rest @ new_rest)
        if not new_chi <= chi:  # NaN, too
            damping *= 10
            if damping > 1e12:
                break
            continue
        is_done = chi - new_chi <= _LESS * chi
        found, rest, slopes, chi, damping = (
            found + step,
            new_rest,
            new_slopes,
            new_chi,
            damping / 10,
        )
        if is_done:
            break
    else:
        raise FitError("the gaussian fit does not converge: choose other limits")
    return [*found[:3], abs(float(found[3])), chi]


def _peak(found: Floats, x: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return what is left of the contents, and how it changes with each parameter; weighted."""
    baseline, height, centroid, sigma = found
    at = (x - centroid) / sigma
    bell = np.exp(-at * at / 2)
    slopes = np.stack(
        [np.ones_like(x), bell, height * bell * at / sigma, height * bell * at * at / sigma], axis=1
    )
    return (baseline + height * bell - y) * weights, slopes * weights[:, np.newaxis]


FITS: Mapping[str, tuple[tuple[str, ...], Callable[[Floats, Floats, Floats], list[float]]]] = {
    "linear": (("slope", "offset"), _linear),
    "gaussian": (("baseline", "height", "centroid", "sigma"), _gaussian),
}
"""Kind -> names of its parameters, and what finds them and chi-square."""
