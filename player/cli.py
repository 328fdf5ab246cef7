"""The command `player`: which command the words mean, and a Player that is served.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from commandline import USAGE, Command, argument, flag, log_level, parser_for, run_command, say
from player.commandconfig import (
    CONFIG,
    LOG_JSON,
    SIMULATE,
    chosen_bank,
    load_and_warn,
    load_config,
)
from player.commands import COMMANDS_BY_WORD
from player.programs import serve_to_the_end, status_of

if TYPE_CHECKING:
    from player.lifecycle import EndSignals, Notifier
    from player.tables import Config

__all__ = ["build_parser", "main"]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `player [BANK [URL [simulate]]]`."""
    # argparse may break a line at a hyphen: such words stand where no line ends
    words = sorted(COMMANDS_BY_WORD, key=lambda word: "-" not in word)
    return parser_for(
        "player",
        "Serve one Bank, until SIGINT or SIGTERM.",
        argument("bank BANK", "Bank to serve; default: the one of this host", nargs="?"),
        argument("url URL", "where to serve calls, tcp://HOST:PORT or service:NAME", nargs="?"),
        argument("word", "this word: the same as --simulate", nargs="?", metavar="simulate"),
        CONFIG,
        argument("--bind ADDRESS", "address to serve on; default: the file's, else 127.0.0.1"),
        argument(
            "--service NAME", "serve at a port that this host's port manager lends under NAME"
        ),
        SIMULATE,
        log_level(more="; while it runs: set_log_level of the Bank, or SIGUSR1 for debug and back"),
        LOG_JSON,
        argument(
            "--ready-within S",
            "end with status 1 if the Bank does not answer S seconds after its start; default: %(default)g",
            type=float,
            default=60.0,
        ),
        flag("--check", "check the configuration and end, as `player check`"),
        epilog=f"Commands: player {', '.join(words)}, "
        "and those of kinds of Banks, as migrate; each has its own --help. "
        "Exit status: 0 done, 1 failed, 2 usage or configuration.",
    )


def _url(
    parser: argparse.ArgumentParser, args: argparse.Namespace, config: Config, bank: str
) -> str:
    """Return where to serve: URL or --service, then --bind, then the file."""
    from groundwork.portranges import split_ports
    from portmanager.protocol.urls import ServiceAddress, is_service, own_service

    if args.url is not None and args.service is not None:
        parser.error("give a URL or --service, not both")
    given = args.url if args.service is None else f"service:{args.service}"
    if given is None:
        return config.url(bank, args.bind)
    try:
        if is_service(given):
            return ServiceAddress(own_service(given, bank), config.manager).url
        if args.bind is not None:
            parser.error("give a URL or --bind, not both")
        split_ports(given)
    except ValueError as error:
        parser.error(f"{'URL' if args.service is None else '--service'}: {error}")
    return str(given)


def _serve(words: Sequence[str]) -> int:
    parser = build_parser()
    args = parser.parse_args(words)
    if args.url == "simulate" and args.word is None:  # the URL is left out, as it may be
        args.url, args.word = None, args.url
    if args.word not in (None, "simulate"):
        parser.error(f"the third word can only be `simulate`, not {args.word!r}")

    def serve(signals: EndSignals, notifier: Notifier) -> bool:
        if args.check:
            config = load_and_warn(args.config)
            bank = f"; Bank {chosen_bank(config, args.bank)}" if args.bank is not None else ""
            print(f"{config.source.path}: no faults{bank}; Banks: {', '.join(config.banks)}")
            return True
        config = load_config(args.config)
        bank = chosen_bank(config, args.bank)
        url = _url(parser, args, config, bank)
        import logging

        from player.config import data_root, dibas_dir, state_dir
        from player.host import Host, HostSettings
        from player.lifecycle import run
        from player.logs import LevelSignal, set_up_logging

        set_up_logging(args.log_level, bank, as_json=args.log_json)
        host = Host(
            config,
            bank,
            url,
            bind=args.bind,
            simulate=args.simulate or args.word == "simulate",
            data_root=data_root(config, os.environ),
            dibas_dir=dibas_dir(os.environ),
            state_dir=state_dir(os.environ),
            settings=HostSettings(ready_within=args.ready_within),
        )
        for warning in config.source.warnings:
            # What is open to the network the host says of its true address.
            logging.getLogger(__name__).warning("%s", warning)
        with LevelSignal():
            return run(host, signals, notifier)

    return serve_to_the_end(serve)


def _find_command(word: str) -> Command | None:
    """Return a command, ours or one that a kind brings; None if the word is none."""
    if word in COMMANDS_BY_WORD or not word.islower():
        return COMMANDS_BY_WORD.get(word)
    from player.kindcommands import find_command

    return find_command(word)


def _first_word(words: Sequence[str]) -> int | None:
    """Return the index of the first word that is neither an option nor an option's value."""
    takes_value = {
        option
        for action in build_parser()._actions
        if action.nargs is None
        for option in action.option_strings
    }
    index = 0
    while index < len(words):
        if not words[index].startswith("-"):
            return index
        index += 2 if words[index] in takes_value else 1
    return None


def _is_for_a_daemon(words: Sequence[str]) -> bool:
    at = _first_word(words)
    return {"-h", "--help", "--version"}.isdisjoint(words) and (at is None or words[at].isupper())


def _split_command(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return (command word, the other words); options may stand before the command."""
    words = list(argv)
    at = _first_word(words)
    if at is None or _find_command(words[at]) is None:
        return None, words
    return words[at], words[:at] + words[at + 1 :]


def _say_command_like(line: Sequence[str]) -> None:
    """Where a word was taken for a Bank that is not there: name the command that it is like, if
    any."""
    at = _first_word(line)
    if at is None or not line[at].islower():
        return
    import difflib

    from player.kindcommands import BUILT_IN

    for like in difflib.get_close_matches(
        line[at], (*COMMANDS_BY_WORD, *BUILT_IN), n=1, cutoff=0.7
    ):
        if like != line[at]:
            say("player", f"did you mean the command `player {like}`?")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 usage or configuration."""
    line = list(sys.argv[1:] if argv is None else argv)
    return run_command(
        "player",
        lambda: _main(line),
        must_write=not _is_for_a_daemon(line),
    )


def _main(line: Sequence[str]) -> int:
    def run() -> int:
        word, words = _split_command(line)
        found = None if word is None else _find_command(word)
        return _serve(words) if found is None else found.run_words("player", words)

    status = status_of("player", run)
    if status == USAGE:
        _say_command_like(line)
    return status


if __name__ == "__main__":
    sys.exit(main())
