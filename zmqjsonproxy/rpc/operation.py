"""A long call at its caller's: begun, watched, waited for, aborted, and found again by its identity.

There is one way to hear of it: `rpc.operation` is asked. Whoever waits asks in its own thread; for those who want to
be told, one thread for each hub asks for all of them, and lives as long as there is something to be told.
"""

from __future__ import annotations

import getpass
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakKeyDictionary

from zmqjsonproxy.errors import (
    CallTimeoutError,
    OperationLostError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RefusedError,
)
from zmqjsonproxy.protocol.operations import State
from zmqjsonproxy.rpc.protocol.jsonrpc import error_from

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.hub import Hub

__all__ = ["LOST_AFTER_S", "Operation", "begin", "look_at", "wait_for"]

log = logging.getLogger(__name__)

LOST_AFTER_S = 10.0
"""An operation whose server does not answer for so long is lost, s."""
LOOK_WITHIN_S = 5.0
FRESH_S = 0.1
"""What was heard so recently is not asked again by an attribute, s."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.02, 0.3
"""Between looks: at first, and after a while, s."""


@cache
def caller() -> str:
    """Return who asks, for the server's list: user@host:pid."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        user = str(os.getuid())
    return f"{user}@{platform.node()}:{os.getpid()}"


class Operation:
    """One operation of a server. Thread-safe.

    Attributes such as `state` tell what was heard at most 0.1 s ago, and ask if need be. A server that does not answer
    changes nothing for `lost_after` seconds: it may come back, and the operation with it. One that was started again
    does not know the operation: then it is lost at once.

    Args:
        hub: To ask with.
        url: Server.
        described: What the server said of it: `id`, `method`, `state`, ...
        lost_after: s.
    """

    def __init__(self, hub: Hub, url: str, described: dict[str, Any], lost_after: float = LOST_AFTER_S) -> None:
        self._hub, self.url, self._lost_after = hub, url, lost_after
        self._lock = threading.Lock()
        self._heard = dict(described)
        self._heard_at = -FRESH_S
        self._silent_since: float | None = None
        self._trouble: ProxyError | None = None
        self._on_done: list[Callable[[Operation], object]] = []
        self._on_progress: list[Callable[[Operation], object]] = []
        self._told: tuple[Any, ...] = ()

    @classmethod
    def find(cls, hub: Hub, url: str, identity: str, timeout: float, lost_after: float = LOST_AFTER_S) -> Self:
        """Ask a server for one of its operations.

        Raises:
            RefusedError: It knows none of this identity.
            PeerLostError, CallTimeoutError: As a call.
        """
        return cls(hub, url, hub.call(url, "rpc", "operation", (identity,), None, timeout), lost_after)

    # what is known of it

    @property
    def id(self) -> str:
        """Identity, by which any client can ask for it."""
        return str(self._heard["id"])

    @property
    def method(self) -> str:
        """`object.method`; empty if it is lost and was never heard of here."""
        return str(self._heard.get("method", ""))

    @property
    def state(self) -> State:
        """Queued or running; or done, failed, aborted or lost, which are final."""
        return State(self._look()["state"])

    @property
    def fraction(self) -> float | None:
        """How far the work is, 0..1; None if that is not known."""
        fraction: float | None = self._look().get("fraction")
        return fraction

    @property
    def text(self) -> str:
        """What is being done."""
        return str(self._look().get("text", ""))

    @property
    def estimate(self) -> float | None:
        """How long it will probably still take, s; None if that cannot be told."""
        left: float | None = self._look().get("estimate")
        return left

    @property
    def started(self) -> datetime | None:
        """When it began to run, UTC, by the clock of its server."""
        return _time(self._look().get("started"))

    @property
    def ended(self) -> datetime | None:
        """When it got its final state, UTC, by the clock of its server; None: it has none yet, or is lost."""
        return _time(self._look().get("ended"))

    @property
    def client(self) -> str:
        """Who asked for it; empty if that was not said."""
        return str(self._look().get("client", ""))

    @property
    def trouble(self) -> ProxyError | None:
        """Why nothing newer is known: its server does not answer at present; None if it does."""
        self._look()
        return self._trouble

    # waiting for it

    def done(self) -> bool:
        """Whether it has a final state."""
        return self.state.is_final

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its final state, whichever that is; whether it has one.

        Args:
            timeout: s; None: as long as it takes.
        """
        return wait_for([self], timeout)

    def exception(self, timeout: float | None = None) -> ProxyError | None:
        """Wait for the end and return its error, None if it has a value; raises TimeoutError if it has not ended."""
        if not self.wait(timeout):
            raise TimeoutError(f"{self.method}: no end within {timeout:g} s; it is still {self._heard['state']}")
        heard = self._heard
        state = State(heard["state"])
        if state is State.LOST:
            return OperationLostError(f"{self.method or self.id}: {_text(heard)}")
        if state is not State.DONE:
            return error_from(heard.get("error"), peer=self.url, method=self.method)
        if "value" not in heard:
            return RefusedError("it is done, but its result is not kept any more", peer=self.url, method=self.method)
        return None

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value.

        Args:
            timeout: s; None: as long as it takes.

        Raises:
            TimeoutError: It has not ended; it goes on.
            OperationAbortedError: It was aborted.
            OperationLostError: Its server ended in the middle.
            ProxyError: As the call would have raised.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error
        return self._heard["value"]

    def abort(self, reason: str = "", timeout: float = LOOK_WITHIN_S) -> None:
        """Ask it to end, and return at once; no effect on one that has ended. `wait` waits for the end.

        Args:
            reason: For those who ask what became of it; default: who aborts.
            timeout: For the server's answer, s.

        Raises:
            PeerLostError, CallTimeoutError: As a call.
        """
        words = (self.id, reason or f"aborted by {caller()}")
        self._take(self._hub.call(self.url, "rpc", "abort", words, None, timeout), time.monotonic())

    def on_done(self, tell: Callable[[Operation], object]) -> None:
        """Call `tell(operation)` once when it has its final state: in a thread of its own, or at once if it has."""
        self._tell_later(self._on_done, tell)

    def on_progress(self, tell: Callable[[Operation], object]) -> None:
        """Call `tell(operation)` whenever state, fraction or text are others than before, at most every 0.3 s."""
        self._tell_later(self._on_progress, tell)

    def _tell_later(self, which: list[Callable[[Operation], object]], tell: Callable[[Operation], object]) -> None:
        with self._lock:
            ended = self._is_final
            if not ended:
                which.append(tell)
        if ended:
            tell(self)
        else:
            _Watcher.of(self._hub).add(self)

    # what is heard

    @property
    def _is_final(self) -> bool:
        return State(self._heard["state"]).is_final

    def _look(self) -> dict[str, Any]:
        if not self._is_final and time.monotonic() - self._heard_at >= FRESH_S:
            look_at([self])
        return self._heard

    def _take(self, described: Any, now: float) -> None:
        """Take what the server says; a final state stays."""
        with self._lock:
            if self._is_final:
                return
            if not isinstance(described, dict) or described.get("state") not in set(State):
                trouble = ProtocolError(f"{self.url}: no description of an operation: {str(described)[:200]}")
                self._miss(trouble, now, now)
                return
            self._heard = {"method": self.method, **described}
            self._heard_at, self._silent_since, self._trouble = now, None, None

    def _take_error(self, error: ProxyError, asked: float, now: float) -> None:
        with self._lock:
            if self._is_final:
                return
            if isinstance(error, PeerLostError | CallTimeoutError | ProtocolError):
                self._miss(error, asked, now)
            else:  # it answers, but not of this
                self._lose(f"its server has forgotten it: {error}")

    def _miss(self, error: ProxyError, asked: float, now: float) -> None:
        self._trouble, self._heard_at = error, now
        if self._silent_since is None:
            self._silent_since = asked
        if now - self._silent_since >= self._lost_after:
            self._lose(f"its server has not answered for {now - self._silent_since:.0f} s: {error}")

    def _lose(self, text: str) -> None:
        described = {"code": 0, "message": text, "data": {"type": OperationLostError.__name__, "text": text}}
        self._heard = {**self._heard, "state": State.LOST.value, "estimate": None, "error": described}

    def tell(self) -> bool:
        """Tell those who want to hear of news; whether there may be more. For the one thread that watches."""
        with self._lock:
            heard, final = self._heard, self._is_final
            news = (heard["state"], heard.get("fraction"), heard.get("text"))
            listeners = list(self._on_progress) if news != self._told else []
            self._told = news
            if final:
                listeners += self._on_done
                self._on_done, self._on_progress = [], []
        for listener in listeners:
            try:
                listener(self)
            except Exception:  # others want to hear of it, too
                log.exception("%s: whoever wanted to hear of it raised", self.method)
        return not final

    def __repr__(self) -> str:
        """Show what was heard last; asks nobody."""
        heard = self._heard
        words = [f"{self.method or 'operation'} {self.id}: {heard['state']}"]
        if heard.get("fraction") is not None:
            words.append(f"{heard['fraction']:.0%}")
        if heard.get("text"):
            words.append(str(heard["text"]))
        if heard.get("estimate") is not None:
            words.append(f"{heard['estimate']:.0f} s left")
        if heard.get("error"):
            words.append(_text(heard))
        return f"<{', '.join(words)}>"


def _text(heard: dict[str, Any]) -> str:
    error = heard.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def _time(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None


def begin(
    hub: Hub,
    urls: Sequence[str],
    object_name: str,
    method: str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    timeout: float,
    lost_after: float = LOST_AFTER_S,
) -> list[Operation | ProxyError]:
    """Begin an operation at each of the servers; the operation, or why there is none.

    Args:
        hub: To ask with.
        urls: Servers.
        object_name: Exposed object.
        method: Its method, which is an operation.
        args: Positional arguments.
        kwargs: Keyword arguments.
        timeout: For the answer that it was begun, s.
        lost_after: See Operation.
    """
    begun: list[Operation | ProxyError] = []
    for url, result in zip(
        urls, hub.begin_each(urls, object_name, method, args, kwargs, timeout, caller()), strict=True
    ):
        value = result.value
        if result.error is not None:
            begun.append(result.error)
        elif isinstance(value, dict) and isinstance(value.get("operation"), str):
            described = {"id": value["operation"], "method": f"{object_name}.{method}", "state": State.QUEUED.value}
            begun.append(Operation(hub, url, described, lost_after))
        else:
            begun.append(ProtocolError(f"{object_name}.{method} at {url} is no operation; it answered {value!r:.200}"))
    return begun


def look_at(operations: Sequence[Operation]) -> None:
    """Ask for all that have not ended, at once."""
    from zmqjsonproxy.rpc.hub import CallRequest

    hubs: dict[Hub, list[Operation]] = {}
    for operation in operations:
        if not operation._is_final:
            hubs.setdefault(operation._hub, []).append(operation)
    for hub, asked_for in hubs.items():
        requests = [CallRequest(o.url, "rpc", "operation", (o.id,)) for o in asked_for]
        asked = time.monotonic()
        results = hub.call_many(requests, LOOK_WITHIN_S)
        now = time.monotonic()
        for operation, result in zip(asked_for, results, strict=True):
            if result.error is None:
                operation._take(result.value, now)
            else:
                operation._take_error(result.error, asked, now)


def wait_for(operations: Sequence[Operation], timeout: float | None = None) -> bool:
    """Wait until all have a final state; whether they have.

    Args:
        operations: Of any servers.
        timeout: s; None: as long as it takes.
    """
    end = None if timeout is None else time.monotonic() + timeout
    pause = FIRST_PAUSE_S
    while True:
        look_at(operations)
        if all(operation._is_final for operation in operations):
            return True
        left = LAST_PAUSE_S if end is None else end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(1.5 * pause, LAST_PAUSE_S)


class _Watcher:
    """The thread that asks for the operations of one hub that somebody wants to hear of; it ends with the last."""

    _all: ClassVar[WeakKeyDictionary[Hub, _Watcher]] = WeakKeyDictionary()
    _making = threading.Lock()

    def __init__(self) -> None:
        self._watched: list[Operation] = []
        self._changed = threading.Condition()
        self._runs = False

    @classmethod
    def of(cls, hub: Hub) -> _Watcher:
        """Return the one of a hub."""
        with cls._making:
            return cls._all.setdefault(hub, cls())

    def add(self, operation: Operation) -> None:
        """Watch one more, if it is not watched yet."""
        with self._changed:
            if not any(watched is operation for watched in self._watched):
                self._watched.append(operation)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._watch, name="operations", daemon=True).start()
            self._changed.notify()

    def _watch(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            with self._changed:
                watched = list(self._watched)
            look_at(watched)
            ended = [operation for operation in watched if not operation.tell()]
            with self._changed:
                self._watched = [o for o in self._watched if not any(o is each for each in ended)]
                if not self._watched:
                    self._runs = False
                    return
                pause = FIRST_PAUSE_S if self._changed.wait(pause) else min(1.5 * pause, LAST_PAUSE_S)
