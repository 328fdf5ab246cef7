"""Commands as programs declare them: name, help, arguments and function; their parsers. Runs none itself
but the one that was chosen."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeAlias

from commandline.arguments import Argument, Parser

__all__ = ["Command", "Run", "command", "parser_for", "parsers_of"]

Run: TypeAlias = Callable[[argparse.Namespace], int]
"""Carries a command out; returns the exit status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command; made by `command`.

    Attributes:
        name: Word that chooses it.
        run: Carries it out; None: one of its own commands has to be chosen.
        help: In one line.
        arguments: What it takes.
        commands: Its own commands.
        usage_errors: Errors of its run that are wrong words: exit status 2.
        takes_common: It takes the options that all commands of its program take.
        more: As of `Parser`.
    """

    name: str
    run: Run | None
    help: str
    arguments: tuple[Argument, ...] = ()
    commands: tuple[Command, ...] = ()
    usage_errors: tuple[type[Exception], ...] = ()
    takes_common: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)

    def parser_options(self, common: Parser | None = None) -> dict[str, Any]:
        """Return what its parser is made of.

        Args:
            common: Options of all commands.
        """
        text = self.help
        defaults = {"run": self.run, "usage_errors": self.usage_errors} if self.run else {}
        options = {"description": f"{text[0].upper()}{text[1:]}.", **self.more}
        options["defaults"] = {**defaults, **options.get("defaults", {})}
        options["arguments"] = self.arguments
        options["parents"] = [common] if common is not None and self.takes_common else []
        return options

    def build_parser(self, program: str) -> Parser:
        """Return its parser as one of its own, `PROGRAM NAME`, for a program that parts it off."""
        parser = Parser(
            prog=f"{program} {self.name}", version_option="--version", **self.parser_options()
        )
        _add_commands(parser, self.commands, required=self.run is None)
        return parser

    def run_words(self, program: str, words: Sequence[str]) -> int:
        """Carry it out as the words say; the exit status."""
        options = self.build_parser(program).parse_args(words)
        status: int = options.run(options)
        return status


def command(
    name: str,
    run: Run | None,
    help: str,
    *arguments: Argument,
    commands: Sequence[Command] = (),
    usage_errors: tuple[type[Exception], ...] = (),
    takes_common: bool = True,
    **more: Any,
) -> Command:
    """Declare a command.

    Args:
        name: See `Command`.
        run: See `Command`.
        help: See `Command`; as a sentence its description, too, unless there is one.
        *arguments: What it takes.
        commands: See `Command`.
        usage_errors: See `Command`.
        takes_common: See `Command`.
        **more: As of `Parser`.
    """
    return Command(
        name=name,
        run=run,
        help=help,
        arguments=arguments,
        commands=tuple(commands),
        usage_errors=usage_errors,
        takes_common=takes_common,
        more=more,
    )


def _add_commands(
    parser: Parser,
    commands: Iterable[Command],
    common: Parser | None = None,
    *,
    dest: str = "command",
    required: bool = False,
) -> None:
    """Add commands, and those within them, to a parser."""
    if not (commands := tuple(commands)):
        return
    words = parser.add_subparsers(dest=dest, metavar="COMMAND", required=required)
    for each in commands:
        inner = words.add_parser(each.name, help=each.help, **each.parser_options(common))
        _add_commands(
            inner,
            each.commands,
            common,
            dest=f"{each.name}_{dest}",
            required=each.run is None,
        )


def parser_for(
    name: str,
    text: str,
    *arguments: Argument,
    commands: Iterable[Command] = (),
    common: Iterable[Argument] = (),
    required: bool = False,
    **more: Any,
) -> Parser:
    """Return the parser of a program, with an option that shows the version.

    Args:
        name: As it is typed.
        text: Its description.
        *arguments: What it takes.
        commands: Its commands; the options that it parses have `run`, and `command`, the word.
        common: Options of the program that may stand behind the word of a command, too; their
            default is `argparse.SUPPRESS`, and that of the program is among `defaults`.
        required: One of the commands has to be chosen.
        **more: As of `Parser`.
    """
    common = tuple(common)
    more.setdefault("version_option", "--version")
    parser = Parser(prog=name, description=text, arguments=(*arguments, *common), **more)
    _add_commands(
        parser,
        commands,
        Parser(add_help=False, arguments=common) if common else None,
        required=required,
    )
    return parser


def parsers_of(module: ModuleType) -> list[argparse.ArgumentParser]:
    """Build the parsers of a program: its own, `build_parser`, then those of words that it parts off.

    Args:
        module: Of the program; these are functions `X_parser`, and those of `COMMANDS_BY_WORD`, of it
            or of its module `parsers`.
    """
    place = vars(getattr(module, "parsers", module))
    others = [place[key]() for key in place if key.endswith("_parser") and key != "build_parser"]
    own = place["build_parser"]()
    apart = place.get("COMMANDS_BY_WORD", {})
    return [own, *others, *(each.build_parser(own.prog) for each in apart.values())]
