"""Commands of `player` that kinds of Banks bring: entry points, as kinds themselves are found."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from groundwork.loading import TargetError, load_target, registered, target_of
from player.errors import CommandError

__all__ = ["BUILT_IN", "GROUP", "Command", "find_command"]

GROUP = "dealer_player.commands"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"migrate": "spectrometer.legacyconf.command:COMMAND"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command, `player WORD`; the entry point's name is the word, in small letters.

    Attributes:
        build_parser: Its parser, `prog` being `player WORD`; completion and the documentation are
            made from it.
        run: (words, environment) -> exit status: 0 done, 1 failed, 2 usage or configuration. Of
            `player.errors` it raises what `player` is to say; everything else is a bug.
    """

    build_parser: Callable[[], argparse.ArgumentParser]
    run: Callable[[Sequence[str], Mapping[str, str]], int]


def find_command(word: str) -> Command | None:
    """Return a command of a kind; None if no kind has such a one.

    Raises:
        CommandError: It is registered, but cannot be imported, or is none.
    """
    targets = registered(GROUP, BUILT_IN)
    if word not in targets:
        return None
    try:
        target = target_of(word, targets)
        found = load_target(target)
    except TargetError as error:
        raise CommandError(word, str(error)) from error
    if not isinstance(found, Command):
        raise CommandError(word, f"{target} is no player.commands.Command")
    return found
