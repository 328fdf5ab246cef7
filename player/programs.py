"""Beginning and end of a program that is a Player with one Bank. Light to import: the signals are taken
over before anything heavy is loaded."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from commandline import DONE, FAILED, carry_out
from groundwork.launch import INTERRUPTED
from player.errors import BankNameError, ConfigError, KindError, PlayerError
from player.lifecycle import EndRequest, EndSignals, Notifier, force_end

__all__ = ["serve_to_the_end", "status_of"]


def serve_to_the_end(serve: Callable[[EndSignals, Notifier], bool]) -> int:
    """Take the signals over, and serve; returns the exit status.

    Args:
        serve: Serves to the end; True: that was asked for.
    """
    notifier = Notifier(os.environ.pop("NOTIFY_SOCKET", None))
    try:
        with EndSignals(force=force_end, hang_up_ends=os.isatty(0)) as signals:
            return DONE if serve(signals, notifier) else FAILED
    except EndRequest as request:  # before there was anything to end
        return INTERRUPTED if request.name == signal.SIGINT.name else DONE


def status_of(program: str, call: Callable[[], int]) -> int:
    """Return the exit status of a call; errors of configuration and Player are told on standard
    error."""
    return carry_out(
        program,
        call,
        usage_errors=(ConfigError, BankNameError, KindError),
        failures=(PlayerError,),
        sentences=lambda error: error.faults if isinstance(error, ConfigError) else (error,),
    )
