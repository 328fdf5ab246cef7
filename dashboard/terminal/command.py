"""`dashboard --terminal`: the array on this terminal, or one page of it as text or JSON."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import locale
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from dashboard.config import Array
from dashboard.hub import ArrayHub
from dashboard.terminal.lines import plain
from dashboard.terminal.onepage import Once
from dashboard.terminal.pages.alarms import AlarmsPage
from dashboard.terminal.pages.banks import BanksPage
from dashboard.terminal.pages.log import LogPage
from dashboard.terminal.pages.page import TerminalPage
from dashboard.terminal.pages.spectrum import SpectrumPage
from dashboard.terminal.pages.status import StatusPage
from dashboard.terminal.pages.tables import HostsPage, JobsPage, JournalPage
from dashboard.terminal.pages.why import WhyPage
from dashboard.terminal.view import TerminalView
from dashboard.terminal.watching import ArrayView
from dealer.commands import as_named
from dealer.dashboardclient import DashboardClient
from player.lifecycle import EndSignals
from zmqjsonproxy import RefusedError
from zmqjsonproxy.rights import ClientKeys

if TYPE_CHECKING:
    from dashboard.terminal.commands import Commands

__all__ = ["run_terminal"]

NO_KITTY = "TEXTUAL_DISABLE_KITTY_KEY"


def make_pages() -> list[TerminalPage]:
    """Return all pages, in their order."""
    return [
        BanksPage(),
        StatusPage(),
        SpectrumPage(),
        JobsPage(),
        HostsPage(),
        LogPage(),
        JournalPage(),
        AlarmsPage(),
        WhyPage(),
    ]


def make_view(options: argparse.Namespace, array: Array, *, ascii_only: bool) -> TerminalView:
    """Return the view that the command line wants; RefusedError: there is no such page or Bank."""
    pages = make_pages()
    names = [page.name.lower() for page in pages]
    wanted = options.page or ("status" if options.bank else names[0])
    if wanted not in names:
        raise RefusedError(f"--page {wanted}: there are {', '.join(names)}")
    view = TerminalView(pages, names.index(wanted), ascii_only=ascii_only)
    if options.bank:
        bank = as_named(options.bank, array.urls)
        if bank not in array.urls:
            raise RefusedError(f"--bank {options.bank}: there are {', '.join(array.urls)}")
        view.choose_bank(bank)
    return view


def run_terminal(
    options: argparse.Namespace, array: Array, keys: ClientKeys | None, signals: EndSignals
) -> bool:
    """Show the array until it is ended, or one page of it; False: something is wrong there.

    Args:
        options: Of the command.
        array: What is shown.
        keys: By which Players are called; None: without.
        signals: End it.

    Raises:
        RefusedError: There is no such page or Bank, or no terminal.
        ModuleNotFoundError: textual is not installed.
    """
    ascii_only = options.ascii or not locale.getpreferredencoding(False).upper().startswith("UTF")
    view = make_view(options, array, ascii_only=ascii_only)
    if options.once or options.json:
        return asyncio.run(_print_page(options, array, keys, view))
    os.environ.setdefault(NO_KITTY, "1")  # so that a terminal whose process is killed has Ctrl-C
    from dashboard.terminal.app import TerminalApp

    if not (sys.__stdin__ and sys.__stderr__ and os.isatty(0) and os.isatty(2)):
        raise RefusedError("--terminal needs one as standard input and error; --once prints a page")
    if os.environ.get("TERM", "dumb") == "dumb":
        raise RefusedError("this terminal (TERM) cannot place its cursor; --once prints a page")

    async def show() -> bool:
        async with ArrayHub(array, keys) as hub:
            shown = ArrayView(hub, dashboard=partial(DashboardClient.of_array, array.path))
            app = TerminalApp(shown, view, options.rate, _commands(options, hub, shown))
            _end_by(signals, app.exit)
            with _noticed(view):
                await app.run_async(mouse=options.mouse)
            shown.close()
        return not app.return_code

    return asyncio.run(show())


async def _print_page(
    options: argparse.Namespace, array: Array, keys: ClientKeys | None, view: TerminalView
) -> bool:
    async with ArrayHub(array, keys) as hub:
        once = Once(hub, view)
        await once.settle()
        if options.json:
            print(once.json())
        else:
            columns = shutil.get_terminal_size().columns
            print("\n".join(plain(line) for line in once.lines(columns)))
        return not once.problems


class _Notices(logging.Handler):
    """Shows warnings of this program in the last line, as the terminal is not to be written to."""

    def __init__(self, view: TerminalView) -> None:
        super().__init__(logging.WARNING)
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        self._view.notice = record.getMessage()


@contextlib.contextmanager
def _noticed(view: TerminalView) -> Iterator[None]:
    handler, root = _Notices(view), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def _commands(options: argparse.Namespace, hub: ArrayHub, shown: ArrayView) -> Commands | None:
    """Return what carries out lines that are typed; None: nothing may be called."""
    if not options.control:
        return None
    from dashboard.terminal.commands import Commands

    return Commands(hub.calls, hub.array.urls, shown.snapshot)


def _end_by(signals: EndSignals, end: Callable[[], None]) -> None:
    """Have signals end it; called in its event loop."""
    loop = asyncio.get_running_loop()

    def told(_name: str) -> None:
        loop.call_soon_threadsafe(end)

    signals.deliver_to(told)
