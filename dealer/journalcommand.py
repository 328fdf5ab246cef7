"""The command `dealer journal`: who did what, when, and what came of it, over all Banks."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from commandline import (
    DONE,
    FAILED,
    argument,
    command,
    count,
    flag,
    render_rows,
    say,
    tell,
    tell_line,
)
from dealer.commands import QUESTION_TIMEOUT, banks_named, complain, described
from dealer.errors import PlayersError
from dealer.journalrows import HEAD, row_of
from dealer.outcome import Outcomes
from dealer.players import find_players
from dealer.recordreading import PAGE, Record, RecordReader, in_time_order
from dealer.services import open_hub
from dealer.timearguments import MOMENT_FORM, moment
from groundwork.printable import printable

__all__ = ["COMMAND"]

LAST = 100
EVERY_S = 1.0
RUNNING = "running"


def _journal(options: argparse.Namespace) -> int:
    urls = find_players(None, options.config)
    banks = banks_named(options.banks, list(urls))
    with open_hub() as hub:
        reader = RecordReader(hub, urls, options.timeout or QUESTION_TIMEOUT)
        asked = _question(options)
        outcomes = reader.read_all("journal", dict.fromkeys(banks, asked), _entries)
        told = in_time_order(
            {bank: each.value for bank, each in outcomes.items() if not each.error}
        )
        if options.follow:
            _print_lines(told, options.json)
        else:
            _print(list(told), outcomes, options.json)
        _tell_troubles(reader, [bank for bank, each in outcomes.items() if each.error is None])
        failed = {bank: each for bank, each in outcomes.items() if each.error is not None}
        if failed:
            complain(PlayersError("journal", outcomes))
        if options.follow and len(failed) < len(outcomes):
            with suppress(KeyboardInterrupt):
                _follow(reader, outcomes, asked, options.json)
            return DONE
    return FAILED if failed else DONE


def _question(options: argparse.Namespace) -> dict[str, Any]:
    last = options.last or (LAST if options.since is None else None)
    return {
        "since": options.since,
        "until": options.until,
        "client": options.client,
        "method": options.method,
        "most": PAGE if last is None else min(last, PAGE),
        "newest": last is not None,
    }


def _entries(answer: Any) -> list[Record]:
    """Return the entries of an answer, each with a remark if no instrument was touched."""
    simulated = {"simulated": True} if answer["simulated"] else {}
    return [entry | simulated for entry in answer["entries"]]


def _print(told: list[tuple[str, Record]], outcomes: Outcomes, as_json: bool) -> None:
    failed = {b: described(each) for b, each in outcomes.items() if each.error is not None}
    entries = {"entries": [{"bank": b} | entry for b, entry in told], "failed": failed}
    if as_json or told:
        tell(as_json, entries, render_rows(HEAD, [row_of(bank, entry) for bank, entry in told]))


def _tell_troubles(reader: RecordReader, banks: Iterable[str]) -> None:
    """Say whose journal lacks what happens now, for its disk is full, or does not answer."""
    for bank, each in reader.ask("journal", "state", {bank: {} for bank in banks}).items():
        if each.error is None and (trouble := each.value.get("trouble")):
            text = f"{bank}: its journal is not written: {trouble}; what happens now waits"
            say("dealer", printable(text))


def _print_lines(told: Iterable[tuple[str, Record]], as_json: bool) -> None:
    for bank, entry in told:
        tell_line(as_json, {"bank": bank} | entry, "  ".join(row_of(bank, entry)))


def _follow(
    reader: RecordReader, outcomes: Outcomes, asked: Mapping[str, Any], as_json: bool
) -> None:
    """Print what comes, and the ends of what ran when it was printed; of a Bank that was away at
    first its last entries, once it is there. Until Ctrl-C."""
    shown = {bank: _Shown(each.value) for bank, each in outcomes.items() if each.error is None}
    there = set(shown)
    while True:
        time.sleep(EVERY_S)
        further = dict(asked) | {"newest": False, "most": PAGE}
        questions = {
            bank: further | {"after": shown[bank].after} if bank in shown else dict(asked)
            for bank in outcomes
        }
        fresh: dict[str, list[Record]] = {}
        for bank, each in reader.read_all("journal", questions, _entries).items():
            if (each.error is None) is not (bank in there):
                there ^= {bank}
                text = "is followed again" if bank in there else f"is away: {each.error}"
                say("dealer", f"{printable(f'{bank}: {text}')}")
            if each.error is None:
                fresh[bank] = shown.setdefault(bank, _Shown([])).fresh(each.value)
        _print_lines(in_time_order(fresh), as_json)


class _Shown:
    """Entries of a Bank that were printed."""

    def __init__(self, entries: Iterable[Record]) -> None:
        self._last = 0
        self._running: set[int] = set()
        self.fresh(list(entries))

    @property
    def after(self) -> int:
        """Number after which there may be something new."""
        return min(self._running, default=self._last + 1) - 1

    def fresh(self, entries: list[Record]) -> list[Record]:
        """Return those that were not printed as they are now."""
        new = []
        for entry in entries:
            number, runs = entry["number"], entry["outcome"] == RUNNING
            if number > self._last or (number in self._running and not runs):
                new.append(entry)
                (self._running.add if runs else self._running.discard)(number)
                self._last = max(self._last, number)
        return new


COMMAND = command(
    "journal",
    _journal,
    "who did what, when, and what came of it: the commands of all Banks, in time order",
    argument("--since TIME", f"from then on: {MOMENT_FORM}", type=moment),
    argument("--until TIME", "before then", type=moment),
    argument("--last N", f"the last N of each Bank; default without --since: {LAST}", type=count),
    argument("--banks BANKS", "whose, as BANKA,BANKB; default: all", default="all"),
    argument("--client TEXT", "of clients whose name, or key, contains this", default=""),
    argument("--method PATTERN", "of these methods, as bank.set_*", default=""),
    flag("--follow", "go on with what comes, until Ctrl-C"),
)
