"""Entry points of all programs: Ctrl-C ends them without a traceback, from the first moment on.

Imports next to nothing, for only what is imported below them is under their care.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # that of `typing` takes longer to load than all that is here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

__all__ = [
    "INTERRUPTED",
    "Entry",
    "dashboard",
    "dealer",
    "difx",
    "difx_gateway",
    "histogrammer",
    "lsservices",
    "mirror",
    "player",
    "portmanager",
    "spectrometer_daq",
    "zmqjsonproxy",
]

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process at once: nothing has been begun, and libraries that are being loaded would hide
    an exception, or tell of it in their own way."""
    os._exit(INTERRUPTED)


class Entry:
    """Entry point of a program, which is loaded when it is called.

    Args:
        module: Where it is; what it needs is imported with it.
        name: Its function there.
    """

    def __init__(self, module: str, name: str = "main") -> None:
        self.module, self.name = module, name

    def __call__(self, argv: Sequence[str] | None = None) -> int:
        """Run the program; returns its exit status."""
        before = signal.getsignal(signal.SIGINT)
        is_ours = before is signal.default_int_handler  # it may be ignored, as of `command &`
        if is_ours:
            signal.signal(signal.SIGINT, _leave)
        try:
            from importlib import import_module

            main = getattr(import_module(self.module), self.name)
        finally:
            if is_ours:
                signal.signal(signal.SIGINT, before)
        try:
            return int(main(argv))
        except KeyboardInterrupt:
            return INTERRUPTED


dashboard = Entry("dashboard.cli")
dealer = Entry("dealer.cli")
difx = Entry("gateways.difx.client.cli")
difx_gateway = Entry("gateways.difx.cli")
histogrammer = Entry("histogrammer.cli")
lsservices = Entry("portmanager.cli", "lsservices")
mirror = Entry("histogrammer.mirror.cli")
player = Entry("player.cli")
portmanager = Entry("portmanager.cli")
spectrometer_daq = Entry("spectrometer.__main__")
zmqjsonproxy = Entry("zmqjsonproxy.recording")
