"""A frame of a pipe as a small plot in the terminal, with a line that says which it is."""

from __future__ import annotations

from typing import Any

from dealer.channelrecords import clock_text
from dealer.termplot import draw_plot
from groundwork.printable import printable
from zmqjsonproxy.channels.updates import Update

__all__ = ["frame_lines"]

_POINTS_PER_COLUMN = 16


def frame_lines(
    update: Update, units: tuple[str, str], columns: int, rows: int, ascii_only: bool
) -> list[str]:
    """Return the lines of a plot.

    Args:
        update: A frame; of several rows the last is drawn, of complex numbers the absolute values.
        units: Of its numbers, and of its axis.
        columns: Of a line.
        rows: Lines, at least 2.
        ascii_only: Draw for a terminal that has no braille.

    Raises:
        TypeError: It holds no numbers.
    """
    data, others = _last_row(update.value["data"])
    points = len(data)
    bounds = _bounds(data, columns)
    start, delta = float(update.value["x_start"]), float(update.value["x_delta"])
    unit, x_unit = map(printable, units)
    axis = f"{start:g} .. {start + delta * max(points - 1, 0):g} {x_unit}".rstrip()
    told = [
        f"{update.source} {printable(update.name)}",
        f"{points} points {f'in {unit}' if unit else ''}".rstrip(),
        axis,
        f"number {update.number}",
        clock_text(update.time),
    ]
    if others:
        told.insert(2, f"last of {others} rows")
    drawn = draw_plot(*bounds, columns=columns, rows=max(rows - 1, 1), ascii_only=ascii_only)
    return ["  ".join(told), *drawn]


def _last_row(data: Any) -> tuple[Any, int]:
    """Return the last row along the last axis, and how many rows there are; 0: it is the only one."""
    others = 1
    while getattr(data, "ndim", 1) > 1 or (isinstance(data, list) and _is_nested(data)):
        others *= len(data)
        if not others:
            return [], 0
        data = data[-1]
    if getattr(data, "ndim", 1) == 0:
        return [data.item()], 0
    return data, others if others > 1 else 0


def _is_nested(data: list[Any]) -> bool:
    return bool(data) and isinstance(data[-1], list)


def _bounds(data: Any, columns: int) -> tuple[list[float | None], ...]:
    """Return what is drawn: the points, or of many the bounds of each column of dots."""
    if isinstance(data, list):
        return ([None if each is None else _number(each) for each in data],)
    if data.dtype.kind == "c":
        data = abs(data)
    if data.dtype.kind not in "biuf":
        raise TypeError("it holds no numbers")
    if len(data) < _POINTS_PER_COLUMN * columns:
        return (data.astype(float).tolist(),)
    from zmqjsonproxy.channels.reducedframe import Reduction
    from zmqjsonproxy.channels.reduction import Band, reduce_frame, restore

    band = restore(reduce_frame(data.astype("<f8"), Reduction(width=2 * columns)))
    assert isinstance(band, Band)
    return band.lower.tolist(), band.upper.tolist()


def _number(value: Any) -> float:
    if not isinstance(value, int | float):
        raise TypeError("it holds no numbers")
    return float(value)
