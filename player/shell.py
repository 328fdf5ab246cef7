"""The Python prompt of `player shell`: `p` is the Bank. IPython where it is installed, else the standard console."""

from __future__ import annotations

import code
import importlib
import importlib.util
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from player.interactive import Bank

__all__ = ["run_shell"]

FAREWELL = (signal.SIGTERM, signal.SIGHUP)


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
    with _ended_by_signals():
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
def _ended_by_signals() -> Iterator[None]:
    """Make SIGTERM and SIGHUP (the terminal was closed) an end that closes the Bank."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in FAREWELL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
