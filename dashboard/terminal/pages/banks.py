"""Page of all Banks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.terminal.lines import Cell, Line, TableColumn, restyled, table_line, wrapped
from dashboard.terminal.pages.page import BodyRow, Look, PageBody, contains
from dashboard.terminal.scans import KeyDifference, ScanCells, differences, further, running_scans
from dashboard.terminal.snapshot import ArraySnapshot, Row
from dashboard.terminal.states import activity, bank_state, is_problem, is_stale, shape
from dashboard.terminal.texts import percent, scaled, span, utc_near, value_text, visible
from dashboard.words import words

__all__ = ["BanksPage"]

MAX_NAME, MAX_HOST = 16, 12
FOOT_FROM, FOOT = 16, 4
"""Lines of a terminal from which on there is a foot, and lines of it."""
BANKS_NAMED = 6
SORTS = ("Bank", "state", "host", "mode", "scan", "left", "drop")
_SHAPE = 2


class BanksPage:
    """See TerminalPage. One row for each Bank, in a fixed order: it never moves because a value changed."""

    name, letter, is_of_bank = "Banks", "o", False
    keys = "Enter open  w why  s sort"
    topics = ("overview",)

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        if key != "s":
            return False
        look.turn("sort", len(SORTS))
        look.order = []
        return True

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        rows = shown.rows
        columns = _columns(rows)
        if not look.order and look.option("sort"):
            look.order = _sorted(rows, SORTS[look.option("sort")])
        place = {bank: at for at, bank in enumerate(look.order)}
        rows.sort(key=lambda row: place.get(row["bank"], len(place)))
        seen = [row for row in rows if _passes(row, shown, look)]
        body_rows = [self._row(row, shown, look, columns, width) for row in seen]
        title = table_line(columns, [], width - 1)
        foot = _foot(shown, look, width) if height >= FOOT_FROM else []
        return PageBody(head=[((" ", ""), *title)], rows=body_rows, foot=foot)

    @staticmethod
    def _row(
        row: Row, shown: ArraySnapshot, look: Look, columns: Sequence[TableColumn], width: int
    ) -> BodyRow:
        def write(chosen: str) -> Line:
            cells = _cells(row, shown, look.ascii_only)
            is_chosen = row["bank"] == chosen
            line = ((">" if is_chosen else " ", "bold"), *table_line(columns, cells, width - 1))
            return restyled(line, "chosen") if is_chosen else line

        return BodyRow((row["bank"],), write)


def _columns(rows: Sequence[Row]) -> list[TableColumn]:
    """Return the columns; as wide as names are, so that they do not breathe."""
    name = min(max((len(row["bank"]) for row in rows), default=5), MAX_NAME)
    host = min(max((len(row["host"]) for row in rows), default=4), MAX_HOST)
    word = max(len(told["word"]) for told in words()["links"].values())
    return [
        TableColumn("Bank", max(name, 4)),
        TableColumn("host", max(host, 4), rank=4),
        TableColumn("state", word + _SHAPE),
        TableColumn("mode", 8, rank=3),
        TableColumn("scan", 5, is_right=True, rank=2),
        TableColumn("done", 5, is_right=True),
        TableColumn("left", 8, is_right=True, rank=1),
        TableColumn("net in", 9, is_right=True, rank=5),
        TableColumn("drop", 5, is_right=True, rank=3),
        TableColumn("note", 12),
    ]


def _cells(row: Row, shown: ArraySnapshot, ascii_only: bool) -> list[Cell]:
    state, stale = shown.state(row), is_stale(row)
    sign = shape(state.severity, ascii_only=ascii_only)
    style = "stale" if stale else ""
    head: list[Cell] = [
        (visible(row["bank"]), "bold"),
        (visible(row["host"]), "dim"),
        (f"{sign} {visible(state.word)}", state.severity),
    ]
    if stale:  # no figure is shown as if it were of now
        return [*head, *[("-", style)] * 6, (_last_known(row, shown), style)]
    scan = ScanCells.of(row)
    load = row["load"] if isinstance(row["load"], Mapping) else {}
    note = state.why or "  ".join(f"{name} {value_text(value)}" for name, value in further(row))
    if row["dialect"] == "original":
        note = f"polled  {note}"
    return [
        *head,
        (visible(scan.mode) or "-", ""),
        (value_text(scan.number), ""),
        ("-" if scan.share is None else percent(scan.share), ""),
        (span(scan.left), ""),
        (scaled(load.get("received_per_s"), "B/s"), ""),
        (value_text(scan.lost), "warn" if scan.lost else ""),
        (visible(note), state.severity if state.why else "dim"),
    ]


def _last_known(row: Row, shown: ArraySnapshot) -> str:
    """Return since when a Bank is silent, and what was known then."""
    link = row["link"]
    if not row["kind"]:
        return visible(link["reason"] or words()["no_reason"])
    scan = ScanCells.of(row)
    number = "" if scan.number is None else f"scan {value_text(scan.number)}"
    last = " ".join(filter(None, (activity(row), scan.mode, number)))
    before = bank_state({**row, "link": {**link, "state": "live"}}, 0.0)
    trouble = f" ({before.why})" if before.why else ""
    return visible(f"since {utc_near(link['since'], shown.now)}, was: {last}{trouble}")


def _passes(row: Row, shown: ArraySnapshot, look: Look) -> bool:
    state = shown.state(row)
    if look.is_narrow and not is_problem(state):
        return False
    told = (row["bank"], row["host"], row["kind"], state.word, state.why)
    return contains(" ".join([*told, *map(str, row["overview"].values())]), look.text)


def _sorted(rows: Sequence[Row], by: str) -> list[str]:
    """Return Banks in an order; the rows' own stays among equals."""
    order = words()["order"]
    keys: dict[str, Callable[[Row], Any]] = {
        "state": lambda row: order.index(bank_state(row, row["link"]["since"]).severity),
        "host": lambda row: row["host"],
        "mode": lambda row: ScanCells.of(row).mode,
        "scan": lambda row: _or_last(ScanCells.of(row).number),
        "left": lambda row: _or_last(ScanCells.of(row).left),
        "drop": lambda row: -(ScanCells.of(row).lost or 0),
    }
    return [str(row["bank"]) for row in sorted(rows, key=keys.get(by, lambda _row: 0))]


