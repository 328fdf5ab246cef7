"""Page of why a Bank is not ready: the chain from the symptom to the first cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dashboard.terminal.lines import Line, plain, wrapped
from dashboard.terminal.pages.page import BodyRow, Look, PageBody
from dashboard.terminal.snapshot import ArraySnapshot
from dashboard.terminal.states import shape
from dashboard.terminal.texts import span, utc_near, visible

__all__ = ["WhyPage"]

INDENT, DEEPEST = 2, 10
TEXT_LINES = 6
"""Lines of one text at most."""


class WhyPage:
    """See TerminalPage. Each link has its evidence, age, and remedy, in the words of `dealer why`."""

    name, letter, is_of_bank = "Why", "w", True
    keys = "+ - Bank"
    topics = ("overview",)

    def press(self, key: str, look: Look) -> bool:
        """See TerminalPage."""
        return False

    def body(self, shown: ArraySnapshot, look: Look, width: int, height: int) -> PageBody:
        """See TerminalPage."""
        told, bank = shown.answers.get("why"), visible(look.bank, 40)
        if told is None or told["bank"] != look.bank:
            asked = f"{bank}: its Player, the supervisor of its host and what is between are asked"
            return PageBody(head=wrapped(asked, width, 2, "dim"))
        is_ready = told["is_ready"]
        word = "ready" if is_ready else "not ready" if told["has_fault"] else "busy"
        severity = "ok" if is_ready else "fault" if told["has_fault"] else "off"
        sign = shape(severity, ascii_only=look.ascii_only)
        head: Line = ((f"{bank} ", "bold"), (f"{sign} {word}", severity))
        rows = [
            BodyRow((str(at),), _writing(line))
            for at, line in enumerate(_lines(told["causes"], shown.now, look, width, 0))
        ]
        asked_at = ((f"  asked at {utc_near(told['asked'], shown.now)} UTC", "dim"),)
        return PageBody(head=[(*head, *asked_at)], rows=rows)


def _writing(line: Line) -> Callable[[str], Line]:
    def write(_chosen: str) -> Line:
        return line

    return write


def _lines(
    causes: list[Mapping[str, Any]], now: float, look: Look, width: int, depth: int
) -> Iterator[Line]:
    """Yield the lines of some links, each with its causes below it."""
    space = " " * INDENT * min(depth, DEEPEST)
    room = max(width - len(space) - INDENT, 10)
    for link in causes:
        severity = "fault" if link["is_fault"] else "off"
        sign = shape(severity, ascii_only=look.ascii_only)
        evidence = str(link["evidence"])
        if link["since"]:
            evidence += f"; since {utc_near(link['since'], now)} UTC ({span(now - link['since'])})"
        texts = [(f"{link['thing']}: {link['text']}", "bold"), (evidence, "dim")]
        if link["remedy"]:
            texts.append((f"remedy: {link['remedy']}", ""))
        mark: Line = ((f"{space}{sign} ", severity),)
        for text, style in texts:
            for line in wrapped(visible(text, 1000), room, TEXT_LINES, style):
                if plain(line):
                    yield (*mark, *line)
                    mark = ((space + " " * INDENT, ""),)
        yield from _lines(link["causes"], now, look, width, depth + 1)
