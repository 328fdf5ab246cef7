"""The inside view of a long call: progress, acceptance, abort. Threads, but no sockets."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from groundwork.truncation import cut
from zmqjsonproxy.errors import OperationAbortedError
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState, Progress

__all__ = ["NULL_OPERATION", "OperationHandle", "current_operation", "running"]

log = logging.getLogger(__name__)


def _stay(_operation: OperationHandle) -> None:
    """Nothing: there is no command queue to leave."""


class OperationHandle:
    """Inside view of an operation: its code tells progress, and hears of an abort; usable from any
    thread."""

    def __init__(
        self, record: OperationRecord, on_accept: Callable[[Any], None] | None = None
    ) -> None:
        self.record = record
        self._on_accept = on_accept
        self._aborted = threading.Event()
        self._lock = threading.Lock()
        self._hooks: list[Callable[[], None]] = []
        self._accepted = False
        self.reason = ""
        """Why an abort was asked for; empty if none was."""
        self.aborted_by = ""
        """Name of the client that asked for the abort; empty if nobody did, or it was the server
        itself."""
        self.aborted_for = ""
        """Method whose call aborted it, as `stop`; empty if that was asked for by itself."""
        self.on_leave: Callable[[OperationHandle], None] = _stay

    @property
    def id(self) -> str:
        """Identity of the operation; empty outside of one."""
        return self.record.id

    @property
    def aborted(self) -> bool:
        """Tell whether an abort was asked for."""
        return self._aborted.is_set()

    def leave_queue(self) -> None:
        """Let the commands that wait behind this operation run beside what it still does; to be
        called once.

        For an operation that has done its work and only waits. Aborts still reach it.
        """
        self.on_leave(self)

    def progress(self, fraction: float | None, text: str = "", left_s: float | None = None) -> None:
        """Say how far the work is.

        Args:
            fraction: 0..1, or None for unknown.
            text: What is being done.
            left_s: How long it will still take, s; None: to be guessed from the fraction and the
                time so far.
        """
        within = None if fraction is None else min(max(float(fraction), 0.0), 1.0)
        left = None if left_s is None else max(float(left_s), 0.0)
        with self._lock:  # changes are told one after the other
            self.record.say(Progress(within, cut(str(text)), left, time.time()))

    def begin(self) -> None:
        """Note that the work begins."""
        with self._lock:
            self.record.begin(time.time())

    def finish(
        self,
        state: OperationState,
        *,
        value: Any = None,
        size: int = 0,
        error: dict[str, Any] | None = None,
    ) -> bool:
        """Give the final state; False if there is one. Of the value a copy is kept: its owner may
        go on changing it."""
        with self._lock:
            return self.record.finish(
                state, time.time(), value=copy.deepcopy(value), size=size, error=error
            )

    def accept(self, value: Any) -> None:
        """Answer the waiting caller now with `value`; the operation goes on. Later calls have no
        effect."""
        with self._lock:
            on_accept, self._on_accept = self._on_accept, None
            self._accepted = self._accepted or on_accept is not None
        if on_accept is not None:
            on_accept(value)

    def close_acceptance(self) -> bool:
        """Take no acceptance any more; whether the caller still waits for its answer."""
        with self._lock:
            self._on_accept = None
            return not self._accepted

    def abort(self, reason: str = "aborted", by: str = "", method: str = "") -> None:
        """Ask the operation to end, and run the hooks for that here; arguments as `ask_to_end`."""
        self.run_hooks(self.ask_to_end(reason, by, method))

    def ask_to_end(self, reason: str, by: str = "", method: str = "") -> list[Callable[[], None]]:
        """Ask the operation to end; returns at once, with the hooks that `run_hooks` has to run
        now.

        Args:
            reason: For those who ask what became of it.
            by: Name of the client that wants it.
            method: Whose call it is for.
        """
        with self._lock:
            if self._aborted.is_set():
                return []
            self.reason, self.aborted_by, self.aborted_for = cut(reason), by, method
            self._aborted.set()
            hooks, self._hooks = self._hooks, []
        return hooks

    def run_hooks(self, hooks: list[Callable[[], None]]) -> None:
        """Run hooks for an abort; never raises."""
        for hook in hooks:
            try:
                hook()
            except (
                BaseException
            ):  # whoever aborts is not to blame, and other hooks and operations are waiting
                log.exception("%s: a hook for its abort raised", self.record.method)

    def on_abort(self, hook: Callable[[], None]) -> None:
        """Call `hook` when an abort is asked for, in another thread; here and at once, if it
        was."""
        with self._lock:
            if not self._aborted.is_set():
                self._hooks.append(hook)
                return
        hook()

    def check(self) -> None:
        """Raise OperationAbortedError if an abort was asked for."""
        if self._aborted.is_set():
            raise OperationAbortedError(self.reason)

    def wait(self, seconds: float) -> None:
        """Sleep up to `seconds`; OperationAbortedError as soon as an abort is asked for."""
        self._aborted.wait(max(seconds, 0.0))
        self.check()


NULL_OPERATION = OperationHandle(OperationRecord(id="", method="", state=OperationState.RUNNING))
"""What code outside of an operation gets: nobody listens and nobody aborts it."""

_current: ContextVar[OperationHandle] = ContextVar("operation", default=NULL_OPERATION)


def current_operation() -> OperationHandle:
    """Return the handle of the operation that the calling code runs in; outside of one, a handle
    without effect."""
    return _current.get()


@contextmanager
def running(handle: OperationHandle) -> Iterator[None]:
    """Make `handle` the current operation of the code within."""
    token = _current.set(handle)
    try:
        yield
    finally:
        _current.reset(token)
