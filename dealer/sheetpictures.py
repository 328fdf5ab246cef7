"""Small pictures of spectra for the hand-over sheet, as SVG. Numbers in, text out; needs no numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dealer.timearguments import utc_text
from groundwork.printable import printable
from groundwork.truncation import cut

__all__ = ["PIXELS", "SheetPicture", "read_picture", "svg_picture"]

PIXELS = 300
"""Width of a curve: a frame that has three times as many points comes as bounds."""
MAX_ROWS = 8
"""Curves of a picture: the first ones of a frame."""
_MAX_POINTS = 3 * PIXELS
_HEIGHT, _TOP, _BOTTOM = 110, 18, 16
_MAX_LABEL = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPicture:
    """Curves of one frame.

    Attributes:
        label: Bank and pipe.
        time: Of the frame, UTC, unix seconds.
        unit: Of its values.
        first: x of its first point.
        last: x of its last point.
        rows: Curves, each from the left to the right; of what was reduced the lower and upper bound in turns.
    """

    label: str
    time: float
    unit: str
    first: float
    last: float
    rows: Sequence[Sequence[float]]


def read_picture(label: str, time: float, unit: str, value: Any) -> SheetPicture | None:
    """Return the picture of a frame; None: it has no curves, as a heat map has none, or cannot be read.

    Args:
        label: Bank and pipe.
        time: Of the frame, UTC, unix seconds.
        unit: Of its values.
        value: As a pipe publishes it.
    """
    if not isinstance(value, Mapping) or "y_start" in value:
        return None
    lower, upper = (value.get(key, value.get("data")) for key in ("lower", "upper"))
    if not (_has_numbers(lower) and _has_numbers(upper) and lower.shape == upper.shape):
        return None
    width = lower.shape[-1]
    if width > _MAX_POINTS:  # who sent it does not reduce
        return None
    pairs = zip(lower.reshape(-1, width)[:MAX_ROWS], upper.reshape(-1, width), strict=False)
    rows = [
        [float(each) for pair in zip(low.tolist(), high.tolist(), strict=True) for each in pair]
        for low, high in pairs
    ]
    start, delta, points = (
        _number(value.get(key, default))
        for key, default in (("x_start", 0.0), ("x_delta", 1.0), ("points", width))
    )
    end = start + delta * (points - 1)
    if not math.isfinite(end):  # what says where its points are is no number
        return None
    return SheetPicture(label=label, time=time, unit=unit, first=start, last=end, rows=rows)


def _number(value: Any) -> float:
    """Return what a Bank calls a number; NaN: it is none."""
    try:
        return float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return math.nan


def _has_numbers(array: Any) -> bool:
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    return bool(kind) and kind in "iuf" and array.ndim > 0 and array.size > 0


def svg_picture(picture: SheetPicture) -> str:
    """Return a picture as an element of HTML, with its label, time and scales."""
    finite = [each for row in picture.rows for each in row if math.isfinite(each)]
    least, greatest = min(finite, default=0.0), max(finite, default=1.0)
    half = greatest / 2 - least / 2 or 0.5  # the whole may be no number any more
    bottom = _HEIGHT - _BOTTOM
    lines = []
    for row in picture.rows:
        step = PIXELS / max(len(row) - 1, 1)
        places = (
            f"{at * step:.1f},{bottom - (each / 2 - least / 2) / half * (bottom - _TOP):.1f}"
            for at, each in enumerate(row)
            if math.isfinite(each)
        )
        lines.append(
            f'<polyline points="{" ".join(places)}" fill="none" stroke="#1a5a9e" stroke-width="1"/>'
        )
    label = escape(printable(cut(picture.label, _MAX_LABEL)))
    unit = escape(printable(cut(picture.unit, 20)))
    when = utc_text(picture.time).partition(".")[0]
    edges = (("start", 0, picture.first), ("end", PIXELS, picture.last))
    numbers = "".join(
        f'<text x="{x}" y="{_HEIGHT - 3}" text-anchor="{anchor}">{value:g}</text>'
        for anchor, x, value in edges
    )
    return (
        f"<figure><figcaption>{label}, {when} UTC, {least:g} to {greatest:g} {unit}</figcaption>"
        f'<svg viewBox="0 0 {PIXELS} {_HEIGHT}" width="{PIXELS}" height="{_HEIGHT}" role="img" '
        f'aria-label="{label}">{"".join(lines)}{numbers}</svg></figure>'
    )
