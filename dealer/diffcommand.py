"""The command `dealer diff`: on what two Banks, scans or moments differ, and the call that made it so."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from commandline import DONE, argument, command, flag, render_rows, tell
from dealer.commands import QUESTION_TIMEOUT, as_named
from dealer.differences import DifferenceKind, HeldValue, StateDifference
from dealer.diffstates import WORD_FORM, Comparison, StateWordError, compare, read_word
from dealer.errors import NoSuchPlayerError
from dealer.journalrows import call_line
from dealer.players import find_players
from dealer.services import open_hub
from dealer.shownvalues import shown
from dealer.timearguments import utc_text
from groundwork.printable import printable

__all__ = ["COMMAND", "diff_lines"]

_HIDDEN = {
    DifferenceKind.OWN: "of each side's own (files, numbers, start times)",
    DifferenceKind.MOVING: "that move by themselves",
}


def _diff(options: argparse.Namespace) -> int:
    urls, now = find_players(None, options.config), time.time()

    def as_bank(name: str) -> str:
        bank = as_named(name, urls)
        if bank not in urls:
            raise NoSuchPlayerError([name], list(urls))
        return bank

    left = read_word(options.left, as_bank, now)
    right = read_word(options.right or left.bank, as_bank, now)
    with open_hub() as hub:
        found = compare(hub, urls, (left, right), now, options.timeout or QUESTION_TIMEOUT)
    tell(options.json, found.describe(), "\n".join(diff_lines(found, is_all=options.all)))
    return DONE


def diff_lines(comparison: Comparison, *, is_all: bool) -> list[str]:
    """Return a comparison as a person reads it: a table, the calls, and what is left out."""
    left, right = comparison.left, comparison.right
    found = [each for each in comparison.found if is_all or each.kind is DifferenceKind.SET]
    lines = []
    if found:
        head = ("key", printable(left.label), printable(right.label), "unit", "changed (UTC)")
        lines += render_rows(head, [_row(each) for each in found]).splitlines()
    count = len({*left.values, *right.values})
    lines.append(f"{len(found) or 'no'} difference{'' if len(found) == 1 else 's'} in {count} keys")
    lines += _call_lines(found)
    hidden = {kind: sum(each.kind is kind for each in comparison.found) for kind in _HIDDEN}
    if not is_all and any(hidden.values()):
        parts = (f"{hidden[kind]} {text}" for kind, text in _HIDDEN.items() if hidden[kind])
        lines.append(f"not shown: {', '.join(parts)}; --all shows them")
    return lines


def _row(each: StateDifference) -> tuple[str, ...]:
    times = [held.since for held in (each.left, each.right) if held and held.since is not None]
    changed = utc_text(max(times)).partition(".")[0] if times else ""
    return (printable(each.key), _text(each.left), _text(each.right), printable(each.unit), changed)


def _text(held: HeldValue | None) -> str:
    return "-" if held is None else shown(held.value)


def _call_lines(found: Sequence[StateDifference]) -> list[str]:
    """Return the calls behind differences, each once with its keys."""
    keys: dict[str, list[str]] = {}
    for each in found:
        calls = [call for call in each.calls if call is not None]
        if calls:
            newest = max(calls, key=lambda call: float(call["time"]))
            keys.setdefault(call_line(newest), []).append(each.key.rpartition(".")[2])
    return [printable(f"  {', '.join(names)}: {call}") for call, names in keys.items()]


COMMAND = command(
    "diff",
    _diff,
    "on what two Banks, scans or moments differ, and the calls that made it so",
    argument("left STATE", WORD_FORM),
    argument("right STATE", "likewise; default: the Bank as it is now", nargs="?"),
    flag("--all", "also what is each side's own, and what moves by itself"),
    usage_errors=(StateWordError,),
)
