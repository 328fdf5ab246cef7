"""Tables as HTML, for notebooks. Knows nothing of Banks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["html_table"]


def html_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows of cells as HTML; all text is escaped, several lines keep their form, an SVG picture
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
