"""Pictures of spectra with their gates, as PNG. Needs matplotlib, of the extra `plot`."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from groundwork.truncation import cut
from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.gates.condition import Condition
from histogrammer.spectra import sides
from histogrammer.spectra.definition import Definition

__all__ = ["MAX_PIXELS", "PictureOf", "draw", "gates_of"]

MAX_PIXELS = 4096
"""Of a side."""
_DPI = 100
_BINS_FLAT, _BINS_PLANE = 4096, 1024
"""Drawn along an axis; of more some are drawn together."""
_MAX_GATES = 50
_SLICES, _BANDS = ("s", "gs"), ("b", "gb")
_OUTLINED = ("c", "gc", *_BANDS)

Floats = npt.NDArray[np.float64]

_drawing = Lock()  # fonts of matplotlib are shared by all pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOf:
    """Contents of a picture.

    Attributes:
        definition: The spectrum.
        cells: Its cells, which nobody changes any more.
        gates: Name -> gate, of those that are drawn.
        applied: Name of the gate that is applied to it; None: none is.
        width: Pixels.
        height: Pixels.
        is_log: Counts are drawn logarithmically.
    """

    definition: Definition
    cells: Floats
    gates: Mapping[str, Condition]
    applied: str | None
    width: int = 800
    height: int = 500
    is_log: bool = False


def gates_of(definition: Definition, conditions: Mapping[str, Condition]) -> dict[str, Condition]:
    """Return the gates that can be drawn into a spectrum: of its parameters, slices in one
    dimension, contours and bands in two."""
    xs, ys = sides(definition)
    found: dict[str, Condition] = {}
    for name, gate in conditions.items():
        fits = _fits_plane if definition.y_axis is not None else _fits_flat
        if fits(gate, xs, ys) and len(found) < _MAX_GATES:
            found[name] = gate
    return found


def _fits_flat(gate: Condition, xs: tuple[str, ...], _ys: tuple[str, ...]) -> bool:
    return gate.letters in _SLICES and not set(gate.parameters).isdisjoint(xs)


def _fits_plane(gate: Condition, xs: tuple[str, ...], ys: tuple[str, ...]) -> bool:
    if gate.letters not in _OUTLINED:
        return False
    if gate.letters.startswith("g") or not ys:
        return len(set(gate.parameters) & {*xs, *ys}) > 1
    x, y = gate.parameters
    return x in xs and y in ys


def draw(picture: PictureOf) -> bytes:
    """Return a picture as PNG.

    Raises:
        SpectrumError: It is larger than is drawn, cannot be drawn, or matplotlib is not installed.
    """
    for pixels in (picture.width, picture.height):
        if not 64 <= pixels <= MAX_PIXELS:
            raise SpectrumError(f"{pixels} pixels: a side has 64 to {MAX_PIXELS}")
    try:
        from matplotlib.figure import Figure  # late: of an extra, and a second
    except ImportError as error:
        raise SpectrumError("matplotlib is not there: pip install 'dealer-player[plot]'") from error
    with _drawing, _told():
        size = picture.width / _DPI, picture.height / _DPI
        figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
        axes = figure.subplots()
        (_draw_flat if picture.definition.y_axis is None else _draw_plane)(figure, axes, picture)
        axes.set_title(_plain(picture.definition.name))
        if picture.gates:
            axes.legend(loc="upper right", fontsize="small")
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=_DPI)
    return out.getvalue()


@contextmanager
def _told() -> Iterator[None]:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # letters that no font has, and the like
            yield
    except (ArithmeticError, ValueError) as error:  # limits near the ends of all numbers
        raise SpectrumError(f"it cannot be drawn: {error}") from error


def _plain(text: str) -> str:
    """Return a text as it is drawn: no formulas, no signs without a shape."""
    return "".join(sign if sign.isprintable() else "?" for sign in cut(text, 80)).replace(
        "$", r"\$"
    )


def _draw_flat(_figure: Any, axes: Any, picture: PictureOf) -> None:
    axis = picture.definition.x_axis
    counts, edges = _together(picture.cells[1:-1], axis, _BINS_FLAT, np.max)
    axes.stairs(counts, edges, color="black", linewidth=0.8)
    if picture.is_log:
        axes.set_yscale("symlog", linthresh=1.0)
    axes.set_xlim(axis.low, axis.high)
    axes.set_ylabel("counts")
    axes.set_xlabel(_plain(", ".join(picture.definition.parameters)))
    for name, gate, color, width in _colored(picture):
        (low, _), (high, _) = gate.points
        axes.axvspan(low, high, color=color, alpha=0.25, linewidth=width, label=_plain(name))


def _draw_plane(figure: Any, axes: Any, picture: PictureOf) -> None:
    from matplotlib.colors import LogNorm

    definition = picture.definition
    x_axis, y_axis = definition.x_axis, definition.y_axis
    assert y_axis is not None
    counts = picture.cells[1:-1, 1:-1]
    counts, x_edges = _together(counts, x_axis, _BINS_PLANE, np.sum)
    counts, y_edges = _together(np.ascontiguousarray(counts.T), y_axis, _BINS_PLANE, np.sum)
    shown = np.ma.masked_equal(counts.T, 0)
    norm = LogNorm(vmin=1.0) if picture.is_log and (counts > 1).any() else None
    image = axes.imshow(
        shown,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(x_edges[0], x_edges[-1], y_edges[0], y_edges[-1]),
        norm=norm,
    )
    figure.colorbar(image, ax=axes, label="counts")
    xs, ys = sides(definition)
    axes.set_xlabel(_plain(", ".join(xs if ys else ())))
    axes.set_ylabel(_plain(", ".join(ys or xs)))
    axes.set_xlim(x_axis.low, x_axis.high)
    axes.set_ylim(y_axis.low, y_axis.high)
    for name, gate, color, width in _colored(picture):
        points = list(gate.points)
        if gate.letters not in _BANDS:
            points.append(points[0])
        axes.plot(*zip(*points, strict=True), color=color, linewidth=width, label=_plain(name))


def _colored(picture: PictureOf) -> Iterator[tuple[str, Condition, str, float]]:
    """Yield gates with color and width of their lines; what is applied is told and wider."""
    for number, (name, gate) in enumerate(picture.gates.items()):
        is_applied = name == picture.applied
        told = f"{name} (applied)" if is_applied else name
        yield told, gate, f"C{number % 9 + 1}", 2.0 if is_applied else 1.0


def _together(
    counts: Floats, axis: Axis, most: int, join: Callable[..., Floats]
) -> tuple[Floats, Floats]:
    """Return counts with bins along the last axis joined until there are not too many, and their
    edges; what is missing to a whole join is empty, beyond the axis."""
    factor = math.ceil(axis.bins / most)
    joined = math.ceil(axis.bins / factor)
    missing = joined * factor - axis.bins
    padded = np.pad(counts, [(0, 0)] * (counts.ndim - 1) + [(0, missing)])
    edges: Floats = axis.low + np.arange(joined + 1, dtype=np.float64) * (factor * axis.width)
    return join(padded.reshape(*counts.shape[:-1], joined, factor), axis=-1), edges
