"""Commands of `player` that kinds of Banks bring: entry points, as kinds themselves are found.

The name of an entry point is the word, in small letters. Of `player.errors` a command raises what `player` is
to say; everything else is a bug.
"""

from __future__ import annotations

from commandline import Command
from groundwork.loading import TargetError, load_target, registered, target_of
from player.errors import CommandError

__all__ = ["BUILT_IN", "GROUP", "find_command"]

GROUP = "dealer_player.commands"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"migrate": "spectrometer.legacyconf.command:COMMAND"}


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
        raise CommandError(word, f"{target} is no commandline.registry.Command")
    return found
