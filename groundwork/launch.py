"""Entry points of all programs: Ctrl-C ends them without a traceback, from the first moment on.

Imports next to nothing, for only what is imported below them is under their care.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # that of `typing` takes longer to load than all that is here
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

__all__ = [
    "INTERRUPTED",
    "dashboard",
    "dealer",
    "difx",
    "difx_gateway",
    "entry",
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


def entry(module: str, name: str = "main") -> Callable[..., int]:
    """Return the entry point of a program, which is loaded when it is called."""

    def run(argv: Sequence[str] | None = None) -> int:
        before = signal.getsignal(signal.SIGINT)
        is_ours = before is signal.default_int_handler  # it may be ignored, as of `command &`
        if is_ours:
            signal.signal(signal.SIGINT, _leave)
        try:
            from importlib import import_module

            main = getattr(import_module(module), name)
        finally:
            if is_ours:
                signal.signal(signal.SIGINT, before)
        try:
            return int(main(argv))
        except KeyboardInterrupt:
            return INTERRUPTED

    return run


dashboard = entry("dashboard.cli")
dealer = entry("dealer.cli")
difx = entry("gateways.difx.client.cli")
difx_gateway = entry("gateways.difx.cli")
histogrammer = entry("histogrammer.cli")
lsservices = entry("portmanager.cli", "lsservices")
mirror = entry("histogrammer.mirror.cli")
player = entry("player.cli")
portmanager = entry("portmanager.cli")
spectrometer_daq = entry("spectrometer.__main__")
zmqjsonproxy = entry("zmqjsonproxy.recording")
