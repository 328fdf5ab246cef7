"""Long calls at their caller's: begun, watched, waited for, aborted, and found again by their
identities.

There is one way to hear of an operation: `rpc.operation` is asked. Whoever waits asks; for those
who want to be told, one thread, or one task, for each hub asks for all of them, and lives as long
as there is something to be told.
"""

from __future__ import annotations

import inspect
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar
from weakref import WeakKeyDictionary

from groundwork.values import RemoteValue
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import ProtocolError, ProxyError
from zmqjsonproxy.hubs import BlockingHub, Hub, blocking, run
from zmqjsonproxy.process import ForkSafeLock
from zmqjsonproxy.protocol.operations import OperationState
from zmqjsonproxy.rpc.callresults import CallRequest
from zmqjsonproxy.rpc.remoteoperation import (
    FRESH_S,
    LOST_AFTER_S,
    RemoteOperation,
    no_description,
    read_told,
)

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.aiohub import AsyncHub
    from zmqjsonproxy.rpc.hub import ThreadHub

__all__ = [
    "AsyncOperation",
    "Operation",
    "OperationOfHub",
    "abort",
    "begin",
    "find",
    "list_of",
    "look",
    "only",
    "wait",
]

log = logging.getLogger(__name__)

LOOK_WITHIN_S = 5.0
FIRST_PAUSE_S, LAST_PAUSE_S = 0.02, 0.3
"""Between looks: at first, and after a while, s."""

O = TypeVar("O", bound=RemoteOperation)  # noqa: E741  as in Operation
T = TypeVar("T")
HubT = TypeVar("HubT")


def only(found: Sequence[T | ProxyError]) -> T:
    """Return the one thing that was asked for, or raise its error."""
    (each,) = found
    if isinstance(each, ProxyError):
        raise each
    return each


# operations of any servers, together


async def begin(
    hub: Hub,
    make: Callable[[str, dict[str, RemoteValue]], O],
    urls: Sequence[str],
    object_name: str,
    method: str,
    args: Sequence[RemoteValue],
    kwargs: Mapping[str, RemoteValue],
    timeout: float,
) -> list[O | ProxyError]:
    """Begin an operation at each of the servers; the operation, or why there is none.

    Args:
        hub: To ask with.
        make: Makes an operation of a server's URL and of what was said of it.
        urls: Servers.
        object_name: Exposed object.
        method: Its method, which is an operation.
        args: Positional arguments.
        kwargs: Keyword arguments.
        timeout: For the answer that it was begun, s.
    """
    results = await hub.begin_each(urls, object_name, method, args, kwargs, timeout, own_name())
    begun: list[O | ProxyError] = []
    for url, result in zip(urls, results, strict=True):
        value = result.value
        if result.error is not None:
            begun.append(result.error)
        elif isinstance(value, dict) and isinstance(value.get("operation"), str):
            described = {
                "id": value["operation"],
                "method": f"{object_name}.{method}",
                "state": OperationState.QUEUED.value,
            }
            begun.append(make(url, described))
        else:
            begun.append(
                ProtocolError(
                    f"{object_name}.{method} at {url} is no operation; it answered {value!r:.200}"
                )
            )
    return begun


async def find(
    hub: Hub,
    make: Callable[[str, dict[str, RemoteValue]], O],
    identities: Sequence[tuple[str, str]],
    timeout: float,
) -> list[O | ProxyError]:
    """Ask for operations by (URL, identity); RefusedError stands for one that its server does not
    know."""
    results = await hub.call_many(
        [CallRequest(url, "rpc", "operation", (each,)) for url, each in identities], timeout
    )
    found: list[O | ProxyError] = []
    for (url, identity), result in zip(identities, results, strict=True):
        told = read_told(result.value)
        if result.error is not None:
            found.append(result.error)
        elif told is None:
            found.append(no_description(url, result.value))
        else:
            found.append(make(url, told | {"id": identity}))
    return found


async def list_of(
    hub: Hub,
    make: Callable[[str, dict[str, RemoteValue]], O],
    url: str,
    active: bool,
    timeout: float,
) -> list[O]:
    """Ask a server for its last operations, the newest at the end; raises as a call, and ProtocolError
    if it tells something else."""
    (result,) = await hub.call_many([CallRequest(url, "rpc", "operations", (active,))], timeout)
    if result.error is not None:
        raise result.error
    listed = result.value if isinstance(result.value, list) else [result.value]
    found: list[O] = []
    for each in listed:
        told = read_told(each)
        if told is None or not isinstance(told.get("id"), str):
            raise no_description(url, each)
        found.append(make(url, told))
    return found


async def look(hub: Hub, operations: Iterable[RemoteOperation]) -> None:
    """Ask for all that have not ended, at once."""
    asked_for = [operation for operation in operations if not operation.has_ended]
    if not asked_for:
        return
    asked = time.monotonic()
    results = await hub.call_many(
        [CallRequest(o.url, "rpc", "operation", (o.id,)) for o in asked_for], LOOK_WITHIN_S
    )
    now = time.monotonic()
    for operation, result in zip(asked_for, results, strict=True):
        if result.error is None:
            operation.take(result.value, now)
        else:
            operation.take_error(result.error, asked, now)


