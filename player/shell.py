"""The Python prompt of `player shell`: `p` is the Bank. IPython where it is installed, else the standard console."""

from __future__ import annotations

import code
import importlib
import importlib.util
import os
import queue
import signal
import sys
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from player.interactive import Bank
from player.signals import Handlers

__all__ = ["run_shell"]

END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
CLOSE_WITHIN_S = 8.0


def banner(bank: Bank) -> str:
    """Return what is told before the first prompt."""
    context = bank.bank.context
    simulated = ", simulated: no instrument is touched" if context.simulate else ""
    return (
        f"p is {context.name} of {context.instrument.path}{simulated}.\n"
        "p.<Tab> shows what it has, help(p.NAME) explains it, Ctrl-C aborts an operation, Ctrl-D ends."
    )


def run_shell(bank: Bank) -> None:
    """Read and carry out lines until the end of input, or a signal that ends the process in order."""
    names = {"p": bank, "Bank": Bank}
    with _ended_by_signals(bank):
        if sys.stdin.isatty() and importlib.util.find_spec("IPython") is not None:
            _ipython(names, banner(bank))
        else:
            _console(names, banner(bank))


def _ipython(names: Mapping[str, Any], text: str) -> None:
    config = importlib.import_module("traitlets.config").Config()
    config.TerminalInteractiveShell.banner2 = f"{text}\n"
    importlib.import_module("IPython").start_ipython(argv=[], user_ns=dict(names), config=config)


def _console(names: Mapping[str, Any], text: str) -> None:
    namespace = {**names, "__name__": "__console__", "__doc__": None}
    if sys.stdin.isatty():
        try:
            import readline
            import rlcompleter
        except ImportError:
            text += "\n(This Python has no readline: no completion.)"
        else:
            readline.set_completer(rlcompleter.Completer(namespace).complete)
            readline.parse_and_bind("tab: complete")
    code.interact(banner=text, local=namespace, exitmsg="")


@contextmanager
def _ended_by_signals(bank: Bank) -> Iterator[None]:
    """Make SIGTERM and SIGHUP (the terminal was closed) close the Bank and end the process.

    No exception in the main thread: IPython would catch it and go on. The handler only notes the signal.
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
