"""Page of the log of all Banks. Going up stops following; End resumes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.logquery import LEVELS
from dashboard.protocol.topics import LineTopic
from dashboard.terminal.lines import Line, TableColumn, restyled, table_line, wrapped
from dashboard.terminal.pages.page import BodyRow, Look, PageBody, contains, whole_rows
from dashboard.terminal.snapshot import ArraySnapshot
from dashboard.terminal.states import level_severity, shape
from dashboard.terminal.texts import utc, utc_of_day, visible

__all__ = ["LogPage"]

FOOT_FROM, FOOT = 16, 3


class LogPage:
    """See TerminalPage. Lines that were looked at once are not looked at again while the same are wanted."""

    name, letter, is_of_bank = "Log", "l", False
    keys = "v level  f follow"
    topics = ("overview", "log")
    _COLUMNS = (
        TableColumn("time", 12),
        TableColumn("host", 6, rank=4),
        TableColumn("Bank", 8, rank=1),
        TableColumn("level", 9),
        TableColumn("scan", 4, is_right=True, rank=5),
        TableColumn("text", 20),
    )

    def __init__(self) -> None:
        self._wanted: tuple[str, int, int] | None = None
        self._kept: list[Mapping[str, Any]] = []
        self._seen = 0

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        if key == "v":
            look.turn("level", len(LEVELS))
            return True
        if key == "f":
            look.turn("still")
            return True
        return False

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        lines = self._lines(shown.log, look)
        chosen = next(
            (each for each in reversed(lines) if str(each["number"]) == look.chosen), None
        )
        is_following = not look.option("still")
        level = LEVELS[look.option("level")]
        told = f"{len(lines)} of {len(shown.log.lines)} lines, from {level}"
        if not is_following:
            below = len(lines) - 1 - lines.index(chosen) if chosen else 0
            told += f"; follows no more, {below} below (End)"
        foot: list[Line] = []
        if height >= FOOT_FROM:
            rule = ("-" if look.ascii_only else "\u2500") * width
            foot = [((rule, "dim"),), *wrapped(_whole(chosen), width, FOOT - 1)]
        rows = [
            BodyRow((str(each["number"]),), self._writing(each, look, width)) for each in lines
        ] or whole_rows([(("no line", "dim"),)])
        head = (((told, "dim"),), table_line(self._COLUMNS, [], width))
        return PageBody(head=head, rows=rows, foot=foot, is_following=is_following)

    def _lines(self, log: LineTopic, look: Look) -> list[Mapping[str, Any]]:
        wanted = (look.text, look.option("level"), look.is_narrow)
        if wanted != self._wanted:
            self._wanted, self._kept, self._seen = wanted, [], 0
        new = []
        for line in reversed(log.lines):
            if line["number"] <= self._seen:
                break
            if _passes(line, look):
                new.append(line)
        if log.lines:
            self._seen = log.lines[-1]["number"]
            first = log.lines[0]["number"]
            if self._kept and self._kept[0]["number"] < first:
                self._kept = [line for line in self._kept if line["number"] >= first]
        self._kept += reversed(new)
        return self._kept

    def _writing(self, told: Mapping[str, Any], look: Look, width: int) -> Callable[[str], Line]:
        def write(chosen: str) -> Line:
            severity = level_severity(told["level"])
            sign = "" if severity == "off" else f"{shape(severity, ascii_only=look.ascii_only)} "
            scan = told["scan"]
            cells = [
                (utc_of_day(told["time"], 3), "dim"),
                (visible(told["host"], 40), "dim"),
                (visible(told["bank"], 40), "bold"),
                (f"{sign}{visible(told['level'].upper(), 12)}", severity),
                ("" if scan is None else visible(scan, 6), "dim"),
                (visible(f"{told['logger']}: {told['text']}", 400), ""),
            ]
            line = table_line(self._COLUMNS, cells, width)
            return restyled(line, "chosen") if str(told["number"]) == chosen else line

        return write


def _passes(line: Mapping[str, Any], look: Look) -> bool:
    level = line["level"]
    if level in LEVELS and LEVELS.index(level) < look.option("level"):
        return False
    if look.is_narrow and level_severity(level) == "off":
        return False
    return contains(f"{line['bank']} {line['logger']} {line['text']}", look.text)


def _whole(told: Mapping[str, Any] | None) -> str:
    if told is None:
        return ""
    moment = utc(told["time"], 3)
    return visible(f"{moment} UTC {told['bank']} {told['logger']}: {told['text']}", 1000)
