"""Parsers of our commands: options and other words in any order, and the version. Standard library
only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

__all__ = [
    "LOG_LEVELS",
    "Parser",
    "add_log_level",
    "number_of_seconds",
    "parsers_of",
    "port_number",
    "version",
]

LOG_LEVELS = ("debug", "info", "warning", "error")


def version() -> str:
    """Return the version of the distribution that is installed."""
    from importlib import (
        metadata,
    )  # looked up only when it is asked for: it takes longer than a call

    try:
        return metadata.version("dealer-player")
    except metadata.PackageNotFoundError:
        return "unknown (not installed)"


def port_number(text: str) -> int:
    """Return the number of a TCP port, 0 too, that a word of the command line is."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 0 to 65535")
    return int(text)


def number_of_seconds(text: str) -> float:
    """Return a time above 0 that a word of the command line is, s."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def add_log_level(
    parser: argparse.ArgumentParser, default: str = "info", *, more: str = ""
) -> None:
    """Add the option `--log-level`.

    Args:
        parser: Of a command.
        default: One of LOG_LEVELS.
        more: What its help says besides.
    """
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default=default,
        help=f"least level that is logged; default: %(default)s{more}",
    )


def parsers_of(module: ModuleType) -> list[argparse.ArgumentParser]:
    """Build the parsers of a command: its own, `build_parser`, then those of its words, `X_parser`.

    Args:
        module: Of the command; where it has a module `parsers`, they are there.
    """
    place = vars(getattr(module, "parsers", module))
    others = [key for key in place if key.endswith("_parser") and key != "build_parser"]
    return [place[key]() for key in ("build_parser", *others)]


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        print(f"{parser.prog} {version()}")
        parser.exit()


class Parser(argparse.ArgumentParser):
    """ArgumentParser whose words may stand between options and behind them.

    Args:
        *args: As of ArgumentParser.
        with_version: There is an option `--version`.
        rest: Name of the list of words that gets what stands behind `--`, for another program;
            empty: there is none.
        **kwargs: As of ArgumentParser.
    """

    def __init__(
        self, *args: Any, with_version: bool = False, rest: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._rest = rest
        self._is_within = (
            False  # argparse takes words and options in two passes, each by the method below
        )
        if with_version:
            self.add_argument(
                "--version", action=_Version, nargs=0, help="show the version and end"
            )

    def parse_known_args(  # type: ignore[override]  # of its overloads one is meant
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Parse options and words mixed."""
        if self._is_within:
            return super().parse_known_args(args, namespace)
        words = list(sys.argv[1:] if args is None else args)
        at = words.index("--") if self._rest and "--" in words else len(words)
        is_mixed = not any(
            action.nargs in (argparse.PARSER, argparse.REMAINDER) for action in self._actions
        )
        if not is_mixed or "--" in words[:at]:
            return super().parse_known_args(words, namespace)
        self._is_within = True
        try:
            options, unknown = self.parse_known_intermixed_args(words[:at], namespace)
        finally:
            self._is_within = False
        if self._rest:
            setattr(options, self._rest, [*getattr(options, self._rest), *words[at + 1 :]])
        return options, unknown
