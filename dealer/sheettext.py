"""The hand-over sheet as Markdown and as HTML. Texts in, texts out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlencode

from dealer.sheetpictures import SheetPicture, svg_picture
from dealer.shiftsheet import Deed, ShiftScan, ShiftSheet
from dealer.timearguments import utc_text
from groundwork.printable import printable
from groundwork.truncation import cut

__all__ = ["html_sheet", "markdown_sheet"]

MAX_ROWS = 300
"""Of a part; the oldest are left out."""
MAX_CELL = 400
AROUND_S = 120.0
"""A link shows so much before and after its moment, s."""
_MARKDOWN = str.maketrans({each: f"\\{each}" for each in "\\`*_{}[]<>#|~"})
_NOT_LOOKED_FOR = "Shown for a shift that has just ended only, and where numpy is installed."
_STYLE = """\
body { font: 14px/1.45 system-ui, sans-serif; max-width: 72em; margin: 2em auto; padding: 0 1em; color: #171c22 }
table { border-collapse: collapse; width: 100%; margin: 0.4em 0 1.2em }
th, td { text-align: left; vertical-align: top; padding: 3px 9px; border-bottom: 1px solid #d3d9df }
td { overflow-wrap: anywhere } th { color: #525c67; font-weight: 500; white-space: nowrap }
td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin: 1.2em 0 0 } a { color: #1a5a9e } .none { color: #525c67 }
.pictures { display: flex; flex-wrap: wrap; gap: 8px 24px } figure { margin: 0; break-inside: avoid }
figcaption, svg text { font-size: 11px; color: #525c67; fill: #525c67 }
@media print { a { color: inherit; text-decoration: none } }
"""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of a table: its text, and the address that it leads to; empty: to none."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the sheet: titles of its columns, its rows, and what to say where there is none."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[_Cell]]
    none: str


def markdown_sheet(sheet: ShiftSheet, page: str = "") -> str:
    """Return the sheet as Markdown, to be written into a file.

    Args:
        sheet: What it tells.
        page: Address of a dashboard, to which moments are linked; empty: there are no links.
    """

    def cell(each: _Cell) -> str:
        text = each.text.translate(_MARKDOWN)
        return f"[{text}]({each.link})" if each.link else text

    lines = [f"# {_title(sheet).translate(_MARKDOWN)}", "", _period(sheet), ""]
    for part in _parts(sheet, page):
        lines += [f"## {part.title}", ""]
        if not part.rows:
            lines += [part.none, ""]
            continue
        lines += [_line(part.head), _line(["---"] * len(part.head))]
        lines += [_line([cell(each) for each in row]) for row in part.rows[-MAX_ROWS:]]
        lines += ["", *([_left_out(part), ""] if len(part.rows) > MAX_ROWS else [])]
    return "\n".join(lines)


def html_sheet(
    sheet: ShiftSheet, page: str = "", pictures: Sequence[SheetPicture] | None = None
) -> str:
    """Return the sheet as one HTML file that needs nothing else.

    Args:
        sheet: What it tells.
        page: As of `markdown_sheet`.
        pictures: Of the last spectra; None: none were looked for.
    """

    def cell(each: _Cell) -> str:
        text = escape(each.text)
        return f'<a href="{escape(each.link)}">{text}</a>' if each.link else text

    parts = []
    for part in _parts(sheet, page):
        parts.append(f"<h2>{escape(part.title)}</h2>")
        if not part.rows:
            parts.append(f'<p class="none">{escape(part.none)}</p>')
            continue
        head = "".join(f"<th>{escape(each)}</th>" for each in part.head)
        rows = ("".join(f"<td>{cell(each)}</td>" for each in row) for row in part.rows[-MAX_ROWS:])
        body = "".join(f"<tr>{row}</tr>\n" for row in rows)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>")
        if len(part.rows) > MAX_ROWS:
            parts.append(f'<p class="none">{escape(_left_out(part))}</p>')
    parts.append("<h2>Last spectra</h2>")
    if pictures:
        parts.append(f'<div class="pictures">{"".join(map(svg_picture, pictures))}</div>')
    else:
        why = _NOT_LOOKED_FOR if pictures is None else "No spectrum came."
        parts.append(f'<p class="none">{why}</p>')
    title = escape(_title(sheet))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n<p>{escape(_period(sheet))}</p>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _left_out(part: _Part) -> str:
    return f"{len(part.rows) - MAX_ROWS} older ones are left out."


def _title(sheet: ShiftSheet) -> str:
    return printable(f"Hand-over {sheet.title}".rstrip())


def _period(sheet: ShiftSheet) -> str:
    return f"{_utc(sheet.since)} to {_utc(sheet.until)} UTC"


def _utc(time: float) -> str:
    return utc_text(time).partition(".")[0]


def _parts(sheet: ShiftSheet, page: str) -> list[_Part]:
    links = _Links(page)
    deeds = ("time (UTC)", "who", "what", "Banks", "outcome")

    def rows(some: Iterable[Deed]) -> list[list[_Cell]]:
        return [_deed_cells(each, links) for each in some]

    standing = [[links.bank(bank), _text(text)] for bank, text in sheet.standing.items()]
    scans = [_scan_cells(each, links) for each in sheet.scans]
    head = ("set up (UTC)", "scan", "source", "ended", "outcome", "lost blocks", "notes")
    silent = [[_text(bank), _text(why)] for bank, why in sheet.silent.items()]
    return [
        _Part("As it stands", ("Bank", "state"), standing, "No Bank answered."),
        _Part("Scans", head, scans, "No scan was taken."),
        _Part("Faults and alarms", deeds, rows(sheet.faults), "None."),
        _Part("Acknowledged", deeds, rows(sheet.acknowledgements), "Nothing."),
        _Part("Control", deeds, rows(sheet.control), "Nobody took control."),
        _Part("Changes", deeds, rows(sheet.changes), "None."),
        _Part("Remarks of Players", deeds, rows(sheet.remarks), "None."),
        *([_Part("Not in this sheet", ("Bank", "why"), silent, "")] if silent else []),
    ]


class _Links:
    """Addresses at a dashboard."""

    def __init__(self, page: str) -> None:
        self._page = page.rstrip("/")

    def bank(self, name: str) -> _Cell:
        """Return a Bank that leads to its page."""
        return self._cell(name, lambda: f"/bank/{quote(name, safe='')}")

    def moment(self, path: str, first: float, last: float) -> _Cell:
        """Return a moment that leads to what a page has around it."""
        stretch = {"since": _utc(first - AROUND_S), "until": _utc(last + AROUND_S)}
        return self._cell(_utc(first), lambda: f"{path}?{urlencode(stretch)}")

    def _cell(self, text: str, address: Callable[[], str]) -> _Cell:
        return _Cell(printable(text), self._page + address() if self._page else "")


def _text(text: object) -> _Cell:
    return _Cell(printable(cut(str(text), MAX_CELL)))


def _deed_cells(deed: Deed, links: _Links) -> list[_Cell]:
    moment = links.moment("/journal", deed.first, deed.last)
    times = "" if deed.count <= len(deed.banks) else f" ({deed.count} times)"
    outcome = "" if deed.outcome == "remark" else deed.outcome
    told = f"{outcome}: {deed.text}" if outcome and deed.text else outcome
    return [
        moment,
        _text(deed.who),
        _text((deed.call or deed.text) + times),
        _text(", ".join(deed.banks)),
        _text(told),
    ]


def _scan_cells(scan: ShiftScan, links: _Links) -> list[_Cell]:
    ended = "" if scan.ended is None else _utc(scan.ended)[11:]
    by_outcome: dict[str, list[str]] = {}
    for bank, outcome in scan.outcomes.items():
        by_outcome.setdefault(outcome, []).append(bank)
    outcomes = "; ".join(f"{each}: {', '.join(banks)}" for each, banks in by_outcome.items())
    lost = ", ".join(f"{bank} {count:g}" for bank, count in scan.dropped.items())
    by_note: dict[str, list[str]] = {}
    for bank, note in scan.notes.items():
        by_note.setdefault(note, []).append(bank)
    notes = "; ".join(f"{', '.join(banks)}: {note}" for note, banks in by_note.items())
    return [
        links.moment("/history", scan.begun, scan.ended or scan.begun),
        *map(_text, (scan.number, scan.source, ended, outcomes, lost, notes)),
    ]
