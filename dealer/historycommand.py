"""The command `dealer history`: published values over time, as table, plot, CSV or Parquet."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commandline import (
    DONE,
    FAILED,
    argument,
    command,
    flag,
    json_text,
    one_of,
    render_rows,
    say,
    tell,
)
from dealer.commands import QUESTION_TIMEOUT, banks_named, complain, described
from dealer.errors import PlayersError
from dealer.historyfiles import write_csv, write_parquet
from dealer.outcome import Outcomes
from dealer.players import find_players
from dealer.propertynames import names_by_bank
from dealer.publishedproperties import BANKS
from dealer.recordreading import PAGE, Record, RecordReader, in_time_order
from dealer.services import open_hub
from dealer.shownvalues import shown
from dealer.termplot import draw_plot
from dealer.timearguments import MOMENT_FORM, moment, utc_text
from groundwork.printable import printable
from zmqjsonproxy.channels.protocol.patterns import select

__all__ = ["COMMAND", "plot_lines"]

HEAD = ("time (UTC)", "Bank", "key", "value", "unit")
SINCE = "1h"
PLOT_ROWS = 8
Told = list[tuple[str, Record]]


def _history(options: argparse.Namespace) -> int:
    urls = find_players(None, options.config)
    known, chosen = list(urls), banks_named(options.banks, list(urls))
    words = {word: names_by_bank([word], known, chosen) for word in options.keys or ["*"]}
    banks = list(dict.fromkeys(bank for by_bank in words.values() for bank in by_bank))
    since = moment(SINCE) if options.since is None else options.since
    with open_hub() as hub:
        reader = RecordReader(hub, urls, options.timeout or QUESTION_TIMEOUT)
        outcomes = reader.ask("history", "keys", {bank: {} for bank in banks})
        kept = {
            bank: {key["name"]: key["unit"] for key in each.value}
            for bank, each in outcomes.items()
            if each.error is None
        }
        if not options.keys:
            return _list(kept, outcomes, options.json)
        wanted, lacking = _wanted(words, kept)
        told = _read(reader, wanted, since, options.until, outcomes)
    _show(options, told, kept, since, outcomes)
    for word in lacking:
        say("dealer", f"no Bank has a history of {printable(word)}")
    return _failed(outcomes) or int(bool(lacking))


def _failed(outcomes: Outcomes) -> int:
    if any(each.error is not None for each in outcomes.values()):
        complain(PlayersError("history", outcomes))
        return FAILED
    return DONE


def _list(kept: Mapping[str, Mapping[str, str]], outcomes: Outcomes, as_json: bool) -> int:
    failed = {b: described(each) for b, each in outcomes.items() if each.error is not None}
    told = {bank: {"value": units} for bank, units in kept.items()} | failed
    rows = [
        (bank, printable(key), printable(unit))
        for bank, units in kept.items()
        for key, unit in units.items()
    ]
    tell(as_json, told, render_rows(("Bank", "key", "unit"), rows))
    return _failed(outcomes)


def _wanted(
    words: Mapping[str, Mapping[str, Sequence[str]]], kept: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return Bank -> keys that words mean, and the words that mean none."""
    wanted: dict[str, dict[str, None]] = {}
    lacking = []
    for word, by_bank in words.items():
        found = {
            bank: [
                key for pattern in patterns for key in _keys_of(pattern, sorted(kept.get(bank, {})))
            ]
            for bank, patterns in by_bank.items()
        }
        if not any(found.values()) and kept:
            lacking.append(word)
        for bank, keys in found.items():
            wanted.setdefault(bank, {}).update(dict.fromkeys(keys))
    return {bank: list(keys) for bank, keys in wanted.items() if keys}, lacking


def _keys_of(pattern: str, kept: Sequence[str]) -> list[str]:
    return select(pattern, kept) or select(f"status.{pattern}", kept)


