"""Commands of `player` that kinds of Banks bring: entry points, as kinds themselves are found."""

from __future__ import annotations

import argparse
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from player.errors import CommandError

__all__ = ["BUILT_IN", "GROUP", "Command", "find_command"]

GROUP = "dealer_player.commands"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"migrate": "spectrometer.legacyconf.command:COMMAND"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command, `player WORD`; the entry point's name is the word, in small letters.

    Attributes:
        build_parser: Its parser, `prog` being `player WORD`; completion and the documentation are made from it.
        run: (words, environment) -> exit status: 0 done, 1 failed, 2 usage or configuration. Of `player.errors` it
            raises what `player` is to say; everything else is a bug.
    """

    build_parser: Callable[[], argparse.ArgumentParser]
    run: Callable[[Sequence[str], Mapping[str, str]], int]


def find_command(word: str) -> Command | None:
    """Return a command of a kind; None if no kind has such a one.

    Raises:
        CommandError: It is registered, but cannot be imported, or is none.
    """
    targets = dict(BUILT_IN)
    for entry in importlib.metadata.entry_points(group=GROUP, name=word):
        targets[word] = entry.value
    if word not in targets:
        return None
    try:
        found = EntryPoint(word, targets[word], GROUP).load()
    except Exception as error:  # whatever a site's own module does while it is imported
        text = f"importing {targets[word]} raised {type(error).__name__}: {error}"
        raise CommandError(word, text) from error
    if not isinstance(found, Command):
        raise CommandError(word, f"{targets[word]} is no player.commands.Command")
    return found
