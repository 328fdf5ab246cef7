"""The command `dealer fetch`: a file of a Player, with a line that says how far it is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from commandline import DONE, FAILED, argument, command, render_rows, say, tell
from dealer.commands import banks_named, complain, described, open_dealer
from dealer.dealer import Dealer
from dealer.errors import PlayersError
from dealer.fetching import FETCH_TIMEOUT
from dealer.outcome import Outcome
from dealer.progress import FetchLine
from zmqjsonproxy.errors import PeerLostError, ProxyError
from zmqjsonproxy.files.protocol.ranges import read_stretch

__all__ = ["COMMAND"]

_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}


def _rate(text: str) -> float:
    try:
        rate = float(text.rstrip("kMG") or "x") * _UNITS.get(text[-1:], 1.0)
    except ValueError:
        rate = 0.0
    if not 1 <= rate < 1e15:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes/s, as 500k or 10M")
    return rate


def _part(text: str) -> tuple[int, int | None]:
    try:
        return read_stretch(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fetch(options: argparse.Namespace) -> int:
    line = FetchLine()
    with open_dealer(options) as d:
        known = d.list_available_players()
        wanted = options.banks
        banks = _having(d, options.name) if wanted is None else banks_named(wanted, known)
        try:
            outcomes = _fetched(d, banks, options, line)
        except KeyboardInterrupt:
            line.clear()
            text = (
                "interrupted; what came is kept in a .part file, and the next fetch goes on there"
            )
            say("dealer", text)
            return FAILED
        finally:
            line.clear()
    failed = {bank: o for bank, o in outcomes.items() if o.error is not None}
    done = {bank: o.value for bank, o in outcomes.items() if o.error is None}
    told = {bank: described(o) if o.error else o.value.describe() for bank, o in outcomes.items()}
    rows = [(bank, f.name, f.path, f"{f.size} bytes", f.sha256) for bank, f in done.items()]
    if rows or options.json:
        tell(options.json, told, render_rows((), rows))
    for bank, found in done.items():
        if found.is_growing:
            text = f"{found.name} is still being written: {found.path} is what it was at one moment"
            say("dealer", f"{bank}: {text}, {found.size} bytes")
    if failed:
        complain(PlayersError("fetch", outcomes))
    return FAILED if failed else DONE


def _having(d: Dealer, name: str) -> list[str]:
    """Return the Banks that have a file of this name; PlayersError: none has."""
    found = d.outcomes("files.look_up", name, _banks=d.list_available_players())
    having = [bank for bank, outcome in found.items() if outcome.error is None]
    if not having:
        raise PlayersError("fetch", found)
    for bank, outcome in found.items():
        if isinstance(outcome.error, PeerLostError):  # it may have one, too
            say("dealer", f"{bank}: {outcome.error}")
    return having


def _fetched(
    d: Dealer, banks: list[str], options: argparse.Namespace, line: FetchLine
) -> Mapping[str, Outcome]:
    how = {"part": options.range, "rate": options.rate, "timeout": options.timeout or FETCH_TIMEOUT}
    if len(banks) > 1:
        try:
            values = d.fetch(options.name, options.to, progress=line.show, _banks=banks, **how)
        except PlayersError as error:
            return error.outcomes
        return {bank: Outcome(bank, value) for bank, value in values.items()}
    (bank,) = banks
    try:
        options.to.mkdir(parents=True, exist_ok=True)
        found = d[bank].fetch(
            options.name, options.to, progress=lambda told: line.show(bank, told), **how
        )
    except (ProxyError, OSError) as error:
        return {bank: Outcome(bank, None, error)}
    return {bank: Outcome(bank, found)}


COMMAND = command(
    "fetch",
    _fetch,
    "fetch a file of a Player; one that was interrupted goes on where it was",
    argument(
        "banks BANKS",
        "a Bank, several as BANKA,BANKB, or all; default: the one that has it",
        nargs="?",
    ),
    argument("name NAME", "AREA/PATH, or a bare name, which is looked for in all areas"),
    argument(
        "--to DIR",
        "where it goes, of several Banks into a folder each; default: here",
        type=Path,
        default=Path(),
    ),
    argument("--rate BYTES/S", "at most, as 500k, 10M; default: as fast as it goes", type=_rate),
    argument("--range A-B", "first and last byte, or A- to the end; default: all", type=_part),
    description="Fetch a file of a Player. What is in its areas: dealer call BANKA files.listing AREA.",
)
