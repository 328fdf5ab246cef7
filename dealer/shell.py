"""The Python prompt of the command `dealer`: `d` is the Dealer. IPython where it is installed, else the standard."""

from __future__ import annotations

import code
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

import dealer

__all__ = ["banner", "run"]


def banner(d: dealer.Dealer) -> str:
    """Return what is told before the first prompt."""
    others = [name for name in d.list_available_players() if name not in d.list_active_players()]
    more = f"; d.add_active_player({others[0]!r}) takes more, there are {', '.join(others)}" if others else ""
    return (
        f"d conducts {', '.join(d.list_active_players()) or 'no Player yet'}{more}.\n"
        "d.<Tab> shows what it can do, help(d.NAME) explains it, Ctrl-C leaves a wait, Ctrl-D ends."
    )


def run(d: dealer.Dealer) -> None:
    """Read and carry out lines until the end of input."""
    names = {"d": d, "dealer": dealer, "Dealer": dealer.Dealer, "Switching": dealer.Switching}
    if sys.stdin.isatty() and importlib.util.find_spec("IPython") is not None:
        _ipython(names, banner(d))
    else:
        _console(names, banner(d))


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
