"""The command `mirror`: this host's copy of the display memory of another.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from commandline import USAGE, carry_out, run_command, say
from histogrammer.errors import DisplayMemoryError, MirrorError
from histogrammer.mirror import parsers
from player.lifecycle import EndSignals, Notifier
from player.programs import serve_to_the_end

if TYPE_CHECKING:
    from histogrammer.mirror.keeper import OnlyOne
    from histogrammer.mirror.places import Places

__all__ = ["main"]

_OTHER_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.2


def _places(options: argparse.Namespace) -> Places:
    from histogrammer.mirror.places import Places
    from portmanager.protocol.urls import ManagerAddress

    manager = options.portmanager
    return Places(
        host=options.host,
        rest=options.restport,
        mirror=options.mirrorport,
        user=options.user,
        manager=ManagerAddress(options.host) if manager is None else ManagerAddress.read(manager),
    )


def _key_of_another(places: Places) -> str | None:
    """Return the key of a copy that is kept on this host already; None: there is none."""
    from histogrammer.display.reader import open_key

    for key in places.source().copies_here:
        try:
            open_key(key).close()
        except DisplayMemoryError:  # of another user, or just gone
            continue
        return key
    return None


def _only_one_or_key(places: Places) -> OnlyOne | str:
    """Return the right to keep the copy, or the key of the one that another program keeps."""
    from histogrammer.mirror.keeper import OnlyOne

    end = time.monotonic() + _OTHER_WITHIN_S
    while True:
        if (key := _key_of_another(places)) is not None:
            return key
        try:
            return OnlyOne(*places.mirror_address())
        except FileExistsError as error:
            if time.monotonic() > end:
                raise MirrorError(f"another program keeps {error}, and does not have it") from error
        time.sleep(_LOOK_EVERY_S)


def _serve(places: Places, signals: EndSignals) -> bool:
    from histogrammer.mirror.keeper import MirrorKeeper

    name = f"{places.host}:{places.mirror}"
    right = _only_one_or_key(places)
    if isinstance(right, str):
        print(f"ready: memory {right}, a copy of {name} that another program keeps", flush=True)
        return True
    with ExitStack() as stack:
        stack.enter_context(right)
        told: set[str] = set()

        def tell_ready() -> None:
            copy = keeper.copy
            if copy.key not in told:
                told.add(copy.key)
                print(
                    f"ready: memory {copy.key} of {copy.channel_bytes} bytes, a copy of {name}",
                    flush=True,
                )

        keeper = stack.enter_context(MirrorKeeper(places, places.source(), tell_ready))
        try:
            keeper.run()
        finally:
            signals.deliver_to(lambda _name: None)  # nothing interrupts the closing
    return True


def _main(argv: Sequence[str]) -> int:
    options = parsers.build_parser().parse_args(argv)

    def serve(signals: EndSignals, _notifier: Notifier) -> bool:
        from player.logs import set_up_logging

        set_up_logging(options.log_level, None, program=parsers.PROGRAM)
        return _serve(places, signals)

    try:
        places = _places(options)
    except ValueError as error:
        say(parsers.PROGRAM, error)
        return USAGE
    return carry_out(
        parsers.PROGRAM,
        lambda: serve_to_the_end(serve),
        failures=(MirrorError, DisplayMemoryError),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 usage."""
    line = list(sys.argv[1:] if argv is None else argv)
    return run_command(parsers.PROGRAM, lambda: _main(line), must_write=False)


if __name__ == "__main__":
    sys.exit(main())
