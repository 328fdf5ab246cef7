"""A frame of a pipe as a small plot in the terminal, with a line that says which it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    bounds, others = _last_rows(update.value)
    points = int(update.value.get("points", len(bounds[0])))
    drawn_bounds = _plain(bounds, columns)
    start, delta = float(update.value["x_start"]), float(update.value["x_delta"])
    unit, x_unit = map(printable, units)
    axis = f"{start:g} .. {start + delta * max(points - 1, 0):g} {x_unit}".rstrip()
    told = [
        f"{update.source} {printable(update.name)}",
        f"{points} points {f'in {unit}' if unit else ''}".rstrip(),
        axis,
        clock_text(update.time),
    ]
    if others:
        told.insert(2, f"last of {others} rows")
    drawn = draw_plot(*drawn_bounds, columns=columns, rows=max(rows - 1, 1), ascii_only=ascii_only)
    return ["  ".join(told), *drawn]


def _last_rows(value: Mapping[str, Any]) -> tuple[list[Any], int]:
    """Return the last row of the points, or of their bounds, and how many rows there are; 0: it is
    the only one."""
    bounds = [value[name] for name in ("data", "lower", "upper") if name in value]
    others = 1
    while bounds and _is_nested(bounds[0]):
        others *= len(bounds[0])
        bounds = [each[-1] for each in bounds]
    if not bounds or not hasattr(bounds[0], "__len__"):
        raise TypeError("it holds no points")
    return bounds, others if others > 1 else 0


def _is_nested(data: Any) -> bool:
    if isinstance(data, list):
        return bool(data) and isinstance(data[-1], list)
    return getattr(data, "ndim", 1) > 1 and len(data) > 0


def _plain(bounds: Sequence[Any], columns: int) -> tuple[list[float | None], ...]:
    """Return what is drawn as lists: points, or bounds, also those of points that are many more
    than columns."""
    if isinstance(bounds[0], list):
        return tuple([None if each is None else _number(each) for each in some] for some in bounds)
    data = abs(bounds[0]) if bounds[0].dtype.kind == "c" else bounds[0]
    if data.dtype.kind not in "biuf":
        raise TypeError("it holds no numbers")
    if len(bounds) == 1 and len(data) >= _POINTS_PER_COLUMN * columns:
        from zmqjsonproxy.channels.reducedframe import Reduction
        from zmqjsonproxy.channels.reduction import reduce_frame, restore

        bounds = list(restore(reduce_frame(data.astype("<f8"), Reduction(width=2 * columns))))
    elif len(bounds) == 1:
        bounds = [data]
    return tuple(each.astype(float).tolist() for each in bounds)


def _number(value: Any) -> float:
    if not isinstance(value, int | float):
        raise TypeError("it holds no numbers")
    return float(value)
