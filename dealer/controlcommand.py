"""The commands `dealer control ...`: take control of Banks, give it back, break it, show it.

Control that a command has taken stays until its time is over; all commands of the same user on this
host have it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from commandline import DONE, FAILED, argument, command, render_rows, say, tell
from dealer.commands import banks_named, kept_control, open_dealer
from dealer.control import Control
from dealer.dealer import Dealer
from dealer.errors import ConfigurationError, PlayersError

__all__ = ["COMMAND"]

HEAD = ("Bank", "owner", "until (UTC)", "reason", "the one before")


def _take(options: argparse.Namespace) -> int:
    with open_dealer(options) as d:
        banks = banks_named(options.banks, d.list_available_players())
        taken = d.take_control(options.reason, options.minutes, stays=True, _banks=banks)
        proofs = {
            d[bank].url: (each.credential, each.until.timestamp())
            for bank, each in taken.items()
            if each.until is not None
        }
        try:
            kept_control().add(proofs)
        except OSError as error:
            d.release_control(_banks=banks)
            text = f"control was given back, for no file can keep it for other commands: {error}"
            raise ConfigurationError("control take", [text]) from error
    _show_all(options, taken)
    return DONE


def _release(options: argparse.Namespace) -> int:
    kept = kept_control()
    with open_dealer(options) as d:
        banks = banks_named(options.banks, d.list_available_players())
        known = kept.credentials()
        held = [bank for bank in banks if d[bank].url in known]
        if not held:
            say("dealer", "control of none of these Banks was taken here")
            return FAILED
        try:
            released = d.release_control(_banks=held)
        except PlayersError as error:  # whoever could not be told is told by the next release
            kept.remove([d[bank].url for bank in held if bank not in error.failed])
            raise
        kept.remove([d[bank].url for bank in held])
        _show_all(options, released)
    return DONE


def _break(options: argparse.Namespace) -> int:
    return _asked(options, lambda d, banks: d.break_control(options.reason, _banks=banks))


def _show(options: argparse.Namespace) -> int:
    return _asked(options, lambda d, banks: d.who_controls(_banks=banks))


def _asked(
    options: argparse.Namespace, ask: Callable[[Dealer, list[str]], Mapping[str, Control]]
) -> int:
    with open_dealer(options) as d:
        _show_all(options, ask(d, banks_named(options.banks, d.list_available_players())))
    return DONE


def _show_all(options: argparse.Namespace, found: Mapping[str, Control]) -> None:
    told: dict[str, Any] = {bank: each.describe() for bank, each in found.items()}
    rows = [
        (
            bank,
            each.owner or ("nobody; commands need it" if each.required else "nobody"),
            f"{each.until:%Y-%m-%d %H:%M:%S}" if each.until else "",
            each.reason,
            each.ended or "",
        )
        for bank, each in found.items()
    ]
    tell(options.json, told, render_rows(HEAD, rows))


_BANKS = argument("--banks BANKS", "a Bank, several as BANKA,BANKB; default: all", default="all")
_REASON = argument("reason REASON", "one line, for others to read")
COMMAND = command(
    "control",
    _show,
    "take control of Banks for all commands of yours, give it back, break it, show it",
    description="Control of Banks: commands of others are refused until it is given back. "
    "Without a command: show who has it.",
    defaults={"banks": "all"},
    commands=(
        command(
            "take",
            _take,
            "take control of all of these Banks, or of none, for your commands on this host",
            _REASON,
            argument(
                "--minutes N",
                "it ends after this time; default: %(default)g",
                type=float,
                default=60.0,
            ),
            _BANKS,
        ),
        command(
            "release",
            _release,
            "give control back that was taken by `dealer control take`",
            _BANKS,
        ),
        command(
            "break",
            _break,
            "take control away from whoever has it; for the role admin",
            _REASON,
            _BANKS,
        ),
        command("show", _show, "show who has control, until when, and why", _BANKS),
    ),
)
