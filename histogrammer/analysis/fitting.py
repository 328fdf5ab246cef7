"""Fits of peaks and lines to the channels of a spectrum, by least squares. Pure.

A channel counts with its variance, which is its contents, and 1 where it is empty or below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from histogrammer.errors import FitError

__all__ = ["FITS", "fit", "parameter_errors"]

Floats = npt.NDArray[np.float64]

_MAX_STEPS = 200
_LESS = 1e-12
"""Relative change of chi-square with which a fit is done."""
_DAMPED = 1e12
"""No smaller step is tried."""


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


def parameter_errors(
    kind: str, found: Mapping[str, float], x: Floats, y: Floats
) -> dict[str, float]:
    """Return standard deviations of the parameters of a fit, by name: from the curvature of chi-square.

    Args:
        kind: One of `FITS`.
        found: As `fit` returned it.
        x: Places of channels.
        y: Their contents.

    Raises:
        FitError: The channels do not tell the parameters apart.
    """
    names, _ = FITS[kind]
    weights = 1.0 / np.sqrt(np.maximum(y, 1.0))
    if kind == "linear":
        slopes = np.stack([x, np.ones_like(x)], axis=1) * weights[:, np.newaxis]
    else:
        _, slopes = _peak(np.array([found[name] for name in names]), x, y, weights)
    scale = np.sqrt(np.square(slopes).sum(axis=0))
    try:
        scaled = np.linalg.inv((slopes / scale).T @ (slopes / scale))
    except np.linalg.LinAlgError as error:
        raise FitError(f"the {kind} fit has no errors: choose other limits") from error
    errors = np.sqrt(np.abs(scaled.diagonal())) / scale
    return dict(zip(names, map(float, errors), strict=True))


def _linear(x: Floats, y: Floats, weights: Floats) -> list[float]:
    """Return slope, offset and chi-square."""
    middle = float(x.mean())  # or a narrow range far from zero loses digits
    matrix = np.stack([x - middle, np.ones_like(x)], axis=1) * weights[:, np.newaxis]
    (slope, level), *_ = np.linalg.lstsq(matrix, y * weights)
    rest = (slope * (x - middle) + level - y) * weights
    return [slope, level - slope * middle, float(rest @ rest)]


def _gaussian(x: Floats, y: Floats, weights: Floats) -> list[float]:
    """Return baseline, height, centroid, sigma and chi-square: the best of what is found from some
    first guesses."""
    if y.min() == y.max():
        raise FitError("all channels have the same contents: there is no peak")
    found = [_descended(guess, x, y, weights) for guess in _guesses(x, y)]
    return min(found, key=lambda one: one[-1] if np.isfinite(one).all() else np.inf)


def _guesses(x: Floats, y: Floats) -> list[Floats]:
    """Return first guesses: from the moments of what is above the lowest contents, for a wide peak;
    from what is above half of the highest, over the middle contents, for a narrow one."""
    above = y - y.min()
    centroid = float(x @ above / above.sum())
    sigma = float(np.sqrt(above @ (x - centroid) ** 2 / above.sum()))
    level, top = float(np.median(y)), int(y.argmax())
    height = float(y[top]) - level
    narrow = float(np.count_nonzero(y - level > height / 2)) / 2.35
    return [
        np.array([float(y.min()), float(above.max()), centroid, max(sigma, 0.5)]),
        np.array([level, height, x[top], max(narrow, 0.5)]),
    ]


def _descended(found: Floats, x: Floats, y: Floats, weights: Floats) -> list[float]:
    """Return the parameters to which Levenberg's and Marquardt's method leads from a guess, and
    chi-square; NaN if it does not end."""
    rest, slopes = _peak(found, x, y, weights)
    chi, damping = float(rest @ rest), 1e-3
    for _ in range(_MAX_STEPS):
        square = slopes.T @ slopes
        try:
            step = np.linalg.lstsq(square + damping * np.diag(square.diagonal()), -slopes.T @ rest)[
                0
            ]
        except np.linalg.LinAlgError:
            break
        new_rest, new_slopes = _peak(found + step, x, y, weights)
        new_chi = float(new_rest @ new_rest)
        if not new_chi <= chi:  # NaN, too
            damping *= 10
            if damping > _DAMPED:
                return [*found[:3], abs(float(found[3])), chi]
            continue
        is_done = chi - new_chi <= _LESS * chi
        found, rest, slopes, chi = found + step, new_rest, new_slopes, new_chi
        damping /= 10
        if is_done:
            return [*found[:3], abs(float(found[3])), chi]
    return [np.nan] * 5


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
