"""Page of all values of one Bank, by group: in two columns or more, or one with unit, age and
meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.terminal.groups import StatusEntry, groups_of
from dashboard.terminal.lines import Line, Piece, fitted, wrapped
from dashboard.terminal.pages.bankhead import bank_head
from dashboard.terminal.pages.page import BodyRow, Look, PageBody, contains
from dashboard.terminal.snapshot import ArraySnapshot
from dashboard.terminal.texts import member_text, span, utc, value_text, visible
from groundwork.values import JsonObject

__all__ = ["StatusPage"]

CHANGED_S, RECENT_S = 5.0, 60.0
"""Time for which a value is marked as changed, and within which it counts as changed lately."""
MIN_COLUMN = 38
MAX_NAME = 16
FOOT_FROM, FOOT = 16, 3


class _Members:
    """Finds out which members of values changed: one is told again whenever another one changes."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, float]] = {}

    def look(self, bank: str, entry: StatusEntry, value: Any, now: float) -> None:
        """Take note of a member as it is now."""
        key, text = (bank, entry.row_name), repr(value)
        known = self._known.get(key)
        if known is None or known[0] != text:
            self._known[key] = text, float("-inf") if known is None else now

    def age(self, bank: str, entry: StatusEntry, now: float) -> float:
        """Return the time since it was seen to change, s; infinite: it was not."""
        _, time = self._known.get((bank, entry.row_name), ("", float("-inf")))
        return now - time


@dataclass(frozen=True, slots=True)
class _Source:
    """Source of the values of entries.

    Attributes:
        shown: State of the array.
        row: Of the Bank.
        values: Its values.
        docs: Key -> property.
        members: Which of them changed.
    """

    shown: ArraySnapshot
    row: Mapping[str, Any]
    values: Mapping[str, Any]
    docs: Mapping[str, JsonObject]
    members: _Members

    def text(self, entry: StatusEntry) -> str:
        """Return the value of an entry with its unit."""
        told = self.values.get(entry.key)
        value = member_text(entry.member or entry.name, entry.value_in(told[0] if told else None))
        unit = "" if entry.member else visible(self.docs.get(entry.key, {}).get("unit") or "", 16)
        return f"{value} {unit}".rstrip()

    def age(self, entry: StatusEntry) -> float:
        """Return the age of its value, s; without one infinite."""
        told = self.values.get(entry.key)
        return self.shown.age(self.row, told) if told else float("inf")

    def is_changed(self, entry: StatusEntry, within: float) -> bool:
        """Tell whether it changed within so many s."""
        if entry.member is not None:
            return self.members.age(self.row["bank"], entry, self.shown.now) <= within
        told = self.values.get(entry.key)
        return told is not None and told[2] > 1 and self.age(entry) <= within

    def about(self, entry: StatusEntry) -> str:
        """Return the meaning of an entry."""
        return " ".join(str(self.docs.get(entry.key, {}).get("doc") or "").split())