def _read(
    reader: RecordReader,
    wanted: Mapping[str, Sequence[str]],
    since: float,
    until: float | None,
    outcomes: Outcomes,
) -> Told:
    """Return points in time order, first those that were in force; who failed goes into the
    outcomes."""
    before = reader.ask(
        "history", "in_force", {bank: {"keys": keys, "at": since} for bank, keys in wanted.items()}
    )
    question = {
        bank: {"keys": keys, "since": since, "until": until, "most": PAGE}
        for bank, keys in wanted.items()
    }
    after = reader.read_all("history", question, lambda answer: list(answer))
    outcomes.update({b: each for b, each in (before | after).items() if each.error is not None})
    told = {
        bank: [*before[bank].value.values(), *after[bank].value]
        for bank in wanted
        if before[bank].error is None and after[bank].error is None
    }
    return list(in_time_order(told))


def _show(
    options: argparse.Namespace,
    told: Told,
    kept: Mapping[str, Mapping[str, str]],
    since: float,
    outcomes: Outcomes,
) -> None:
    if options.parquet is not None:
        write_parquet(options.parquet, told)
        print(f"{options.parquet}: {len(told)} values")
    elif options.csv:
        write_csv(sys.stdout, told)
    elif options.json:
        failed = {b: described(each) for b, each in outcomes.items() if each.error is not None}
        print(json_text({"points": [{"bank": b} | point for b, point in told], "failed": failed}))
    elif options.plot:
        until = time.time() if options.until is None else options.until
        for line in plot_lines(told, since, until, shutil.get_terminal_size().columns):
            print(line)
    elif told:
        print(render_rows(HEAD, [_row(bank, point) for bank, point in told]))


def _row(bank: str, point: Mapping[str, Any]) -> tuple[str, ...]:
    value = point["value"]
    cells = (bank, point["key"], "-" if value is None else shown(value), point["unit"])
    return utc_text(point["time"]), *(printable(str(cell)) for cell in cells)


def plot_lines(told: Told, since: float, until: float, columns: int) -> list[str]:
    """Return a plot of each key that has numbers: values hold until the next one, what is no number
    is a hole."""
    by_key: dict[tuple[str, str], list[tuple[float, Any]]] = {}
    for bank, point in told:
        by_key.setdefault((bank, point["key"]), []).append((point["time"], point["value"]))
    lines: list[str] = []
    for (bank, key), points in by_key.items():
        if not any(_is_number(value) for _, value in points):
            lines.append(printable(f"{bank}.{key}: no numbers"))
            continue
        lines.append(printable(f"{bank}.{key}"))
        lower, upper = _bounds(points, since, until, 2 * columns)
        lines += draw_plot(lower, upper, columns=columns, rows=PLOT_ROWS)
        begin, end = utc_text(since), utc_text(until)
        lines.append(f"{begin}{end.rjust(max(columns - len(begin), len(end) + 1))}")
    return lines


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bounds(
    points: Sequence[tuple[float, Any]], since: float, until: float, width: int
) -> tuple[list[float | None], list[float | None]]:
    """Return the least and the greatest value in each piece of the time; None: there was none."""
    lower: list[float | None] = [None] * width
    upper: list[float | None] = [None] * width
    scale = width / max(until - since, 1e-6)
    ends = [at for at, _ in points[1:]] + [until]
    for (at, value), end in zip(points, ends, strict=True):
        if not _is_number(value):
            continue
        first = min(max(int((at - since) * scale), 0), width - 1)
        last = min(max(int((end - since) * scale), first), width - 1)
        for place in range(first, last + 1):
            low, high = lower[place], upper[place]
            lower[place] = value if low is None else min(low, value)
            upper[place] = value if high is None else max(high, value)
    return lower, upper


COMMAND = command(
    "history",
    _history,
    "values that Banks published over time: status keys and all others",
    argument(
        "keys KEY",
        "[BANK.]NAME, or a pattern as 'status.*'; of a status key its name alone; none: list "
        "what is kept",
        nargs="*",
    ),
    argument("--since TIME", f"from then on: {MOMENT_FORM}; default: {SINCE}", type=moment),
    argument("--until TIME", "before then", type=moment),
    BANKS,
    one_of(
        flag("--csv", "print comma-separated values"),
        flag("--plot", "draw each key that has numbers"),
        argument("--parquet FILE", "write a Parquet file (extra archive)", type=Path),
    ),
)