async def wait(
    hub: Hub, operations: Sequence[RemoteOperation], timeout: float | None = None
) -> bool:
    """Wait until all have a final state; whether they have.

    Args:
        hub: To ask with.
        operations: Of any servers.
        timeout: s; None: as long as it takes.
    """
    end = None if timeout is None else time.monotonic() + timeout
    pause = FIRST_PAUSE_S
    while True:
        await look(hub, operations)
        if all(operation.has_ended for operation in operations):
            return True
        left = LAST_PAUSE_S if end is None else end - time.monotonic()
        if left <= 0:
            return False
        await hub.pause(min(pause, left))
        pause = min(1.5 * pause, LAST_PAUSE_S)


async def abort(
    hub: Hub,
    operations: Sequence[RemoteOperation],
    reason: str,
    timeout: float = LOOK_WITHIN_S,
) -> list[ProxyError | None]:
    """Ask all to end, at once; for each why it could not be asked, None if it was.

    Args:
        hub: To ask with.
        operations: Of any servers; no effect on those that have ended.
        reason: For those who ask what became of them; default: who aborts.
        timeout: For the servers' answers, s.
    """
    words = reason or f"aborted by {own_name()}"
    results = await hub.call_many(
        [CallRequest(o.url, "rpc", "abort", (o.id, words)) for o in operations], timeout
    )
    now = time.monotonic()
    for operation, result in zip(operations, results, strict=True):
        if result.error is None:
            operation.take(result.value, now)
    return [result.error for result in results]


# one of them


class OperationOfHub(RemoteOperation, Generic[HubT]):
    """One operation of a server, and the hub that asks for it.

    Args:
        hub: To ask with.
        url: Server.
        described: What the server said of it: `id`, `method`, `state`, ...
        lost_after: s.
    """

    def __init__(
        self,
        hub: HubT,
        url: str,
        described: dict[str, RemoteValue],
        lost_after: float = LOST_AFTER_S,
    ) -> None:
        super().__init__(url, described, lost_after)
        self._hub = hub


