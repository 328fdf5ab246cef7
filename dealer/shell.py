"""The Python prompt of the command `dealer`: `d` is the Dealer. IPython where it is installed, else the standard."""

from __future__ import annotations

import code
import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from typing import Any

import dealer
from dealer.errors import DealerError, has_lost_players
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.rpc.proxy import RemoteObject

__all__ = ["bank_completions", "banner", "explained", "run"]


DELIMITERS = " \t\n`~!@#$%^&*()-=+{}\\|;:<>/?,"
"""Between what is completed; Python's own, without those of `d["BANKA"].`"""
OF_A_BANK = re.compile(r"(?P<before>.*\bd\[(?P<quote>[\"'])(?P<bank>\w*))(?:(?P=quote)\]\.(?P<name>\w*))?$")


def bank_completions(d: dealer.Dealer, text: str) -> list[str] | None:
    """Return how `d["BAN` and `d["BANKA"].get_` may go on, which Python's own completion does not know.

    None: the text is no such thing.
    """
    match = OF_A_BANK.match(text)
    if match is None:
        return None
    quote, bank, name = match["quote"], match["bank"], match["name"]
    if name is None:
        start = match["before"].removesuffix(bank)
        return [f"{start}{each}{quote}]" for each in d.list_available_players() if each.startswith(bank)]
    if bank not in d.available_players:
        return []
    names = [each for each in dir(d[bank]) if each.startswith(name) and (name or not each.startswith("_"))]
    calls = [f"{each}(" if callable(getattr(d[bank], each, None)) else each for each in names]
    return [text.removesuffix(name) + each for each in calls]


def banner(d: dealer.Dealer) -> str:
    """Return what is told before the first prompt."""
    others = [name for name in d.list_available_players() if name not in d.list_active_players()]
    more = f"; d.add_active_player({others[0]!r}) takes more, there are {', '.join(others)}" if others else ""
    return (
        f"d conducts {', '.join(d.list_active_players()) or 'no Player yet'}{more}.\n"
        "d.<Tab> shows what it can do, help(d.NAME) explains it, Ctrl-C leaves a wait, Ctrl-D ends."
    )


def explained(error: BaseException | None) -> str | None:
    """Return what is shown of an error that explains itself; None: the traceback says more."""
    if isinstance(error, KeyboardInterrupt):
        return "\nKeyboardInterrupt: the wait is over; what was begun goes on at the Players (d.stop() ends a scan)"
    if isinstance(error, AttributeError) and isinstance(error.obj, RemoteObject):
        return f"AttributeError: {error}"
    if not isinstance(error, DealerError | ProxyError):
        return None
    advice = "\n`dealer doctor` says what puts it right" if has_lost_players(error) else ""
    return f"{type(error).__name__}: {error}{advice}"


def run(d: dealer.Dealer) -> None:
    """Read and carry out lines until the end of input."""
    names = {"d": d, "dealer": dealer, "Dealer": dealer.Dealer, "Switching": dealer.Switching, "SWbits": dealer.SWbits}
    if sys.stdin.isatty() and importlib.util.find_spec("IPython") is not None:
        _ipython(names, banner(d))
    else:
        _console(names, banner(d))


def _ipython(names: Mapping[str, Any], text: str) -> None:
    config = importlib.import_module("traitlets.config").Config()
    config.TerminalInteractiveShell.banner2 = f"{text}\n"
    config.TerminalInteractiveShell.confirm_exit = False  # Ctrl-D ends, as the banner says
    app = importlib.import_module("IPython.terminal.ipapp").TerminalIPythonApp.instance(config=config)
    app.user_ns = dict(names)
    app.initialize(argv=[])

    def show(shell: Any, kind: Any, error: BaseException, trace: Any, tb_offset: int | None = None) -> None:
        text = explained(error)
        if text is None:
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        else:
            print(text, file=sys.stderr)

    app.shell.set_custom_exc((DealerError, ProxyError, AttributeError, KeyboardInterrupt), show)
    app.start()


def _console(names: Mapping[str, Any], text: str) -> None:
    namespace = {**names, "__name__": "__console__", "__doc__": None}
    if sys.stdin.isatty():
        try:
            import readline
            import rlcompleter
        except ImportError:
            text += "\n(This Python has no readline: no completion.)"
        else:
            names_of_python = rlcompleter.Completer(namespace).complete
            d = namespace["d"]

            def complete(text: str, state: int) -> str | None:
                found = bank_completions(d, text)
                if found is None:
                    return names_of_python(text, state)
                return found[state] if state < len(found) else None

            readline.set_completer(complete)
            readline.set_completer_delims(DELIMITERS)
            readline.parse_and_bind("tab: complete")
    _Console(namespace).interact(banner=text, exitmsg="")


class _Console(code.InteractiveConsole):
    def showtraceback(self) -> None:
        """Show a refusal in its own words only: the lines of our code explain nothing to an observer."""
        text = explained(sys.exc_info()[1])
        if text is None:
            super().showtraceback()
        else:
            self.write(f"{text}\n")