def _or_last(number: float | None) -> float:
    return float("inf") if number is None else number


def _foot(shown: ArraySnapshot, look: Look, width: int) -> list[Line]:
    """Return a rule, the scan that runs, a difference, and why the chosen Bank is as it is."""
    rows = shown.rows
    chosen = shown.row(look.chosen)
    why = shown.state(chosen).why if chosen else ""
    told: list[Line] = wrapped(visible(_scan_text(shown, rows), 1000), width, 1)
    differing = differences(rows)
    if differing:
        sign = shape("warn", ascii_only=look.ascii_only)
        text = f"{sign} differs: {_difference_text(differing)}"
        told += wrapped(visible(text, 1000), width, 1, "warn")
    if chosen:
        lines = FOOT - 1 - len(told)
        text = f"{chosen['bank']}: {why}" if why else ""
        told += wrapped(visible(text, 1000), width, lines, shown.state(chosen).severity)
    return [_rule(width, look), *told, *[()] * (FOOT - 1 - len(told))]


def _difference_text(differing: Sequence[KeyDifference]) -> str:
    """Return the first of some differences, and how many more there are."""
    first, *others = differing
    texts = []
    for value, banks in first.values.items():
        further_banks = len(banks) - BANKS_NAMED
        more = f" and {further_banks} more" if further_banks > 0 else ""
        texts.append(f"{value}: {', '.join(banks[:BANKS_NAMED])}{more}")
    return f"{first.name}  {'; '.join(texts)}" + (f"  (and {len(others)} more)" if others else "")


def _rule(width: int, look: Look) -> Line:
    return (("-" * width if look.ascii_only else "\u2500" * width, "dim"),)


def _scan_text(shown: ArraySnapshot, rows: Sequence[Row]) -> str:
    scans = running_scans(rows)
    if not scans:
        return "no scan is running"
    texts = []
    for scan in scans:
        end = "-" if scan.end is None else utc_near(scan.end, shown.now)
        start = "-" if scan.start is None else utc_near(scan.start, shown.now)
        texts.append(
            f"scan {scan.number} on {len(scan.banks)} of {len(rows)} Banks, {start} to {end} UTC, files: {scan.files}"
        )
    return "; ".join(texts)