class StatusPage:
    """See TerminalPage."""

    name, letter, is_of_bank = "Status", "b", True
    keys = "+ - Bank  v columns"
    topics = ("overview", "values:{bank}")

    def __init__(self) -> None:
        self._members = _Members()

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        if key != "v":
            return False
        look.turn("one column")
        return True

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        row = shown.row(look.bank)
        if row is None:
            return PageBody(head=[((f"there is no Bank {visible(look.bank, 40)}", "dim"),)])
        values = shown.values(f"values:{look.bank}")
        source = _Source(shown, row, values, shown.docs.get(look.bank, {}), self._members)
        style = "stale" if shown.is_stale(look.bank) else ""
        count = 1 if look.option("one column") else max(width // MIN_COLUMN, 1)
        rows: list[BodyRow] = []
        entries: list[StatusEntry] = []
        for group in groups_of({key: told[0] for key, told in values.items()}):
            for entry in group.entries:
                if entry.member is not None:
                    value = entry.value_in(values[entry.key][0])
                    self._members.look(look.bank, entry, value, shown.now)
            kept = [entry for entry in group.entries if _passes(entry, source, look)]
            if not kept:
                continue
            entries += kept
            rows.append(_title(group.name, look.ascii_only, width))
            for at in range(0, len(kept), count):
                some = kept[at : at + count]
                write = _one(source, some[0], style, width) if count == 1 else None
                write = write or _several(source, some, style, width // count)
                rows.append(BodyRow([entry.row_name for entry in some], write))
        if not rows:
            rows = [_title("no values" if not values else "no value is as is wanted", True, width)]
        foot = _foot(source, entries, look, width) if height >= FOOT_FROM else []
        return PageBody(head=[bank_head(shown, row, look)], rows=rows, foot=foot)


def _title(text: str, ascii_only: bool, width: int) -> BodyRow:
    dash = "-" if ascii_only else "\u2500"
    line = ((f"{dash}{dash} {visible(text, 60)} {dash * width}"[: width - 1], "dim"),)
    return BodyRow((), lambda _chosen: line)


def _passes(entry: StatusEntry, source: _Source, look: Look) -> bool:
    if look.is_narrow and not source.is_changed(entry, RECENT_S):
        return False
    if not look.text:
        return True
    return contains(f"{entry.row_name} {source.about(entry)} {source.text(entry)}", look.text)


def _cell(source: _Source, entry: StatusEntry, style: str, width: int, chosen: str) -> list[Piece]:
    """Return name, value, and a mark if it changed just now."""
    name = min(MAX_NAME, width // 2 - 2)
    is_gone = source.values.get(entry.key, [None])[0] is None
    more = (" chosen" if entry.row_name == chosen else "") + (" struck" if is_gone else "")
    mark = "*" if source.is_changed(entry, CHANGED_S) else " "
    return [
        (fitted(visible(entry.name, 60), name), f"{style or 'name'}{more}"),
        (": ", style),
        (fitted(source.text(entry), width - name - 5), f"{style}{more}".strip()),
        (f" {mark} ", style or "bold"),
    ]


def _several(
    source: _Source, entries: Sequence[StatusEntry], style: str, width: int
) -> Callable[[str], Line]:
    def write(chosen: str) -> Line:
        return tuple(
            piece for entry in entries for piece in _cell(source, entry, style, width, chosen)
        )

    return write


def _one(source: _Source, entry: StatusEntry, style: str, width: int) -> Callable[[str], Line]:
    def write(chosen: str) -> Line:
        cell = min(44, max(width - 12, 20))
        age = source.age(entry)
        told = span(age) if age >= 10 else f"{age:.0f} s"  # tenths would be drawn all the time
        pieces = [
            *_cell(source, entry, style, cell, chosen),
            (fitted(told, 8, is_right=True), "dim"),
        ]
        if width - cell - 10 > 10:
            pieces += [("  ", ""), (fitted(visible(source.about(entry)), width - cell - 10), "dim")]
        return tuple(pieces)

    return write


def _foot(source: _Source, entries: Sequence[StatusEntry], look: Look, width: int) -> list[Line]:
    """Return meaning and whole value of the chosen entry."""
    entry = next((each for each in entries if each.row_name == look.chosen), None)
    rule: Line = (("-" * width if look.ascii_only else "\u2500" * width, "dim"),)
    if entry is None:
        return [rule, *wrapped("", width, FOOT - 1)]
    told = source.values.get(entry.key)
    moment = f"  of {utc(told[1] - (source.row['offset'] or 0.0), 1)} UTC" if told else ""
    value = value_text(entry.value_in(told[0] if told else None))
    head = f"{visible(entry.row_name, 80)} = {value}{moment}"
    lines = wrapped(head, width, 1, "bold")
    return [rule, *lines, *wrapped(visible(source.about(entry)), width, FOOT - 2, "dim")]
