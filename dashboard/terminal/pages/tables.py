"""Pages that are one table: operations, programs of hosts, entries of journals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.terminal.lines import Cell, Line, TableColumn, restyled, table_line, wrapped
from dashboard.terminal.pages.page import BodyRow, Look, PageBody, contains, whole_rows
from dashboard.terminal.snapshot import ArraySnapshot
from dashboard.terminal.states import condition_severity, outcome_severity, shape
from dashboard.terminal.texts import (
    byte_count,
    percent,
    span,
    utc,
    utc_near,
    utc_of_day,
    value_text,
    visible,
)

__all__ = ["HostsPage", "JobsPage", "JournalPage", "TableRecord", "short_time", "table_body"]

FOOT_FROM, FOOT = 16, 3
OFFSET_WARN_S = 0.1
"""Clock of a Player that is to be looked after."""


class TableRecord:
    """A row of a table.

    Args:
        key: Its own.
        cells: One of each column.
        whole: All of it, as text, for who has chosen it.
    """

    __slots__ = ("cells", "key", "whole")

    def __init__(self, key: str, cells: Sequence[Cell], whole: str) -> None:
        self.key, self.cells, self.whole = key, cells, whole


def table_body(
    columns: Sequence[TableColumn],
    records: Sequence[TableRecord],
    look: Look,
    size: tuple[int, int],
    notes: Sequence[Line] = (),
) -> PageBody:
    """Return a table of the records with all wanted words; whole texts of the chosen one below.

    Args:
        columns: Of the table.
        records: Its rows.
        look: What is looked at.
        size: Columns and lines of the terminal.
        notes: Lines above it.
    """
    width, height = size
    seen = [record for record in records if contains(record.whole, look.text)]
    chosen = next((each for each in seen if each.key == look.chosen), None)
    foot: list[Line] = []
    if height >= FOOT_FROM:
        rule = ("-" if look.ascii_only else "\u2500") * width
        whole = visible(chosen.whole, 1000) if chosen else ""
        foot = [((rule, "dim"),), *wrapped(whole, width, FOOT - 1)]
    rows = [BodyRow((each.key,), _writing(each, columns, width)) for each in seen]
    head: list[Line] = [*notes, ((" ", ""), *table_line(columns, [], width - 1))]
    empty = "nothing" if not records else "nothing that is as is wanted"
    return PageBody(head=head, rows=rows or whole_rows([((empty, "dim"),)]), foot=foot)


def _writing(
    record: TableRecord, columns: Sequence[TableColumn], width: int
) -> Callable[[str], Line]:
    def write(chosen: str) -> Line:
        is_chosen = record.key == chosen
        mark = ">" if is_chosen else " "
        line = ((mark, "bold"), *table_line(columns, record.cells, width - 1))
        return restyled(line, "chosen") if is_chosen else line

    return write


def _told(severity: str, word: str, look: Look) -> Cell:
    return (f"{shape(severity, ascii_only=look.ascii_only)} {visible(word, 20)}", severity)


class JobsPage:
    """See TerminalPage. Operations: those that run, then the newest that ended."""

    name, letter, is_of_bank = "Jobs", "j", False
    keys = "p running"
    topics = ("overview", "operations")
    _COLUMNS = (
        TableColumn("Bank", 8),
        TableColumn("operation", 14, most=24),
        TableColumn("state", 11),
        TableColumn("done", 5, is_right=True),
        TableColumn("took", 8, is_right=True, rank=1),
        TableColumn("asked", 8, rank=3),
        TableColumn("by", 10, rank=2),
        TableColumn("text", 14, rank=4),
    )

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        return False

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        known = list(shown.values("operations").values())
        running = sorted((each for each in known if not each.get("ended")), key=_asked)
        ended = [each for each in known if each.get("ended") and not look.is_narrow]
        ended.sort(key=lambda each: -float(each["ended"]))
        records = [self._record(each, shown, look) for each in [*running, *ended]]
        return table_body(self._COLUMNS, records, look, (width, height))

    @staticmethod
    def _record(told: Mapping[str, Any], shown: ArraySnapshot, look: Look) -> TableRecord:
        state, share = str(told.get("state", "")), told.get("fraction")
        end = told.get("ended") or shown.now
        begin = told.get("started") or told.get("asked") or end
        if not isinstance(share, int | float) or told.get("ended"):
            share = None
        text = str(told.get("text") or told.get("error") or "")
        cells: list[Cell] = [
            (visible(told["bank"]), "bold"),
            (visible(told.get("method", "")), ""),
            _told(outcome_severity(state), state, look),
            ("" if share is None else percent(share), ""),
            (span(end - begin), ""),
            (utc_of_day(told.get("asked")), "dim"),
            (visible(told.get("client") or "-"), ""),
            (visible(text), ""),
        ]
        whole = f"{told['bank']} {told.get('method', '')}, {state}: {text}, by {told.get('client')}"
        return TableRecord(f"{told['bank']} {told.get('id')}", cells, whole)


def _asked(told: Mapping[str, Any]) -> float:
    return float(told.get("asked") or 0.0)


class HostsPage:
    """See TerminalPage. Programs under their supervisors, in the words of `dealer hosts status`."""

    name, letter, is_of_bank = "Hosts", "h", False
    keys = ""
    topics = ("overview", "hosts")
    _COLUMNS = (
        TableColumn("host", 8, most=16),
        TableColumn("program", 14, rank=2, most=24),
        TableColumn("Bank", 8, rank=1),
        TableColumn("condition", 12),
        TableColumn("ready", 5, rank=5),
        TableColumn("pid", 7, is_right=True, rank=4),
        TableColumn("up", 9, is_right=True, rank=3),
        TableColumn("crashes", 7, is_right=True, rank=3),
        TableColumn("memory", 8, is_right=True, rank=6),
        TableColumn("clock", 10, is_right=True, rank=6),
        TableColumn("note", 10),
    )

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        return False

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        known = shown.values("hosts")
        programs = [
            each
            for each in known.get("programs") or ()
            if not look.is_narrow or condition_severity(each["condition"]) not in ("ok", "off")
        ]
        notes = [text for text in (str(known.get("error") or ""),) if text]
        notes += [
            f"{host}: its supervisor cannot be asked: {why}"
            for host, why in (known.get("unreachable") or {}).items()
        ]
        lines = [line for text in notes for line in wrapped(visible(text), width, 1, "warn")]
        records = [self._record(each, shown, look) for each in programs]
        return table_body(self._COLUMNS, records, look, (width, height), lines)

    @staticmethod
    def _record(told: Mapping[str, Any], shown: ArraySnapshot, look: Look) -> TableRecord:
        row = shown.row(str(told.get("bank") or "")) or {}
        load, offset = row.get("load") or {}, row.get("offset")
        clock = "-" if offset is None else f"{offset * 1000:+.1f} ms"
        ready = {None: "-", True: "yes", False: "no"}[told["ready"]]
        cells: list[Cell] = [
            (visible(told["host"]), ""),
            (visible(told["program"]), "bold"),
            (visible(told.get("bank") or "-"), ""),
            _told(condition_severity(told["condition"]), told["condition"], look),
            (ready, ""),
            (value_text(told["pid"] or None), ""),
            (span(told["up_s"]) if told["pid"] else "-", ""),
            (value_text(told["crashes"]), "warn" if told["crashes"] else ""),
            (byte_count(load.get("player_bytes")), ""),
            (clock, "warn" if abs(offset or 0.0) > OFFSET_WARN_S else ""),
            (visible(told["note"]), ""),
        ]
        whole = f"{told['host']} {told['program']} {told.get('bank') or ''} {told['condition']}: {told['note']}"
        return TableRecord(f"{told['host']} {told['program']}", cells, whole)


class JournalPage:
    """See TerminalPage. Who did what, and what came of it; the newest first."""

    name, letter, is_of_bank = "Journal", "r", False
    keys = ""
    topics = ("overview",)
    _COLUMNS = (
        TableColumn("time, UTC", 11),
        TableColumn("Bank", 8, rank=1),
        TableColumn("by", 10, rank=3),
        TableColumn("call", 14, most=30),
        TableColumn("outcome", 11),
        TableColumn("took", 8, is_right=True, rank=4),
        TableColumn("text", 10, rank=5),
    )

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        return False

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        told = shown.answers.get("journal")
        if told is None:
            return PageBody(head=[(("the Banks are asked ...", "dim"),)])
        records = [
            self._record(each, shown, look)
            for each in reversed(told["entries"])
            if not look.is_narrow or outcome_severity(each["outcome"]) not in ("ok", "off")
        ]
        silent = ", ".join(told["errors"])
        notes = wrapped(visible(f"did not tell: {silent}"), width, 1, "warn") if silent else ()
        return table_body(self._COLUMNS, records, look, (width, height), notes)

    @staticmethod
    def _record(told: Mapping[str, Any], shown: ArraySnapshot, look: Look) -> TableRecord:
        who = str(told.get("key") or told.get("client") or "-")
        outcome, took = str(told["outcome"]), told.get("duration_s")
        call = "" if outcome == "remark" else f"{told['method']}({_arguments(told['arguments'])})"
        error = f"{told['error']}: " if told.get("error") else ""
        text = f"{error}{told.get('text') or ''}"
        cells: list[Cell] = [
            (short_time(told["time"], shown.now), "dim"),
            (visible(told["bank"]), "bold"),
            (visible(who), ""),
            (visible(call), ""),
            _told(outcome_severity(outcome), outcome, look),
            ("" if took is None else span(took), ""),
            (visible(text), ""),
        ]
        whole = f"{utc(told['time'], 1)} UTC {told['bank']} {who}: {call} {outcome} {text}"
        return TableRecord(f"{told['bank']} {told['number']}", cells, whole)


def short_time(time: float, now: float) -> str:
    """Return 03:14:07 of today, 11-29 03:14 of another day."""
    near = utc_near(time, now)
    return near if len(near) < 11 else near[5:16]


def _arguments(told: Any) -> str:
    """Return arguments of a call, as the journal has them, in one line."""
    if isinstance(told, Mapping):
        words = (
            _arguments(value) if name in ("args", "kwargs") else f"{name}={value_text(value)}"
            for name, value in told.items()
        )
        return ", ".join(filter(None, words))
    if isinstance(told, list | tuple):
        return ", ".join(
            _arguments(each) if isinstance(each, list | dict) else value_text(each) for each in told
        )
    return "" if told is None else value_text(told)
