"""Lines around all pages: site, clock, freshness, control, problems; names of the pages; keys. No
clock, no terminal."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.terminal.lines import Line, Piece, fitted, width_of
from dashboard.terminal.pages.page import TerminalPage
from dashboard.terminal.snapshot import ArraySnapshot
from dashboard.terminal.texts import sidereal, site_time, span, utc, utc_of_day, visible
from dashboard.words import words

__all__ = ["LIVE_S", "head_line", "key_line", "page_line"]

LIVE_S = 3.0
"""Silence of all Players after which nothing that is shown is of now."""
WIDE = 72
"""Columns of a terminal from which on words are not shortened."""
KEYS = "/ filter  f freeze  p problems  ? help  q quit"


def head_line(shown: ArraySnapshot, width: int, frozen_at: float | None = None) -> Line:
    """Return the first line: as many facts as fit, the most important ones first.

    Args:
        shown: State of the array.
        width: Columns of the terminal.
        frozen_at: When what is shown was frozen, UTC, unix seconds; None: it is not.
    """
    new = sum(told["phase"] == "new" for told in shown.values("alarms").values())
    right = f"{f'alarms {new}  ' if new else ''}! {len(shown.problems)} "
    worst = _worst(shown)
    simulated = "SIM" if width < WIDE else "SIMULATED"
    facts = [(rank, piece) for rank, piece in _facts(shown, simulated, frozen_at) if piece[0]]

    def taken() -> int:
        return sum(width_of(text) + 2 for _, (text, _) in facts)

    while len(facts) > 1 and taken() > width - len(right):
        facts.remove(max(facts, key=lambda fact: fact[0]))
    pieces: list[Piece] = []
    for _, (text, style) in facts:
        pieces += [(" ", "title"), (text, f"title {style}".rstrip()), (" ", "title")]
    room = max(width - len(right) - taken(), 0)
    pieces += [(" " * room, "title"), (right, f"title {worst}".rstrip())]
    return tuple(pieces)


def _facts(
    shown: ArraySnapshot, simulated: str, frozen_at: float | None
) -> list[tuple[int, Piece]]:
    """Return facts in the order in which they stand, with ranks: higher ones go first."""
    rows = shown.rows
    held = [row["control"] for row in rows if (row["control"] or {}).get("owner")]
    control = ""
    if held:
        first = held[0]
        until = first.get("until")
        left = f" {span(until - shown.now)}" if until else ""
        of = f" ({len(held)} of {len(rows)})" if len(held) < len(rows) else ""
        control = f"ctl {visible(first['owner'], 16)}{left}{of}"
    local = site_time(shown.now, shown.zone)
    star = sidereal(shown.now, shown.longitude)
    return [
        (1, (visible(shown.name, 24), "bold")),
        (0, (simulated if shown.is_simulated else "", "warn")),
        (8, (utc(shown.now)[:10], "")),
        (2, (f"{utc_of_day(shown.now)} UTC", "")),
        (6, (local, "dim")),
        (7, (f"LST {star}" if star else "", "dim")),
        (3, _freshness(shown, frozen_at)),
        (5, (f"{len(rows)} Banks", "")),
        (4, (control, "")),
    ]


def _freshness(shown: ArraySnapshot, frozen_at: float | None) -> Piece:
    if frozen_at is not None:
        return (f"FROZEN {utc_of_day(frozen_at)}", "warn")
    if shown.silence is None:
        return ("NOT HEARD", "unknown")
    if shown.silence > LIVE_S:
        return (f"SILENT {span(shown.silence)}", "fault")
    return ("LIVE", "ok")


def _worst(shown: ArraySnapshot) -> str:
    found = {shown.state(row).severity for row in shown.rows}
    severity = next((str(each) for each in words()["order"] if each in found), "ok")
    return severity if severity not in ("ok", "off") else ""


def page_line(pages: Sequence[TerminalPage], place: int, width: int) -> Line:
    """Return the names of all pages with their digits; where they do not fit, only digits of the
    others."""
    names = [f"{number} {page.name}" for number, page in enumerate(pages, 1)]
    if sum(len(name) + 1 for name in names) > width:
        names = [name if at == place else name.partition(" ")[0] for at, name in enumerate(names)]
    pieces: list[Piece] = []
    for at, name in enumerate(names):
        pieces += [(name, "chosen" if at == place else "dim"), (" ", "")]
    return tuple(pieces)


def key_line(page: TerminalPage, width: int, more: str = "") -> Line:
    """Return the last line: a notice, else keys."""
    if more:
        return ((fitted(visible(more, 400), width), "warn"),)
    keys = "  ".join(filter(None, (page.keys, KEYS)))
    if width_of(keys) > width:
        keys = f"? help  q quit  {keys}"
    return ((fitted(keys, width), "dim"),)
