"""Tables of the matrix in the documentation: a table for each reader and kind of file, a row for
each file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from readers.matrix import Figure, Result

__all__ = ["PAGE", "tables", "write_tables"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "readers.md"
BEGIN, END = (
    "<!-- tables of `make readers`: begin -->\n",
    "<!-- tables of `make readers`: end -->\n",
)


def tables(results: Iterable[Result]) -> str:
    """Markdown: what was found less what was put in; a refusal in its own words."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault(
            (result.reader.name, "" if result.reader.program else result.case.kind), []
        ).append(result)
    return "\n".join(_table(reader, kind, group) for (reader, kind), group in groups.items())


def _table(reader: str, kind: str, results: list[Result]) -> str:
    names: dict[str, str] = {}
    for result in results:
        for figure in result.figures:
            names.setdefault(
                figure.name, f"{figure.name}{f', {figure.unit}' if figure.unit else ''}"
            )
    version = next((result.version for result in results if result.version), "")
    lines = [f"### {' '.join(filter(None, (reader, version)))}{f': {kind}' if kind else ''}\n"]
    lines += [f"| file | {' | '.join(names.values())} |", "|---" * (len(names) + 1) + "|"]
    for result in results:
        cells = [""] * len(names)
        by_name = {figure.name: figure for figure in result.figures}
        for place, name in enumerate(names):
            if name in by_name:
                cells[place] = _cell(by_name[name])
        if result.refusal and cells:
            cells[0] = result.refusal
        lines.append(f"| {result.case.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(figure: Figure) -> str:
    off = figure.found - figure.expected
    text = "0" if off == 0 else f"{off:+.2g}"
    return text if figure.is_right else f"**{text}**"


def write_tables(results: Iterable[Result]) -> None:
    """Put them into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + "\n" + tables(results) + "\n" + END + after, encoding="utf-8")