class AsyncOperation(OperationOfHub["AsyncHub"]):
    """One operation of a server, for the tasks of one event loop: as `Operation`, but what waits is
    awaited.

    Attributes such as `state` cannot ask: they tell what was heard last, by `look`, `wait`, or by
    whoever wants to hear of progress. To cancel what waits leaves the operation alone; `abort` ends
    it.

    Arguments as those of OperationOfHub.
    """

    @property
    def _calls(self) -> Hub:
        return self._hub

    @classmethod
    async def find(
        cls,
        hub: AsyncHub,
        url: str,
        identity: str,
        timeout: float,
        lost_after: float = LOST_AFTER_S,
    ) -> Self:
        """Ask a server for one of its operations; errors as those of `Operation.find`."""
        make = partial(cls, hub, lost_after=lost_after)
        return only(await find(hub, make, [(url, identity)], timeout))

    async def look(self) -> Self:
        """Ask for news now; returns itself."""
        await look(self._calls, [self])
        return self

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for its final state, whichever that is; whether it has one.

        Args:
            timeout: s; None: as long as it takes.
        """
        return await wait(self._calls, [self], timeout)

    async def exception(self, timeout: float | None = None) -> ProxyError | None:
        """Wait for the end and return its error, None if it has a value; raises TimeoutError if it
        has not ended."""
        await wait(self._calls, [self], timeout)
        return self._end(timeout)

    async def result(self, timeout: float | None = None) -> RemoteValue:
        """Wait for the value.

        Args:
            timeout: s; None: as long as it takes.

        Raises:
            TimeoutError: It has not ended; it goes on.
            OperationAbortedError: It was aborted.
            OperationLostError: Its server ended in the middle, or does not answer at present.
            ProxyError: As the call would have raised.
        """
        await wait(self._calls, [self], timeout)
        return self._value(timeout)

    async def abort(self, reason: str = "", timeout: float = LOOK_WITHIN_S) -> None:
        """Ask it to end, and return at once; no effect on one that has ended. `wait` waits for the
        end.

        Args:
            reason: For those who ask what became of it; default: who aborts.
            timeout: For the server's answer, s.

        Raises:
            PeerLostError, CallTimeoutError: As a call.
        """
        only(await abort(self._calls, [self], reason, timeout))

    def on_done(self, tell: Callable[[AsyncOperation], object]) -> None:
        """Call `tell(operation)` once, in the loop, when it has its final state, soon if it has;
        awaits a coroutine."""
        self._on_done.append(tell)
        _Watcher.of(self._hub).add(self, self._calls)

    def on_progress(self, tell: Callable[[AsyncOperation], object]) -> None:
        """Call `tell(operation)` whenever state, fraction or text are others than before; as
        `on_done`."""
        self._on_progress.append(tell)
        _Watcher.of(self._hub).add(self, self._calls)

    async def tell(self) -> None:
        """Tell those who want to hear of news. For the one task that watches."""
        for listener in self._news():
            try:
                told = listener(self)
                if inspect.isawaitable(told):
                    await told
            except Exception:  # others want to hear of it, too
                log.exception("%s: whoever wanted to hear of it raised", self.method)


class Operation(OperationOfHub["ThreadHub"]):
    """One operation of a server, for callers that wait. Thread-safe.

    Attributes such as `state` tell what was heard at most 0.1 s ago, and ask if need be. A server
    that does not answer changes nothing for `lost_after` seconds: it may come back, and the
    operation with it. One that was started again does not know the operation: then it is lost at
    once.

    Arguments as those of OperationOfHub.
    """

    @property
    def _calls(self) -> Hub:
        return BlockingHub(self._hub)  # not kept: there may be very many operations

    @classmethod
    def find(
        cls,
        hub: ThreadHub,
        url: str,
        identity: str,
        timeout: float,
        lost_after: float = LOST_AFTER_S,
    ) -> Self:
        """Ask a server for one of its operations.

        Raises:
            RefusedError: It knows none of this identity.
            PeerLostError, CallTimeoutError: As a call.
        """
        make = partial(cls, hub, lost_after=lost_after)
        return only(run(find(BlockingHub(hub), make, [(url, identity)], timeout)))

    def look(self) -> Self:
        """Ask for news now; returns itself."""
        run(look(self._calls, [self]))
        return self

    wait = blocking(AsyncOperation.wait)
    exception = blocking(AsyncOperation.exception)
    result = blocking(AsyncOperation.result)
    abort = blocking(AsyncOperation.abort)

    def _lately(self) -> dict[str, RemoteValue]:
        if time.monotonic() - self._heard_at >= FRESH_S:
            self.look()
        return self._heard

    def on_done(self, tell: Callable[[Operation], object]) -> None:
        """Call `tell(operation)` once when it has its final state: in a thread of its own, or at
        once if it has."""
        self._tell_later(self._on_done, tell)

    def on_progress(self, tell: Callable[[Operation], object]) -> None:
        """Call `tell(operation)` whenever state, fraction or text are others than before, at most
        every 0.3 s."""
        self._tell_later(self._on_progress, tell)

    def _tell_later(
        self,
        which: list[Callable[[Operation], object]],
        tell: Callable[[Operation], object],
    ) -> None:
        with self._lock:
            ended = self.has_ended
            if not ended:
                which.append(tell)
        if ended:
            tell(self)
        else:
            _Watcher.of(self._hub).add(self, self._calls)

    async def tell(self) -> None:
        """Tell those who want to hear of news. For the one thread that watches."""
        for listener in self._news():
            try:
                listener(self)
            except BaseException:  # others want to hear of it, too, and this thread is nobody's
                log.exception("%s: whoever wanted to hear of it raised", self.method)


# those that somebody wants to hear of


class _Watcher:
    """The thread, or task, that asks for the operations of one hub that somebody wants to hear of;
    it ends with the last."""

    _all: ClassVar[WeakKeyDictionary[ThreadHub | AsyncHub, _Watcher]] = WeakKeyDictionary()
    _making = ForkSafeLock()

    def __init__(self) -> None:
        self._watched: list[Operation | AsyncOperation] = []
        self._pause = FIRST_PAUSE_S
        self._work: object = None
        self._lock = ForkSafeLock()

    @classmethod
    def of(cls, hub: ThreadHub | AsyncHub) -> _Watcher:
        """Return the one of a hub."""
        with cls._making:
            return cls._all.setdefault(hub, cls())

    @classmethod
    def forget_all(cls) -> None:
        """Watch for nobody any more, in a child of the process: the threads are its parent's."""
        cls._all.clear()

    def add(self, operation: Operation | AsyncOperation, hub: Hub) -> None:
        """Watch one more; the next look is soon."""
        with self._lock:
            if not any(watched is operation for watched in self._watched):
                self._watched.append(operation)
            self._pause = FIRST_PAUSE_S
            if self._work is None:
                self._work = hub.spawn(self._watch(hub))

    async def _watch(self, hub: Hub) -> None:
        try:
            while True:
                watched = list(self._watched)
                await look(hub, watched)
                for operation in watched:
                    await operation.tell()
                with self._lock:
                    self._watched = [o for o in self._watched if not o.is_told]
                    self._pause = min(1.5 * self._pause, LAST_PAUSE_S)
                    if not self._watched:
                        self._work = None
                        return
                await hub.pause(self._pause)
        except BaseException:  # cancelled, with its loop: nobody is told any more
            with self._lock:
                self._watched, self._work = [], None
            raise


os.register_at_fork(after_in_child=_Watcher.forget_all)
