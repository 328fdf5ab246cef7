"""State of what a terminal shows, and its keys: pages, the chosen row, scrolling, freezing. No clock,
no terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboard.terminal.frame import head_line, key_line, page_line
from dashboard.terminal.lines import Line, clipped_line, plain, wrapped
from dashboard.terminal.pages.page import BodyRow, Look, PageBody, TerminalPage
from dashboard.terminal.snapshot import ArraySnapshot

__all__ = ["TerminalView"]

PAGE_LINE_FROM = 8
"""Lines of a terminal from which on the names of the pages are shown."""
MOVES = frozenset({"up", "down", "pageup", "pagedown", "home", "end", "left", "right", "j", "k"})
OPENS = {"enter": "Status", "w": "Why"}
"""Keys that show a page of the chosen Bank."""
HELP_LINES = 3
"""Of a text of the help at most."""
HELP = (
    "1-9, or g and a letter    pages:",
    "  {pages}",
    "up down j k PgUp PgDn Home End    move",
    "Enter    opens the chosen Bank; w  why it is not ready; Esc  all Banks",
    "+ -  or [ ]    next, previous Bank",
    "/    rows that contain all words; Esc: all rows again",
    "p    only problems; of values: only what changed within a minute",
    "f    freezes what is shown; of the log: stops following",
    "s    Banks: sorts by the next column, once",
    "v    status: one column with unit, age and meaning; log: least level",
    "a    acknowledges the chosen alarm, with a note for others",
    "n r d i o < >    spectrum: next pipe, row, dB, zoom in, out, move",
    ": METHOD BANKS ARGUMENTS    calls, if it began with --control",
    "q, Ctrl-C    ends",
    "",
    "o ok   ^ to be looked after   x fault   ? not known   = off",
)


def _help_lines(text: str, width: int) -> list[Line]:
    lines = wrapped(text, width, HELP_LINES)
    return [line for line in lines if plain(line)] or lines[:1]


@dataclass(slots=True)
class _Scrolled:
    """Place of a page.

    Attributes:
        offset: Rows above the first that is seen.
        seen: Rows that are seen at once.
    """

    offset: int = 0
    seen: int = 1


@dataclass(slots=True)
class TerminalView:
    """State of what is looked at.

    Attributes:
        pages: All of them.
        place: Of the page that is shown.
        ascii_only: The terminal has ASCII only.
        frozen: What is shown instead of the present state; None: nothing is.
        is_help: Help is shown.
        notice: Instead of the keys, until the next key.
    """

    pages: Sequence[TerminalPage]
    place: int = 0
    ascii_only: bool = False
    frozen: ArraySnapshot | None = None
    is_help: bool = False
    notice: str = ""
    _looks: dict[str, Look] = field(default_factory=dict)
    _scrolled: dict[str, _Scrolled] = field(default_factory=dict)
    _bank: str = ""
    _is_going: bool = False
    _body: PageBody = field(default_factory=PageBody)

    @property
    def page(self) -> TerminalPage:
        """The page that is shown."""
        return self.pages[self.place]

    @property
    def look(self) -> Look:
        """Choices that were made there."""
        look = self._looks.setdefault(self.page.name, Look())
        look.ascii_only, look.bank = self.ascii_only, self._bank
        return look

    @property
    def topics(self) -> list[str]:
        """Topics of the page that is shown."""
        return [topic.format(bank=self._bank) for topic in self.page.topics]

    def choose_bank(self, bank: str) -> None:
        """Choose a Bank, of which pages of one Bank are."""
        self._bank = bank

    # lines

    def lines(self, shown: ArraySnapshot, width: int, height: int) -> list[Line]:
        """Return all lines of the terminal."""
        state = self.frozen or shown
        if not self._bank and shown.banks:
            self._bank = shown.banks[0]
        frozen_at = self.frozen.now if self.frozen else None
        head = [head_line(shown, width, frozen_at)]
        if height >= PAGE_LINE_FROM:
            head.append(page_line(self.pages, self.place, width))
        if self.is_help:
            pages = " ".join(f"{page.letter} {page.name}" for page in self.pages)
            body = [line for text in HELP for line in _help_lines(text.format(pages=pages), width)]
            body = body[: max(height - len(head) - 1, 0)]
        else:
            body = self._page_lines(state, width, height, height - len(head) - 1)
        body += [()] * (height - len(head) - len(body) - 1)
        lines = [*head, *body, key_line(self.page, width, self.notice)][:height]
        return [clipped_line(line, width) for line in lines]

    def _page_lines(self, state: ArraySnapshot, width: int, height: int, room: int) -> list[Line]:
        body = self.page.body(state, self.look, width, height)
        scrolled = self._scrolled.setdefault(self.page.name, _Scrolled())
        scrolled.seen = max(room - len(body.head) - len(body.foot), 1)
        before = self.look.chosen
        rows = self._seen_rows(body, scrolled)
        chosen = self.look.chosen
        if chosen != before:  # what is told of it is not there yet
            body = self.page.body(state, self.look, width, height)
        self._body = body
        lines = [row.write(chosen) for row in rows]
        lines += [()] * (scrolled.seen - len(lines))
        return [*body.head, *lines, *body.foot][:room]

    def _seen_rows(self, body: PageBody, scrolled: _Scrolled) -> Sequence[BodyRow]:
        """Return the rows that are seen; the chosen one is among them."""
        rows, look = body.rows, self.look
        if body.is_following and rows and rows[-1].keys:
            look.chosen = rows[-1].keys[0]
        at = self._chosen_at(rows)
        if at is None:
            first = next((row.keys[0] for row in rows if row.keys), "")
            look.chosen, at = first, self._first(rows)
        least = max(at - scrolled.seen + 1, 0)
        if at == self._first(rows):
            at = 0  # titles above the first row that can be chosen are seen with it
        scrolled.offset = min(max(scrolled.offset, least), at)
        scrolled.offset = max(min(scrolled.offset, len(rows) - scrolled.seen), 0)
        return rows[scrolled.offset : scrolled.offset + scrolled.seen]

    @staticmethod
    def _first(rows: Sequence[BodyRow]) -> int:
        return next((at for at, row in enumerate(rows) if row.keys), 0)

    def _chosen_at(self, rows: Sequence[BodyRow]) -> int | None:
        chosen = self.look.chosen
        for at in range(len(rows) - 1, -1, -1):  # of a log the newest are wanted
            if chosen in rows[at].keys:
                return at
        return None

    # keys

    def press(self, key: str, shown: ArraySnapshot) -> bool:
        """Take a key; False: it does nothing here.

        Args:
            key: Its character, or its name: `up`, `enter`, `escape`.
            shown: State of the array.
        """
        self.notice = ""
        if self._is_going:
            self._is_going = False
            return self._go(key)
        if self.is_help:
            self.is_help = False
            return True
        return (
            self._press_anywhere(key, shown)
            or self.page.press(key, self.look)
            or self._press_common(key, shown)
        )

    def _press_anywhere(self, key: str, shown: ArraySnapshot) -> bool:
        if key.isdigit() and 0 < int(key) <= len(self.pages):
            self.place, self.frozen = int(key) - 1, None
        elif key == "g":
            self._is_going = True
        elif key == "?":
            self.is_help = True
        elif key in ("+", "]", "-", "["):
            self._step(shown.banks, 1 if key in "+]" else -1)
        else:
            return False
        return True

    def _press_common(self, key: str, shown: ArraySnapshot) -> bool:
        look = self.look
        if key == "p":
            look.is_narrow = not look.is_narrow
        elif key == "f":
            self.frozen = None if self.frozen else shown.held()
        elif key == "escape":
            if look.text:
                look.text = ""
            else:
                self.place, self.frozen = 0, None
        elif key in OPENS and look.chosen in shown.banks:
            self.choose_bank(look.chosen)
            self._show_page(OPENS[key])
        elif key in MOVES:
            self._move(key)
        else:
            return False
        return True

    def _go(self, letter: str) -> bool:
        known = {page.letter: page.name for page in self.pages}
        if letter in known:
            self._show_page(known[letter])
        return letter in known

    def _show_page(self, name: str) -> None:
        names = [page.name for page in self.pages]
        self.place, self.frozen = names.index(name), None

    def _step(self, banks: Sequence[str], by: int) -> None:
        """Choose the next Bank, also in the table of all."""
        if not banks:
            return
        here = self._bank if self.page.is_of_bank else self.look.chosen
        at = banks.index(here) + by if here in banks else 0
        self.choose_bank(banks[at % len(banks)])
        if not self.page.is_of_bank:
            self.look.chosen = self._bank

    def _move(self, key: str) -> None:
        rows, look = self._body.rows, self.look
        at = self._chosen_at(rows)
        if at is None:
            return
        keys = rows[at].keys
        column = keys.index(look.chosen)
        if key in ("left", "right"):
            column = min(max(column + (1 if key == "right" else -1), 0), len(keys) - 1)
            look.chosen = keys[column]
            return
        page = self._scrolled[self.page.name].seen
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page}
        by = steps.get(key, len(rows) if key == "end" else -len(rows))
        self._choose(rows, at, by, column)
        if self._body.is_following and by < 0:
            look.options["still"] = 1
        elif key == "end":
            look.options["still"] = 0

    def _choose(self, rows: Sequence[BodyRow], at: int, by: int, column: int) -> None:
        """Choose a row some rows away, of those that can be."""
        to = min(max(at + by, 0), len(rows) - 1)
        step = 1 if by > 0 else -1
        while 0 <= to < len(rows) and not rows[to].keys:
            to += step
        if not 0 <= to < len(rows):
            to = self._first(rows) if by < 0 else at
        keys = rows[to].keys
        self.look.chosen = keys[min(column, len(keys) - 1)]
