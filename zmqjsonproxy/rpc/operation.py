"""A long call at its caller's: begun, watched, waited for, aborted, and found again by its
identity."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakKeyDictionary

from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.process import ForkSafeLock
from zmqjsonproxy.rpc.asking import LOOK_WITHIN_S, Watched, aborts, finds, looks, only, waits
from zmqjsonproxy.rpc.heard import FRESH_S, LOST_AFTER_S, HeardOperation
from zmqjsonproxy.rpc.steps import take

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.hub import Hub

__all__ = ["Operation"]

log = logging.getLogger(__name__)


class Operation(HeardOperation):
    """One operation of a server, for callers that wait. Thread-safe.

    Attributes such as `state` tell what was heard at most 0.1 s ago, and ask if need be. A server
    that does not answer changes nothing for `lost_after` seconds: it may come back, and the
    operation with it. One that was started again does not know the operation: then it is lost at
    once.

    Args:
        hub: To ask with.
        url: Server.
        described: What the server said of it: `id`, `method`, `state`, ...
        lost_after: s.
    """

    def __init__(
        self, hub: Hub, url: str, described: dict[str, Any], lost_after: float = LOST_AFTER_S
    ) -> None:
        super().__init__(url, described, lost_after)
        self._hub = hub

    @classmethod
    def find(
        cls, hub: Hub, url: str, identity: str, timeout: float, lost_after: float = LOST_AFTER_S
    ) -> Self:
        """Ask a server for one of its operations.

        Raises:
            RefusedError: It knows none of this identity.
            PeerLostError, CallTimeoutError: As a call.
        """
        return only(
            take(hub, finds(partial(cls, hub, lost_after=lost_after), [(url, identity)], timeout))
        )

    def look(self) -> Self:
        """Ask for news now; returns itself."""
        take(self._hub, looks([self]))
        return self

    def _lately(self) -> dict[str, Any]:
        if time.monotonic() - self._heard_at >= FRESH_S:
            self.look()
        return self._heard

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its final state, whichever that is; whether it has one.

        Args:
            timeout: s; None: as long as it takes.
        """
        return take(self._hub, waits([self], timeout))

    def exception(self, timeout: float | None = None) -> ProxyError | None:
        """Wait for the end and return its error, None if it has a value; raises TimeoutError if it
        has not ended."""
        self.wait(timeout)
        return self._end(timeout)

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value.

        Args:
            timeout: s; None: as long as it takes.

        Raises:
            TimeoutError: It has not ended; it goes on.
            OperationAbortedError: It was aborted.
            OperationLostError: Its server ended in the middle, or does not answer at present.
            ProxyError: As the call would have raised.
        """
        self.wait(timeout)
        return self._value(timeout)

    def abort(self, reason: str = "", timeout: float = LOOK_WITHIN_S) -> None:
        """Ask it to end, and return at once; no effect on one that has ended. `wait` waits for the
        end.

        Args:
            reason: For those who ask what became of it; default: who aborts.
            timeout: For the server's answer, s.

        Raises:
            PeerLostError, CallTimeoutError: As a call.
        """
        only(take(self._hub, aborts([self], reason, timeout)))

    def on_done(self, tell: Callable[[Operation], object]) -> None:
        """Call `tell(operation)` once when it has its final state: in a thread of its own, or at
        once if it has."""
        self._tell_later(self._on_done, tell)

    def on_progress(self, tell: Callable[[Operation], object]) -> None:
        """Call `tell(operation)` whenever state, fraction or text are others than before, at most
        every 0.3 s."""
        self._tell_later(self._on_progress, tell)

    def _tell_later(
        self, which: list[Callable[[Any], object]], tell: Callable[[Operation], object]
    ) -> None:
        with self._lock:
            ended = self.has_ended
            if not ended:
                which.append(tell)
        if ended:
            tell(self)
        else:
            _Watcher.of(self._hub).add(self)

    def tell(self) -> bool:
        """Tell those who want to hear of news; whether there may be more. For the one thread that
        watches."""
        listeners, ended = self._news()
        for listener in listeners:
            try:
                listener(self)
            except BaseException:  # others want to hear of it, too, and this thread is nobody's
                log.exception("%s: whoever wanted to hear of it raised", self.method)
        return not ended


class _Watcher:
    """The thread that asks for the operations of one hub that somebody wants to hear of; it ends
    with the last."""

    _all: ClassVar[WeakKeyDictionary[Hub, _Watcher]] = WeakKeyDictionary()
    _making = ForkSafeLock()

    def __init__(self) -> None:
        self._watched: Watched[Operation] = Watched()
        self._changed = threading.Condition()
        self._runs = False

    @classmethod
    def of(cls, hub: Hub) -> _Watcher:
        """Return the one of a hub."""
        with cls._making:
            return cls._all.setdefault(hub, cls())

    @classmethod
    def forget_all(cls) -> None:
        """Watch for nobody any more, in a child of the process: the threads are its parent's."""
        cls._all.clear()

    def add(self, operation: Operation) -> None:
        """Watch one more."""
        with self._changed:
            self._watched.add(operation)
            if not self._runs:
                self._runs = True
                watch = partial(self._watch, operation._hub)
                threading.Thread(target=watch, name="operations", daemon=True).start()
            self._changed.notify()

    def _watch(self, hub: Hub) -> None:
        while True:
            with self._changed:
                watched = self._watched.all()
            take(hub, looks(watched))
            ended = [operation for operation in watched if not operation.tell()]
            with self._changed:
                if not self._watched.drop(ended):
                    self._runs = False
                    return
                self._changed.wait(self._watched.pause)


os.register_at_fork(after_in_child=_Watcher.forget_all)
