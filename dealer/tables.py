"""Tables as aligned text and as HTML. Knows nothing of Banks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

__all__ = ["html_table", "text_table"]


def text_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return the lines of a table; numbers are aligned to the right, the rest to the left.

    Args:
        head: Titles of the columns; empty: no line of titles.
        rows: Cells. The last cell of a row that is shorter than the others may run over the columns
            after it.
    """
    lines = [[_cell(cell) for cell in row] for row in rows]
    columns = max([len(head), *map(len, lines)])
    whole = [line for line in lines if len(line) == columns]
    counted = [
        *([list(head)] if head else []),
        *whole,
        *(line[:-1] for line in lines if len(line) < columns),
    ]
    widths = [
        max((len(line[n]) for line in counted if n < len(line)), default=0) for n in range(columns)
    ]
    right = [bool(whole) and all(_is_number(line[n]) for line in whole) for n in range(columns)]

    def text(line: Sequence[str]) -> str:
        cells = [
            c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=False)
        ]
        if len(line) < columns:
            cells[-1] = line[-1]
        return "  ".join(cells).rstrip()

    return "\n".join(text(line) for line in ([list(head)] if head else []) + lines)


def html_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return the same as HTML; all text is escaped, several lines keep their form, an SVG picture
    is shown."""

    def line(cells: Sequence[Any], tag: str) -> str:
        return (
            "<tr>" + "".join(f"<{tag}>{_html_cell(str(cell))}</{tag}>" for cell in cells) + "</tr>"
        )

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


def _html_cell(text: str) -> str:
    from base64 import b64encode  # for notebooks only
    from html import escape

    if text.startswith("<svg "):
        # As an image, not as a part of the page: whatever the picture holds is drawn and never run.
        return f'<img src="data:image/svg+xml;base64,{b64encode(text.encode()).decode()}" alt="picture">'
    return f"<pre>{escape(text)}</pre>" if "\n" in text else escape(text)


def _cell(value: Any) -> str:
    return " ".join(str(value).split())


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text)
        return True
    return text == "-"
