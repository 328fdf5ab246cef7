"""The Python prompt of `player shell`: `p` is the Bank."""

from __future__ import annotations

import os
import queue
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from groundwork.prompt import run_prompt
from player.errors import PlayerError
from player.interactive import InteractiveBank
from player.signals import Handlers
from zmqjsonproxy.errors import ProxyError, SelfExplanatoryError

__all__ = ["banner", "explained", "run_shell"]

END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
CLOSE_WITHIN_S = 8.0


def banner(bank: InteractiveBank) -> str:
    """Return what is told before the first prompt."""
    context = bank.bank.context
    simulated = ", simulated: no instrument is touched" if context.simulate else ""
    return (
        f"p is {context.name} of {context.instrument.path}{simulated}.\n"
        "p.<Tab> shows what it has, help(p.NAME) explains it, Ctrl-C aborts an operation, Ctrl-D ends."
    )


def explained(error: BaseException | None) -> str | None:
    """Return what is shown of an error that explains itself; None: the traceback says more."""
    if isinstance(error, ProxyError | SelfExplanatoryError | PlayerError):
        return f"{type(error).__name__}: {error}"
    return None


def run_shell(bank: InteractiveBank) -> None:
    """Read and carry out lines until the end of input, or a signal that ends the process in
    order."""
    with _ended_by_signals(bank):
        run_prompt({"p": bank, "Bank": InteractiveBank}, banner(bank), explained)


@contextmanager
def _ended_by_signals(bank: InteractiveBank) -> Iterator[None]:
    """Make SIGTERM and SIGHUP (the terminal was closed) close the Bank and end the process.

    No exception in the main thread: IPython would catch it and go on. The handler only notes the
    signal.
    """
    noted: queue.SimpleQueue[int] = queue.SimpleQueue()
    terminal = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None

    def end_when_noted() -> None:
        if number := noted.get():
            closing = threading.Thread(target=bank.close, name="close", daemon=True)
            closing.start()
            closing.join(CLOSE_WITHIN_S)
            if terminal is not None:  # a prompt may have changed it
                with suppress(termios.error):
                    termios.tcsetattr(sys.stdin, termios.TCSANOW, terminal)
            os._exit(128 + number)

    threading.Thread(target=end_when_noted, name="end by a signal", daemon=True).start()
    handlers = Handlers()
    for number in END_SIGNALS:
        handlers.install(number, lambda number, _frame: noted.put(number))
    try:
        yield
    finally:
        handlers.remove()
        noted.put(0)
