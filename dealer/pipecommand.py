"""The command `dealer pipe`: frames of a pipe into a file, or as a plot in the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commandline import DONE, FAILED, argument, command, flag, say
from dealer.errors import ConfigurationError, PlayersError
from dealer.following import LOOK_S, SubscriptionFollower, subscribed
from dealer.outcome import Outcomes
from dealer.publishedproperties import BANKS, PublishedProperties, published_by
from dealer.watchcommand import COUNT, FOR, RATE

if TYPE_CHECKING:
    from dealer.framefiles import FrameFile

__all__ = ["COMMAND"]

PLOT_PIXELS = 1000
"""A frame that is only drawn comes as the bounds of so many pixels: more than terminals have."""


def _pipe(options: argparse.Namespace) -> int:
    with published_by(options, [options.name]) as published:
        bank, name = _the_pipe(published, options.name)
        url = published.urls[bank]
    from dealer.framesink import FramePlot, FrameSink  # not for other commands

    units = published.text_of(bank, name, "unit"), published.text_of(bank, name, "x_unit")
    is_drawn = options.plot or (options.to is None and not options.json)
    limits: dict[str, Any] = {"rate": options.rate}
    if is_drawn and options.to is None and not options.json:
        limits = {"rate": options.rate or 1 / LOOK_S}
        if find_spec("numpy"):  # else they come whole
            limits["width"] = PLOT_PIXELS
    follower = SubscriptionFollower(
        wanted={bank: [name]}, most=options.count, seconds=options.seconds
    )
    try:
        with (
            _opened(options.to) as file,
            subscribed({bank: url}, {bank: [name]}, **limits) as subscription,
        ):
            plot = FramePlot(units) if is_drawn else None
            sink = FrameSink(subscription, file, plot, options.json and file is None)
            end = follower.follow(subscription, sink)
            sink.end(options.to, options.json)
    except OSError as error:
        if options.to is None or isinstance(error, BrokenPipeError):
            raise
        raise ConfigurationError("pipe", [f"{options.to}: {error.strerror or error}"]) from error
    complaint = follower.complaint(end)
    if complaint:
        say("dealer", complaint)
    return FAILED if complaint else DONE


def _the_pipe(published: PublishedProperties, word: str) -> tuple[str, str]:
    """Return Bank and name of the one pipe that a word means."""
    if published.failed:
        raise PlayersError("list_properties", Outcomes(published.failed))
    found = [(bank, name) for bank, names in published.names("pipe").items() for name in names]
    faults = published.lacking()
    if len(found) > 1:
        faults = [f"name one of {', '.join(f'{bank}.{name}' for bank, name in found[:20])}"]
    elif found and published.text_of(*found[0], "kind") != "pipe":
        kind = published.text_of(*found[0], "kind")
        faults = [f"{word} is a {kind}, no pipe; `dealer watch {word}` shows it"]
    elif not found and not faults:
        faults = [f"{word} means no pipe; `dealer properties` lists what there is"]
    if faults:
        raise ConfigurationError("pipe", faults)
    return found[0]


@contextmanager
def _opened(path: Path | None) -> Iterator[FrameFile | None]:
    """Begin the file, if one is wanted, and close it."""
    if path is None:
        yield None
        return
    from dealer.framefiles import FrameFileError, open_frames

    try:
        file = open_frames(path)
        try:
            yield file
        finally:
            file.close()
    except FrameFileError as error:
        raise ConfigurationError("pipe", [str(error)]) from error


COMMAND = command(
    "pipe",
    _pipe,
    "write the frames of a pipe into a file, or draw them in the terminal",
    argument("name PROPERTY", "[BANK.]NAME of the pipe"),
    BANKS,
    argument("--to FILE", "a new .npy or .jsonl file, or a folder; default: none", type=Path),
    flag("--plot", "draw the newest frame while they are written, too"),
    COUNT,
    FOR,
    RATE,
    description="Write the frames of a pipe into a file, with their numbers and times and with what was lost, "
    "until Ctrl-C; without a file, draw the newest one, four times a second at most.",
)
