"""Page of alarms: those that Players tell of, and absences of Players."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.terminal.lines import Cell, TableColumn
from dashboard.terminal.pages.page import Look, PageBody
from dashboard.terminal.pages.tables import TableRecord, short_time, table_body
from dashboard.terminal.snapshot import ArraySnapshot
from dashboard.terminal.states import shape
from dashboard.terminal.texts import visible
from dealer.toldalarms import alarm_rank, signature

__all__ = ["AlarmsPage", "alarm_severity"]


class AlarmsPage:
    """See TerminalPage. The worst first; a row for each, however often it was raised."""

    name, letter, is_of_bank = "Alarms", "a", False
    keys = "a acknowledge"
    topics = ("overview", "alarms")
    _COLUMNS = (
        TableColumn("Bank", 8),
        TableColumn("alarm", 14, most=24),
        TableColumn("state", 14),
        TableColumn("since", 11, rank=1),
        TableColumn("times", 5, is_right=True, rank=3),
        TableColumn("value", 10, rank=4),
        TableColumn("by", 10, rank=5),
        TableColumn("text", 12, rank=2),
    )

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        return False

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        known = sorted(shown.values("alarms").items(), key=lambda item: alarm_rank(item[1]))
        records = [
            self._record(key, told, shown, look)
            for key, told in known
            if not look.is_narrow or told["phase"] == "new"
        ]
        return table_body(self._COLUMNS, records, look, (width, height))

    @staticmethod
    def _record(key: str, told: Mapping[str, Any], shown: ArraySnapshot, look: Look) -> TableRecord:
        severity, phase = alarm_severity(told), str(told["phase"])
        signed, shelved, why = told["acknowledged"], told["shelved"], told["unreadable"]
        state = "shelved" if shelved else "unknown" if why and phase == "quiet" else phase
        by = signature(shelved or signed)
        value = f"{told['value']} (cannot be told now: {why})" if why else str(told["value"])
        cells: list[Cell] = [
            (visible(told["bank"]), "bold"),
            (visible(told["name"]), severity),
            (f"{shape(severity, ascii_only=look.ascii_only)} {state}", severity),
            (short_time(told["since"], shown.now) if told["since"] else "", "dim"),
            (str(told["count"] or ""), ""),
            (visible(value), ""),
            (visible(by), ""),
            (visible(told["text"]), ""),
        ]
        whole = f"{told['bank']} {told['name']}, {state}: {told['text']} {value}" + (
            f"; {by}" if by else ""
        )
        return TableRecord(key, cells, whole)


def alarm_severity(told: Mapping[str, Any]) -> str:
    """Return the severity of an alarm as it is now: nothing is red that is not wrong any more."""
    if told["shelved"] or told["phase"] == "gone":
        return "off"
    if told["unreadable"] and told["phase"] == "quiet":
        return "unknown"
    return "fault" if told["severity"] == "fault" else "warn"
