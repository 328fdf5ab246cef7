"""The command `dealer`: one-shot questions to an array. Exit status 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dealer.dealer import Dealer
from dealer.errors import DealerError
from dealer.outcome import Outcome

__all__ = ["build_parser", "main"]


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dealer", description="Asks the Players of an array.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration of the array (TOML)")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="deadline, s (default 10)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="names and addresses of the Players")
    status = commands.add_parser("status", help="mode, scan and state of each Bank")
    status.add_argument("keys", nargs="*", help="status keys; default: a summary")
    return parser


SUMMARY = ("MODENAME", "SCANNUM", "SCANREM", "NETSTAT", "DAQSTATE", "SIMULATE")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = build_parser().parse_args(argv)
    try:
        with Dealer(config=options.config, timeout=options.timeout) as d:
            if options.command == "list":
                return _list(d, options.json)
            return _status(d, tuple(options.keys) or SUMMARY, options.json)
    except DealerError as error:
        print(f"dealer: {error}", file=sys.stderr)
        return 1


def _list(d: Dealer, as_json: bool) -> int:
    urls = {name: proxy.url for name, proxy in d.available_players.items()}
    if as_json:
        print(json.dumps(urls, indent=2))
    else:
        for name, url in urls.items():
            print(f"{name:8} {url}")
    return 0


def _status(d: Dealer, keys: Sequence[str], as_json: bool) -> int:
    d.add_active_player(*d.list_available_players())
    modes, status = d.outcomes("get_mode"), d.outcomes("get_status", list(keys))
    if as_json:
        print(json.dumps({bank: _plain(modes[bank], outcome) for bank, outcome in status.items()}, indent=2))
    else:
        print(f"{'Bank':8} {'mode':14} " + " ".join(f"{key:>10}" for key in keys))
        for bank, outcome in status.items():
            if outcome.error is not None or modes[bank].error is not None:
                print(f"{bank:8} {outcome.error or modes[bank].error}")
                continue
            values = outcome.value or {}
            print(f"{bank:8} {modes[bank].value or '-':14} " + " ".join(f"{values.get(k, '-')!s:>10}" for k in keys))
    return 0 if all(o.ok for o in status.values()) else 1


def _plain(mode: Outcome, status: Outcome) -> dict[str, Any]:
    error = status.error or mode.error
    return {"error": str(error)} if error is not None else {"mode": mode.value, "status": status.value}


if __name__ == "__main__":
    sys.exit(main())
