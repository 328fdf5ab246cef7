"""Tables, sentences, bars and tracebacks on a terminal with styles: the one module that imports rich."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.traceback import Traceback

from commandline.progressstate import ProgressState

__all__ = ["progress", "sentence", "short_traceback", "table"]

MAX_WORD = 24
"""Columns of a word that is not broken to fit; a longer one, as the name of a file, may be."""
GAPS = (2, 1)
"""Spaces between columns of a table: as wished, and where there is little room."""
FRAMES = 4
"""Of a traceback: where the command began, and where it ended."""


def _styled(*parts: RenderableType, width: int, end: str = "") -> str:
    """Return what a console would write, with its escape codes."""
    console = Console(width=width, force_terminal=True, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(*parts, end=end, crop=False, soft_wrap=False)
    return captured.get()


def _columns() -> int:
    return shutil.get_terminal_size().columns


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    short: Sequence[Sequence[str]],
) -> str:
    """Return a table whose cells are wrapped between words where the terminal is too narrow.

    Where not even their words have room, each row is a paragraph with a line for each cell.

    Args:
        head: Titles of the columns; empty: none.
        rows: Cells, one for each column.
        numeric: Columns that are aligned to the right.
        short: Rows with fewer cells, which stand below as lines.
    """
    titles = head or [""] * len(numeric)
    fitting = (
        (gap, widths)
        for gap in GAPS
        if (widths := _widths([titles, *rows], _columns() - gap * (len(titles) - 1)))
    )
    gap, widths = next(fitting, (GAPS[0], []))
    if head and rows and not widths:
        parts: list[RenderableType] = [_paragraph(titles, row) for row in rows]
    else:
        parts = [_grid(head, rows, numeric, widths, gap)] if head or rows else []
    parts += [Text("  ".join(line), style="red") for line in short]
    shown = "".join(_styled(part, width=_columns(), end="\n") for part in parts)
    return shown.rstrip("\n")


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return the widths of columns that have so much room together; empty: their words have not."""
    columns = list(zip(*lines, strict=True))
    widths = [min(max(map(cell_len, column)), max(room, 1)) for column in columns]
    least = [
        min(MAX_WORD, max((cell_len(word) for cell in column for word in cell.split()), default=0))
        for column in columns
    ]
    if sum(least) > room:
        return []
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda n: (widths[n] > least[n], widths[n]))
        widths[widest] -= 1
    return widths


def _paragraph(titles: Sequence[str], row: Sequence[str]) -> RenderableType:
    """Return a row as a paragraph: a line for each cell that is not empty."""
    made = Table.grid(padding=(0, GAPS[0], 0, 0))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for title, cell in zip(titles, row, strict=True):
        if cell:
            made.add_row(Text(title), Text(cell))
    return Group(made, Text(""))


def _grid(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    widths: Sequence[int],
    gap: int,
) -> RenderableType:
    made = Table(box=None, show_header=bool(head), pad_edge=False, padding=(0, gap, 0, 0))
    titles = head or [""] * len(numeric)
    for number, title in enumerate(titles):
        is_right = number < len(numeric) and numeric[number]
        made.add_column(
            Text(title),
            justify="right" if is_right else "left",
            header_style="bold",
            style="bold" if not number and len(titles) > 1 else "",
            overflow="fold",
            width=widths[number] if widths else None,
        )
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def sentence(program: str, text: str) -> str:
    """Return a sentence behind the name of the program that says it; it wraps as the terminal does."""
    said = Text.assemble((f"{program}:", "bold red"), " ", text)
    return _styled(said, width=max(len(said) + 1, 1))


def progress(state: ProgressState, width: int) -> str:
    """Return a bar and what stands behind it, as long as `state.line(width)` is."""
    size = state.bar_size(width) + 2  # that of brackets
    bar = _styled(ProgressBar(total=1.0, completed=state.done, width=size), width=size)
    return bar + state.numbers()[: width - size]


def short_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> str:
    """Return a traceback with few frames, without the values of variables."""
    shown = Traceback.from_exception(kind, error, trace, max_frames=FRAMES)
    return _styled(shown, width=_columns())
