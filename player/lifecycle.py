"""Begin and end of a Player's process: signals, the supervisor's notice, children that were left.

Light to import: the signals are taken over before anything heavy is loaded.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Self

from groundwork.logstream import write_if_taken
from player.signals import Handlers

if TYPE_CHECKING:
    from player.host import Host

__all__ = ["END_WITHIN", "EndRequest", "EndSignals", "Notifier", "end_children", "run"]

log = logging.getLogger(__name__)

END_WITHIN = 4.2  # s; promised are 5, and ending by force takes a moment too
END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class EndRequest(BaseException):
    """A signal that came before anybody could be told: it ends what is being done. No Exception:
    nobody eats it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Notifier:
    """Tells systemd (or whoever started us with NOTIFY_SOCKET) what we are about; does nothing
    without one.

    Args:
        address: Path of a datagram socket; `@name` is in the abstract namespace. None or empty: no
            one listens.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address

    def notify(self, **states: str | int) -> bool:
        """Send one datagram, `notify(READY=1, STATUS="...")`; True if it was handed over. Never
        raises OSError."""
        if not self._address:
            return False
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(f"{key}={value}" for key, value in states.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(1.0)
                sock.sendto(message.encode(), address)
        except OSError as error:
            log.warning("NOTIFY_SOCKET %s: %s", self._address, error.strerror or error)
            return False
        return True


class EndSignals:
    """SIGTERM, SIGINT and SIGHUP end the process in order, and by force if the order takes too
    long.

    Until `deliver_to` names somebody, a signal raises `EndRequest` in the main thread; afterwards
    it is told to them. The handler takes no lock: it may run while the main thread holds any.

    Args:
        force: Called in a thread when `within` s have passed since the first signal.
        hang_up_ends: False: SIGHUP does not end anything, it is noted in `hang_ups`.
    """

    def __init__(
        self, *, within: float = END_WITHIN, force: Callable[[], None], hang_up_ends: bool = True
    ) -> None:
        self._within, self._force, self._hang_up_ends = within, force, hang_up_ends
        self.hang_ups: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._noted: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._told: Callable[[str], None] | None = None
        self._handlers = Handlers()
        self.received: str | None = None

    def __enter__(self) -> Self:
        # Started here, because starting a thread takes locks that a handler must not ask for.
        threading.Thread(target=self._keep_time, name="end in time", daemon=True).start()
        for number in END_SIGNALS:
            if (
                number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
            ):  # nohup is respected
                self._handlers.install(number, self._handle)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._handlers.remove()
        if self.received is None:
            self._noted.put(None)

    def deliver_to(self, told: Callable[[str], None]) -> None:
        """Name who is told of signals from now on, and of one that came before: what was being done
        may have swallowed its exception, as some imports do. `told` must be safe in a signal handler.
        """
        self._told = told
        if self.received is not None:
            told(self.received)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGHUP and not self._hang_up_ends:
            self.hang_ups.put(None)
            return
        if self.received is None:
            self.received = name
            self._noted.put(name)
        if self._told is not None:
            self._told(name)
        else:
            raise EndRequest(name)

    def _keep_time(self) -> None:
        if self._noted.get() is not None:
            time.sleep(self._within)
            self._force()


def end_children(grace: float = 0.5) -> int:
    """End every process that descends from this one, first with SIGTERM; the number there were.

    A Bank ends its own children; this is for one that could not.
    """
    import psutil

    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    for child in psutil.wait_procs(children, timeout=grace)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    return len(children)


def force_end() -> None:
    """End the process at once, its children with it; status 1."""
    try:
        write_if_taken(sys.stderr, "player: it did not end in time and is ended by force\n")
        end_children(grace=0.1)
    finally:
        os._exit(1)


@contextlib.contextmanager
def _closed_at_the_end(host: Host, signals: EndSignals, notifier: Notifier) -> Iterator[None]:
    try:
        yield
    finally:
        signals.deliver_to(lambda _name: None)  # nothing interrupts the closing but its deadline
        notifier.notify(STOPPING=1, STATUS=f"{host.name} ends")
        host.close()
        if left := end_children():
            log.warning("%s: %d child processes were left and have been ended", host.name, left)


def run(
    host: Host,
    signals: EndSignals,
    notifier: Notifier,
    on_ready: Callable[[], object] = lambda: None,
) -> bool:
    """Run a Player from its opening to its end; True if the end was asked for.

    Args:
        host: The Player.
        signals: Those that end it.
        notifier: Told of its states.
        on_ready: Called once it answers.

    Raises:
        PlayerError: It could not be opened, or does not answer.
    """
    from zmqjsonproxy.rpc.descriptors import (
        raise_limit,
    )  # late: it loads ZeroMQ, as the host has by now

    raise_limit()
    with _closed_at_the_end(host, signals, notifier):
        try:
            notifier.notify(STATUS=f"{host.name} starts")
            host.open()
            signals.deliver_to(host.quit)
        except EndRequest as request:
            log.info("ending %s: %s during its start", host.name, request.name)
            return True
        if host.wait_until_ready():
            log.info("ready: %s at %s", host.name, host.url)
            notifier.notify(READY=1, STATUS=f"{host.name} at {host.url}")
            reading = threading.Thread(
                target=_read_again, args=(host, signals.hang_ups), daemon=True
            )
            reading.start()  # not before: one that came during the start is answered now
            on_ready()
        return host.wait()


def _read_again(host: Host, asked: queue.SimpleQueue[None]) -> None:
    """Let the Bank read its configuration again whenever SIGHUP came; the log says what came of
    it."""
    while True:
        asked.get()
        log.warning("SIGHUP: %s reads its configuration again: %s", host.name, host.read_again())
