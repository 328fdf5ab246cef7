"""Calls to many servers as coroutines see them, whoever waits for the answers. No sockets.

What takes several calls is written once, as `async def` over a `Hub`. In a task it is awaited, over
an AsyncHub. A caller that waits carries it out with `run`, over a BlockingHub, whose methods come
back with the answers: such a coroutine never suspends, and Ctrl-C is raised within it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Never, ParamSpec, Protocol, TypeVar, cast

from groundwork.values import RemoteValue

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.callresults import CallRequest, CallResult, SentCall
    from zmqjsonproxy.rpc.hub import ThreadHub

__all__ = ["BlockingHub", "Hub", "KnownServer", "blocking", "run"]

P = ParamSpec("P")
T = TypeVar("T")


class KnownServer(Protocol):
    """Knowledge of a server, kept up to date by its hub.

    Attributes:
        generation: Grows with each new server instance met at the address; 0: none yet.
    """

    @property
    def generation(self) -> int: ...


class Hub(Protocol):
    """Calls to any number of servers."""

    def peer(self, url: str) -> KnownServer:
        """Return what is known of a server, without asking it."""

    def is_native(self, url: str) -> bool | None:
        """Tell whether the server speaks JSON-RPC; None: not known (yet)."""

    def set_control(self, url: str, credential: str) -> None:
        """Have the proof of control, "NUMBER:TOKEN", go with each call to a server from now on;
        empty: none."""

    async def call_many(self, requests: Sequence[CallRequest], timeout: float) -> list[CallResult]:
        """Send all calls, then wait for all answers until one common deadline, s; raises for none
        of them."""

    def send(self, request: CallRequest, timeout: float) -> SentCall:
        """Send a call and return at once; `answer` waits, s. Any number may be under way."""

    async def answer(self, sent: SentCall) -> CallResult:
        """Wait for the answer to a call that was sent; raises for none."""

    async def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[RemoteValue],
        kwargs: Mapping[str, RemoteValue] | None,
        timeout: float,
    ) -> list[CallResult]:
        """Make the same call to many servers, as `call_many`."""

    async def begin_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[RemoteValue],
        kwargs: Mapping[str, RemoteValue],
        timeout: float,
        begun_by: str,
    ) -> list[CallResult]:
        """Begin an operation at many servers; each value says which it is. As `call_many`."""

    async def describe_many(
        self, urls: Sequence[str], object_name: str, timeout: float
    ) -> list[CallResult]:
        """Ask many servers what an object offers; each value is an InterfaceDescription. As
        `call_many`."""

    async def pause(self, seconds: float) -> None:
        """Wait between two looks at servers."""

    async def beside(self, work: Callable[[], T]) -> T:
        """Carry out what waits for a disk, and return what it returns; it is over then, also when
        it is cancelled."""

    def spawn(self, work: Coroutine[object, None, None]) -> object:
        """Let a coroutine over this hub go on by itself; keep what is returned until it has
        ended."""


class BlockingHub:
    """A ThreadHub as a Hub whose methods never suspend, for `run`.

    Args:
        hub: Makes the calls.
    """

    __slots__ = ("_hub", "is_native", "peer")

    def __init__(self, hub: ThreadHub) -> None:
        self._hub = hub
        self.is_native, self.peer = hub.is_native, hub.peer

    def set_control(self, url: str, credential: str) -> None:
        """See Hub."""
        self._hub.set_control(url, credential)

    async def call_many(self, requests: Sequence[CallRequest], timeout: float) -> list[CallResult]:
        """See Hub."""
        return self._hub.call_many(requests, timeout)

    def send(self, request: CallRequest, timeout: float) -> SentCall:
        """See Hub."""
        call = request.url, request.object_name, request.method, request.args, request.kwargs
        return self._hub.begin(*call, timeout)

    async def answer(self, sent: SentCall) -> CallResult:
        """See Hub."""
        from zmqjsonproxy.rpc.callresults import result_of  # late: whoever has a hub has it

        return result_of(sent)

    async def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[RemoteValue],
        kwargs: Mapping[str, RemoteValue] | None,
        timeout: float,
    ) -> list[CallResult]:
        """See Hub."""
        return self._hub.call_each(urls, object_name, method, args, kwargs, timeout)

    async def begin_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[RemoteValue],
        kwargs: Mapping[str, RemoteValue],
        timeout: float,
        begun_by: str,
    ) -> list[CallResult]:
        """See Hub."""
        return self._hub.begin_each(urls, object_name, method, args, kwargs, timeout, begun_by)

    async def describe_many(
        self, urls: Sequence[str], object_name: str, timeout: float
    ) -> list[CallResult]:
        """See Hub."""
        return self._hub.describe_many(urls, object_name, timeout)

    async def pause(self, seconds: float) -> None:
        """See Hub."""
        self._hub.pause(seconds)

    async def beside(self, work: Callable[[], T]) -> T:
        """See Hub; its caller waits anyway."""
        return work()

    def spawn(self, work: Coroutine[object, None, None]) -> object:
        """See Hub; in a thread of its own."""
        thread = threading.Thread(target=run, args=(work,), name="operations", daemon=True)
        thread.start()
        return thread


def run(work: Coroutine[object, None, T]) -> T:
    """Carry a coroutine out, in the caller's thread, and return its result.

    Raises:
        RuntimeError: It awaits what only an event loop can wait for.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError(f"{work!r} waits for an event loop; await it in a task")


def blocking(
    method: Callable[Concatenate[Never, P], Coroutine[object, None, T]],
) -> Callable[Concatenate[object, P], T]:
    """Return a coroutine method as one that waits, with its signature and documentation.

    It may become a method of another class, if all that the coroutine uses of its object is there,
    too.
    """

    @wraps(method)
    def waits(self: object, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run(method(cast(Never, self), *args, **kwargs))

    return waits
