"""A page: what all of them have in common, and what one looks at there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dashboard.terminal.lines import Line
from dashboard.terminal.snapshot import ArraySnapshot

__all__ = ["BodyRow", "Look", "PageBody", "TerminalPage", "contains", "whole_rows"]


@dataclass(slots=True, kw_only=True)
class Look:
    """Choices of who looks at a page.

    Attributes:
        bank: Of pages of one Bank.
        text: Rows contain all words of it, in either case.
        is_narrow: Fewer rows: problems only, or what changed lately.
        chosen: Key of the chosen row; empty: none yet.
        order: Keys in the order that was asked for; none: that of the site.
        options: Further choices of a page, by name.
        ascii_only: The terminal has ASCII only.
    """

    bank: str = ""
    text: str = ""
    is_narrow: bool = False
    chosen: str = ""
    order: list[str] = field(default_factory=list)
    options: dict[str, int] = field(default_factory=dict)
    ascii_only: bool = False

    def option(self, name: str) -> int:
        """Return a choice; 0: it was not made."""
        return self.options.get(name, 0)

    def turn(self, name: str, count: int = 2) -> None:
        """Make the next one of some choices."""
        self.options[name] = (self.option(name) + 1) % count


@dataclass(frozen=True, slots=True)
class BodyRow:
    """A row of a page, which is written when it is seen.

    Attributes:
        keys: Of what stands in it; none: it cannot be chosen.
        write: Returns its line for the key that is chosen.
    """

    keys: Sequence[str]
    write: Callable[[str], Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBody:
    """Contents of a page.

    Attributes:
        head: Lines that do not scroll away.
        rows: Those that do.
        foot: Lines below them.
        is_following: The newest row is the last, and is kept in sight.
    """

    head: Sequence[Line] = ()
    rows: Sequence[BodyRow] = ()
    foot: Sequence[Line] = ()
    is_following: bool = False


class TerminalPage(Protocol):
    """A page."""

    @property
    def name(self) -> str:
        """Name in the line of all pages."""

    @property
    def letter(self) -> str:
        """Key behind `g`, as on the page in the browser."""

    @property
    def keys(self) -> str:
        """Its own keys, and what they do."""

    @property
    def is_of_bank(self) -> bool:
        """It shows one Bank."""

    @property
    def topics(self) -> Sequence[str]:
        """Topics that it follows; `{bank}` stands for the Bank's name."""

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """Return its contents.

        Args:
            shown: State of the array.
            look: What is looked at.
            width: Columns of the terminal.
            height: Lines that there are.
        """

    def press(self, key: str, look: Look) -> bool:
        """Take a key of its own; False: it has none such."""


def contains(text: str, wanted: str) -> bool:
    """Tell whether a text contains all words of another, in either case."""
    told = text.casefold()
    return all(word in told for word in wanted.casefold().split())


def whole_rows(lines: Iterable[Line]) -> list[BodyRow]:
    """Return rows that cannot be chosen."""

    def row(line: Line) -> BodyRow:
        return BodyRow((), lambda _chosen: line)

    return [row(line) for line in lines]
