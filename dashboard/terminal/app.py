"""Application of the terminal: textual's screen, keys and timers around a view of the hub."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from enum import Enum
from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.events import Key
from textual.widgets import Input

from dashboard.terminal.linewidget import LineWidget
from dashboard.terminal.output import TerminalDriver
from dashboard.terminal.view import TerminalView
from dashboard.terminal.watching import ArrayView
from groundwork.errors import text_of

if TYPE_CHECKING:
    from dashboard.terminal.commands import Commands

__all__ = ["TerminalApp"]

log = logging.getLogger(__name__)

SLOW_HZ = 1.0
QUICK_AGAIN = 30
"""Looks without a slow write after which a line counts as quick again."""


class EntryKind(Enum):
    """Kinds of text that is typed into the line at the bottom; values: what stands there before."""

    FILTER = "rows that contain"
    CALL = "METHOD BANKS ARGUMENTS"
    NOTE = "note for others, then Enter: acknowledges"


class TerminalApp(App[None]):
    """The array on a terminal.

    Args:
        array: Tells its state.
        view: Is shown.
        rate: Looks per second.
        commands: Carries a line that was typed out, and returns what came of it; None: nothing may
            be called.
    """

    CSS = """
    Screen { background: ansi_default; overflow: hidden; }
    Input { height: 1; border: none; padding: 0; background: ansi_default; color: ansi_default; }
    Input:focus { border: none; background-tint: 0%; }
    Input > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    """
    AUTO_FOCUS = None
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    BINDINGS = [  # noqa: RUF012  # textual reads it so
        Binding("ctrl+c", "quit", show=False, priority=True, system=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    def __init__(
        self, array: ArrayView, view: TerminalView, rate: float, commands: Commands | None = None
    ) -> None:
        super().__init__(driver_class=TerminalDriver, ansi_color=True)
        self._array, self._view, self._rate, self._commands = array, view, rate, commands
        self._output: TerminalDriver | None = None
        self._lines = LineWidget(self._write)
        self._entry = Input(select_on_focus=False)
        self._quick, self._looks, self._kind = QUICK_AGAIN, 0, EntryKind.FILTER
        self._acts: set[asyncio.Task[None]] = set()

    def attach(self, output: TerminalDriver) -> None:
        """Take the driver, when there is a terminal."""
        self._output = output

    def _write(self, text: str) -> bool:
        if self._output is None:
            return False
        self._output.write(text)
        return True

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        self._entry.display = False
        yield self._lines
        yield self._entry

    def on_mount(self) -> None:
        """Begin to look."""
        self.set_interval(1 / self._rate, self._look)
        self.call_after_refresh(self.renew)

    @property
    def is_slow(self) -> bool:
        """Writing to the terminal took long a short time ago."""
        return self._quick < QUICK_AGAIN

    def _look(self) -> None:
        """Look what is new, unless the terminal has not yet taken what was before; over a slow line
        once a second."""
        self._looks += 1
        if self._output is not None:
            if self._output.is_gone():
                self.exit(return_code=1)
                return
            if self._output.is_blocked:
                self._quick = 0
                return
            self._quick = 0 if self._output.is_slow() else self._quick + 1
        if not self.is_slow or self._looks % max(round(self._rate / SLOW_HZ), 1) == 0:
            self.renew()

    def renew(self) -> None:
        """Show the present state."""
        width, height = self._lines.size
        if not width or not height:
            return
        try:
            self._array.follow(self._view, width)
            self._lines.show(self._view.lines(self._array.snapshot(), width, height))
        except Exception as error:  # what Players told is anybody's: the next look may do
            log.exception("the page cannot be shown")
            self._view.notice = f"this page cannot be shown: {text_of(error)}"

    def on_resize(self) -> None:
        """Show it in the new size."""
        self.call_after_refresh(self.renew)

    # keys

    async def on_key(self, event: Key) -> None:
        """Take a key."""
        if self._entry.display:
            await self._take_entry_key(event)
            return
        key = event.character if event.character and event.is_printable else event.key
        look = self._view.look
        if key == "q":
            self.exit()
        elif key == "/":
            self._open_entry(EntryKind.FILTER, look.text)
        elif key == ":" and self._commands is not None:
            self._open_entry(EntryKind.CALL)
        elif key == ":":
            self._view.notice = "nothing is called: begin with --control"
        elif key == "a" and look.chosen in self._array.snapshot().values("alarms"):
            self._open_entry(EntryKind.NOTE)
        else:
            self._view.press(key, self._array.snapshot())
        self.renew()

    async def _take_entry_key(self, event: Key) -> None:
        """Take a key while something is typed out; the entry takes most of them itself, as soon as it
        has the focus, which comes later than keys that are typed fast."""
        if event.key == "escape":
            event.stop()
            self._close_entry(is_given_up=True)
        elif self._entry.has_focus:
            return
        elif event.key == "enter":
            await self._entry.action_submit()
        elif event.key == "backspace":
            self._entry.action_delete_left()
        elif event.character and event.is_printable:
            self._entry.insert_text_at_cursor(event.character)

    def _open_entry(self, kind: EntryKind, text: str = "") -> None:
        self._kind = kind
        self._entry.value, self._entry.placeholder = text, kind.value
        self._entry.display = True
        self._entry.focus()
        self.call_after_refresh(self.renew)

    def _close_entry(self, *, is_given_up: bool) -> None:
        if is_given_up and self._kind is EntryKind.FILTER:
            self._view.look.text = ""
        self._entry.display = False
        self.set_focus(None)
        self.call_after_refresh(self.renew)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show rows while it is typed which."""
        if self._kind is EntryKind.FILTER and self._entry.display:
            self._view.look.text = event.value
            self.renew()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed out."""
        self._close_entry(is_given_up=False)
        line = event.value.strip()
        if self._kind is EntryKind.CALL and self._commands is not None and line:
            self._begin(line, self._commands.run(line))
        elif self._kind is EntryKind.NOTE:
            self._begin("acknowledge", self._array.acknowledge(self._view.look.chosen, line))

    def _begin(self, name: str, act: Coroutine[Any, Any, str]) -> None:
        """Carry something out, and say what came of it."""

        async def carry_out() -> None:
            self._view.notice = f"{name} ..."
            self._view.notice = await act
            self.renew()

        task = asyncio.create_task(carry_out())
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    def on_mouse_scroll_down(self) -> None:
        """Move, where the mouse is used."""
        self._view.press("down", self._array.snapshot())
        self.renew()

    def on_mouse_scroll_up(self) -> None:
        """See on_mouse_scroll_down."""
        self._view.press("up", self._array.snapshot())
        self.renew()
