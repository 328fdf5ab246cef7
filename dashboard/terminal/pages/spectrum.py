"""Page of the newest frame of a pipe of one Bank, as a plot of characters."""

from __future__ import annotations

import math
from typing import Any

from dashboard.terminal.lines import Line, fitted
from dashboard.terminal.pages.bankhead import bank_head
from dashboard.terminal.pages.page import Look, PageBody, whole_rows
from dashboard.terminal.snapshot import ArraySnapshot, Pipe
from dashboard.terminal.texts import number_text, span, visible
from dealer.termplot import Values, draw_plot

__all__ = ["SpectrumPage", "window_of"]

MAX_ZOOM = 12
"""Halvings of what is seen."""
_AROUND = 6
"""Lines of a terminal that are not of the plot."""


class SpectrumPage:
    """See TerminalPage."""

    name, letter, is_of_bank = "Spectrum", "s", True
    keys = "+ - Bank  n pipe  r row  d dB  i o zoom  < > move"
    topics = ("overview",)

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        if key in ("n", "d", "r"):
            name = {"n": "pipe", "d": "decibels", "r": "row"}[key]
            look.options[name] = look.option(name) + 1
            if key == "n":
                look.options |= {"zoom": 0, "place": 0, "row": 0}
        elif key in ("i", "o"):
            zoom = min(max(look.option("zoom") + (1 if key == "i" else -1), 0), MAX_ZOOM)
            place = look.option("place")
            if zoom != look.option("zoom"):
                place = place * 2 + 1 if key == "i" else (place - 1) // 2
            look.options |= {"zoom": zoom, "place": min(max(place, 0), 2 ** (zoom + 1) - 2)}
        elif key in ("<", ">", "left", "right"):
            step = 1 if key in (">", "right") else -1
            most = 2 ** (look.option("zoom") + 1) - 2
            look.options["place"] = min(max(look.option("place") + step, 0), most)
        else:
            return False
        return True

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        row, pipes = shown.row(look.bank), shown.pipes.get(look.bank, ())
        if row is None or not pipes:
            return PageBody(head=[((f"{visible(look.bank, 40)} has no spectra", "dim"),)])
        pipe = pipes[look.option("pipe") % len(pipes)]
        head = bank_head(shown, row, look)
        if pipe.frame is None:
            name = visible(pipe.about["name"], 60)
            return PageBody(head=[head, ((f"{name}: no frame has come yet", "dim"),)])
        bounds = _bounds(pipe.frame, look)
        if bounds is None:
            return PageBody(
                head=[head, ((f"{visible(pipe.about['name'], 60)}: no numbers", "dim"),)]
            )
        rows, (lower, upper) = max(height - _AROUND, 1), bounds
        plot = draw_plot(lower, upper, columns=width, rows=rows, ascii_only=look.ascii_only)
        style = "stale" if shown.is_stale(look.bank) else ""
        lines: list[Line] = [((line, style),) for line in plot]
        title = _title(pipe, look, shown.now)
        return PageBody(head=[head, title], rows=whole_rows(lines), foot=[_axis(pipe, width)])


def window_of(pipe: Pipe | None, look: Look) -> tuple[int, int] | None:
    """Return the first point that is to be seen of a frame, and one after the last; None: all are.

    Half of what is seen is one step.
    """
    zoom = look.option("zoom")
    if not zoom or pipe is None or pipe.frame is None:
        return None
    points, _, _ = _extent(pipe.frame)
    length = max(points >> zoom, 2)
    first = min(look.option("place") * max(length // 2, 1), max(points - length, 0))
    return first, first + length


def _array(frame: Any) -> Any:
    return frame["lower" if "lower" in frame else "data"]


def _extent(frame: Any) -> tuple[int, int, int]:
    """Return the points of the whole frame, the first that is there, and one after the last."""
    points = int(frame.get("points", _array(frame).shape[-1]))
    first, end = frame.get("window", (0, points))
    return points, int(first), int(end)


def _flat(array: Any, row: int) -> Any:
    while getattr(array, "ndim", 1) > 1:
        array = array[row % len(array)] if array.ndim == 2 else array[0]
    return array


def _bounds(frame: Any, look: Look) -> tuple[Values, Values] | None:
    """Return lower and upper values of the chosen row of a frame; None: it holds no numbers."""
    rows = []
    for name in ("lower", "upper"):
        row = _flat(frame.get(name, frame.get("data")), look.option("row"))
        if getattr(getattr(row, "dtype", None), "kind", "") not in ("i", "u", "f", "c"):
            return None
        rows.append((abs(row) if row.dtype.kind == "c" else row).tolist())
    lower, upper = rows
    if look.option("decibels") % 2:
        return _decibels(lower), _decibels(upper)
    return lower, upper


def _decibels(values: list[float]) -> list[float | None]:
    return [10 * math.log10(value) if value > 0 else None for value in values]


def _title(pipe: Pipe, look: Look, now: float) -> Line:
    about = pipe.about
    unit = visible(about.get("unit") or "", 20)
    scale = f"dB of {unit}" if look.option("decibels") % 2 else unit
    array = _array(pipe.frame)
    row = ""
    if getattr(array, "ndim", 1) > 1:
        row = f"  row {look.option('row') % array.shape[-2] + 1} of {array.shape[-2]}"
    age = f"{span(max(now - pipe.time, 0.0))} old"
    return (
        (visible(about["name"], 60), "bold"),
        (f"  {scale}{row}  frame {pipe.count}, ", ""),
        (age, "dim"),
    )


def _axis(pipe: Pipe, width: int) -> Line:
    """Return where the plot begins and ends."""
    frame = pipe.frame
    unit = visible(pipe.about.get("x_unit") or "", 20)
    _, first, end = _extent(frame)
    start, step = float(frame.get("x_start", 0.0)), float(frame.get("x_delta", 1.0))
    left = f"{number_text(start + step * first)} {unit}".rstrip()
    right = f"{number_text(start + step * end)} {unit}".rstrip()
    return ((fitted(left, max(width - len(right), 0)) + right, "dim"),)
