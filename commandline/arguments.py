"""Arguments of commands, and their parser: options and other words in any order, and the version."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from groundwork.version import version

__all__ = [
    "LOG_LEVELS",
    "Argument",
    "Parser",
    "argument",
    "count",
    "flag",
    "log_level",
    "number_of_seconds",
    "one_of",
    "peer",
    "peers_with_roles",
    "port_number",
]

LOG_LEVELS = ("debug", "info", "warning", "error")


def port_number(text: str, least: int = 0) -> int:
    """Return the number of a TCP port, from `least` on, that a word of the command line is."""
    if not (_is_number(text) and least <= int(text) <= 65535):
        fault = f"{text!r} is no port; write a number from {least} to 65535"
        raise argparse.ArgumentTypeError(fault)
    return int(text)


def count(text: str) -> int:
    """Return a whole number above 0 that a word of the command line is."""
    if not (_is_number(text) and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 7


def peer(text: str) -> str:
    """Return a network, or an address, with the role of its hosts, that a word of the command line
    is."""
    from groundwork.peers import read_peer  # late: few commands take one

    try:
        return str(read_peer(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def peers_with_roles() -> Argument:
    """Return the option that says who may connect to a server whose clients have roles."""
    return argument(
        "--peers CIDR[=ROLE]",
        "network that may connect, and its role, observe, operate or admin, again for more; default: "
        "this host alone; without a role observe",
        action="append",
        type=peer,
    )


def number_of_seconds(text: str) -> float:
    """Return a time above 0 that a word of the command line is, s."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


Argument: TypeAlias = "Callable[[argparse._ActionsContainer], object]"
"""Adds itself to a parser."""


def argument(names: str, text: str | None = None, **options: Any) -> Argument:
    """Return a word or an option.

    Args:
        names: Those of `add_argument`, and last what stands for the value in upper case, as
            `-o --output FILE`.
        text: Its help.
        **options: As of `add_argument`.
    """
    words = names.split()
    if words[-1].isupper():
        options["metavar"] = words.pop()
    return lambda parser: parser.add_argument(*words, help=text, **options)


def flag(names: str, text: str, **options: Any) -> Argument:
    """Return an option that is given or not."""
    return argument(names, text, action="store_true", **options)


def one_of(*arguments: Argument) -> Argument:
    """Return options of which at most one is given."""

    def add(parser: argparse._ActionsContainer) -> None:
        group = parser.add_mutually_exclusive_group()
        for each in arguments:
            each(group)

    return add


def log_level(default: str = "info", *, more: str = "") -> Argument:
    """Return the option `--log-level`; `more` is what its help says besides."""
    text = f"least level that is logged; default: %(default)s{more}"
    return argument("--log-level", text, choices=LOG_LEVELS, default=default)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        print(f"{parser.prog} {version()}")
        parser.exit()


class Parser(argparse.ArgumentParser):
    """ArgumentParser whose words may stand between options and behind them.

    Args:
        *args: As of ArgumentParser.
        version_option: Names of the option that shows the version, as `-V --version`; empty: there
            is none.
        rest: Name of the list of words that gets what stands behind `--`, for another program;
            empty: there is none.
        arguments: What it takes.
        defaults: Values of what is not given, as of `set_defaults`.
        **kwargs: As of ArgumentParser.
    """

    def __init__(
        self,
        *args: Any,
        version_option: str = "",
        rest: str = "",
        arguments: Iterable[Argument] = (),
        defaults: Mapping[str, Any] = MappingProxyType({}),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.set_defaults(**defaults)
        self._rest = rest
        # argparse takes words and options in two passes, each by the method below
        self._is_within = False
        if version_option:
            argument(version_option, "show the version and end", action=_Version, nargs=0)(self)
        for each in arguments:
            each(self)

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
