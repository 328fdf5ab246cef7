"""Calls to many servers over one ROUTER socket, for programs that use asyncio.

Everything happens in the running loop, which watches the sockets' file descriptors; there is no
thread and no lock. Such a descriptor tells of changes only: after each use of its socket it is
looked whether something has come meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import zmq

from zmqjsonproxy.errors import PeerLostError
from zmqjsonproxy.locating import AsyncLocators
from zmqjsonproxy.process import OfOneProcess, own_context, watch_process
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.rpc.aioconnections import WatchedConnections
from zmqjsonproxy.rpc.connections import LOOK_EVERY, HubSettings
from zmqjsonproxy.rpc.knownservers import KnownServers
from zmqjsonproxy.rpc.many import CallRequest, CallResult, batch_results, in_batches, shared_calls
from zmqjsonproxy.rpc.peer import BatchedCall, BatchOfCalls, Call, Hello, Peer, Pending
from zmqjsonproxy.rpc.protocol import jsonrpc
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription

__all__ = ["AsyncHub"]

_TURNS = 5
"""How many turns a lone call gives to other tasks before it sleeps."""
_TURN_EVERY = 0.001
"""So often they have a turn even if all answers are there at once, s: a turn costs a third of a
small call."""


class _Wait:
    """Calls that one task waits for: how many are open, and what to wake when none is."""

    __slots__ = ("deadline", "future", "left", "pendings")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.left = 0
        self.pendings: list[_Awaited] = []
        self.future: asyncio.Future[Any] | None = None

    def end(self) -> None:
        """Wake the task that waits, if it sleeps."""
        if self.future is not None and not self.future.done():
            self.future.set_result(None)


class _Later(_Wait):
    """One call whose answer is waited for later, by whoever has its future."""

    __slots__ = ()

    def end(self) -> None:
        """Hand the answer over."""
        (pending,), future = self.pendings, self.future
        if future is not None and not future.done():
            if pending.error is not None:
                future.set_exception(pending.error)
            else:
                future.set_result(pending.value)


class _Answer(asyncio.Future[Any]):
    """The answer of a call that is waited for later.

    To cancel it gives the call up there and then. A callback would do so in the loop's next turn,
    before which the connection may be made and the call be sent.
    """

    give_up: Callable[[], None] | None = None

    def cancel(self, msg: Any | None = None) -> bool:
        """Give the call up; False: it is over."""
        is_cancelled, give_up = super().cancel(msg), self.give_up
        if is_cancelled and give_up is not None:
            give_up()
        return is_cancelled


class _Awaited(Pending):
    """A call that tells its wait when it is done."""

    __slots__ = ("_is_done", "_wait")

    def __init__(
        self, wait: _Wait, peer: Peer, what: Call | BatchOfCalls | Hello, begun: float
    ) -> None:
        self._wait, self._is_done = wait, False
        super().__init__(peer, what, begun, wait.deadline)
        wait.left += 1
        wait.pendings.append(self)

    @property
    def done(self) -> bool:
        """Whether there is a value or an error."""
        return self._is_done

    @done.setter
    def done(self, done: bool) -> None:
        if done and not self._is_done:  # a late answer comes here a second time
            self._is_done = True
            wait = self._wait
            wait.left -= 1
            if not wait.left:
                wait.end()


class AsyncHub(OfOneProcess, KnownServers):
    """One socket for calls to any number of servers, for the tasks of one event loop.

    A task that is cancelled while it waits leaves the hub usable; the answer to its call is dropped
    when it comes.

    Args:
        ctx: ZeroMQ context; None: that of this package, which is nobody else's.
        settings: How servers are watched.
        locators: For URLs that are names; see `locating`.
    """

    def __init__(
        self,
        ctx: zmq.Context[Any] | None = None,
        settings: HubSettings | None = None,
        locators: AsyncLocators | None = None,
    ) -> None:
        self.settings = settings or HubSettings()
        context = own_context() if ctx is None else ctx
        self._connections: WatchedConnections = WatchedConnections(
            context, self.settings, self._receive, locators
        )
        self._connections.set_wait(0)
        self._is_open = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waits: set[_Wait] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._turn_at = 0.0
        watch_process(self)

    # what callers use

    async def call(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> Any:
        """Call a method and wait for its answer; arguments and errors as those of `ThreadHub.call`."""
        begun = time.monotonic()
        connections = self._connections
        peer = connections.peer(url)
        sent, source, body = False, None, b""
        is_alone = not self._waits and asyncio.get_running_loop() is self._loop
        if (
            is_alone
            and peer.is_ours
            and begun - connections.looked_at <= LOOK_EVERY
            and timeout > 0
        ):
            # As `ThreadHub.call`: as long as nothing but its result arrives, without the bookkeeping of
            # many.
            number = next(connections.numbers)
            try:
                before, after = jsonrpc.request_around_id(
                    object_name, method, args, kwargs, timeout, peer.arrays
                )
                request = b"%b%d%b" % (before, number, after)
                if isinstance(after, Framed) or len(request) > peer.most_bytes:
                    raise ValueError(request)  # more has to be done, below
                connections.send(peer.envelope, request)
                sent = True
                if connections.look():
                    source, body = connections.next_message()
                    if source is peer:
                        answer = jsonrpc.read_reply(body)
                        if (
                            type(answer) is dict
                            and answer.get("id") == number
                            and "result" in answer
                        ):
                            await self._give_turn()
                            return answer["result"]
            except (TypeError, ValueError, RecursionError, zmq.ZMQError) as error:
                if isinstance(error, zmq.ZMQError) and not sent:
                    connections.drop(peer, "connection lost")
            except BaseException:  # Ctrl-C, or its task was cancelled in the turn of others
                connections.withdraw(peer, number, only_waiting=False)
                raise
        wait = _Wait(begun + timeout)
        pending = _Awaited(wait, peer, Call(object_name, method, args, kwargs, timeout), begun)
        if sent:
            peer.expect(pending, number)
        if source is not None:
            connections.take(source, body)
        await self._finish(wait, begun, sent)
        if pending.error is not None:
            raise pending.error
        return pending.value

    async def call_many(
        self, requests: Sequence[CallRequest], timeout: float = 60.0
    ) -> list[CallResult]:
        """Send all calls, then wait for all answers until one common deadline; raises for none of
        them."""
        begun = time.monotonic()
        wait = _Wait(begun + timeout)
        for request, what in shared_calls(requests, timeout):
            _Awaited(wait, self._connections.peer(request.url), what, begun)
        return await self._results(wait, begun)

    async def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> list[CallResult]:
        """Make the same call to many servers, as `call_many`."""
        begun = time.monotonic()
        wait = _Wait(begun + timeout)
        what = Call(object_name, method, args, kwargs, timeout)
        for url in urls:
            _Awaited(wait, self._connections.peer(url), what, begun)
        return await self._results(wait, begun)

    async def begin_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        timeout: float,
        begun_by: str,
    ) -> list[CallResult]:
        """Begin an operation at many servers; as `ThreadHub.begin_each`, for `AsyncOperation`."""
        begun = time.monotonic()
        wait = _Wait(begun + timeout)
        what = Call(object_name, method, args, kwargs, timeout, begun_by)
        for url in urls:
            _Awaited(wait, self._connections.peer(url), what, begun)
        return await self._results(wait, begun)

    async def call_batch(
        self, url: str, object_name: str, calls: Sequence[BatchedCall], timeout: float = 60.0
    ) -> list[CallResult]:
        """Make calls of one object in one message; as `ThreadHub.call_batch`."""
        begun = time.monotonic()
        peer = self._connections.peer(url)
        if not peer.is_ours:
            return await self.call_many(
                [CallRequest(url, object_name, *call) for call in calls], timeout
            )
        wait = _Wait(begun + timeout)
        whats = in_batches(object_name, calls, timeout)
        for what in whats:
            _Awaited(wait, peer, what, begun)
        return batch_results(whats, await self._results(wait, begun))

    def begin(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> asyncio.Future[Any]:
        """Send a call and return at once; what is returned is awaited for the answer. Any number
        may be under way.

        To cancel it gives the call up, and its server is told. Arguments as `call`; to be used in a
        running loop.
        """
        begun = time.monotonic()
        wait = _Later(begun + timeout)
        future = wait.future = _Answer(loop=asyncio.get_running_loop())
        future.give_up = partial(self._cancel, wait)
        _Awaited(
            wait,
            self._connections.peer(url),
            Call(object_name, method, args, kwargs, timeout),
            begun,
        )
        future.add_done_callback(partial(self._end_later, wait))
        if self._submit(wait, begun):
            self._look_again()
        return future

    def _end_later(self, wait: _Wait, future: asyncio.Future[Any]) -> None:
        self._waits.discard(wait)
        assert isinstance(future, _Answer)
        future.give_up = None  # they would hold each other

    async def describe(
        self, url: str, object_name: str, timeout: float = 1.0
    ) -> InterfaceDescription:
        """Ask a server what an object offers; errors as those of `ThreadHub.describe`."""
        (result,) = await self.describe_many([url], object_name, timeout)
        if result.error is not None:
            raise result.error
        description: InterfaceDescription = result.value
        return description

    async def describe_many(
        self, urls: Sequence[str], object_name: str, timeout: float = 1.0
    ) -> list[CallResult]:
        """Ask many servers what an object offers; each value is an InterfaceDescription. Raises for
        none of them."""
        begun = time.monotonic()
        wait = _Wait(begun + timeout)
        what = Hello(object_name, self._connections.client)
        for url in urls:
            _Awaited(wait, self._connections.peer(url), what, begun)
        return await self._results(wait, begun)

    async def pause(self, seconds: float) -> None:
        """Wait between two looks at servers."""
        await asyncio.sleep(seconds)

    def spawn(self, work: Coroutine[object, None, None]) -> asyncio.Task[None]:
        """Let a coroutine over this hub go on in a task, which is to be kept until it has ended."""
        return asyncio.get_running_loop().create_task(work, name="operations")

    async def close(self) -> None:
        """Close the sockets; calls that are under way end with PeerLostError."""
        self.end_with_process()

    def end_with_process(self) -> bool:
        """Close it at the exit of the interpreter, where no loop runs."""
        if not self._closed:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            if self._is_open:
                self._connections.close("the hub was closed")
            for wait in (
                list(self._waits) if self._loop is not None and not self._loop.is_closed() else ()
            ):
                self._give_up(wait, "the hub was closed")
        return True

    def renew_after_fork(self) -> None:
        """Leave all connections to the parent, in a child of it; the first call here makes
        others."""
        if not self._closed:
            self._loop = self._timer = None
            self._waits.clear()
            self._connections.leave_to_parent()
            self._is_open = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    # waiting

    async def _results(self, wait: _Wait, begun: float) -> list[CallResult]:
        if wait.pendings:
            await self._finish(wait, begun)
        return [CallResult(p.value, p.error, p.ended - begun) for p in wait.pendings]

    async def _finish(self, wait: _Wait, now: float, sent: bool = False) -> None:
        """Bring calls to their end."""
        is_alone = not self._waits
        try:
            if not self._submit(wait, now, sent):
                return
            if is_alone and len(wait.pendings) == 1 and wait.pendings[0].peer.is_ours:
                await self._look_awake(wait)
            else:
                self._look_again()
            if wait.left:
                wait.future = asyncio.get_running_loop().create_future()
                await wait.future
        except (
            BaseException
        ):  # nobody waits any more, and an old server's answer must not be taken for another
            self._cancel(wait)
            raise
        finally:
            self._waits.discard(wait)

    def _submit(self, wait: _Wait, now: float, sent: bool = False) -> bool:
        """Send calls, or take up what was sent; False: the hub was closed, and they have ended."""
        if self._closed:
            self._give_up(wait, "the hub was closed")
            return False
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._attach(loop)
        connections = self._connections
        if now - connections.looked_at > LOOK_EVERY:
            connections.look_at_events(now)
        self._waits.add(wait)
        for p in () if sent else wait.pendings:
            connections.submit(p, now)
        if wait.left and (self._timer is None or wait.deadline < self._timer.when()):
            self._set_timer(min(wait.deadline, now + LOOK_EVERY))
        return True

    def _look_again(self) -> None:
        """Look for messages in the loop's next turn: sockets that were just used may not tell of
        them."""
        connections = self._connections
        if self._loop is not None and (connections.has_bridges or connections.has_message()):
            self._loop.call_soon(self._receive)

    async def _look_awake(self, wait: _Wait) -> None:
        """Wait for a short while without sleep: to be woken costs more than most servers need for
        their answer."""
        for _ in range(_TURNS):
            if wait.left and self._connections.look():
                self._receive()
            if not wait.left:
                await self._give_turn()
                return
            await self._give_turn(0.0)
            if wait.left and not self._closed and self._connections.has_message():
                self._receive()
            if not wait.left:
                return

    async def _give_turn(self, every: float = _TURN_EVERY) -> None:
        """Give other tasks a turn, unless they had one less than `every` ago, s."""
        if time.monotonic() - self._turn_at >= every:
            await asyncio.sleep(0)
            self._turn_at = time.monotonic()

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError(
                "this hub serves another event loop; make one in each loop, or close that loop first"
            )
        if not self._is_open:
            self._connections.open(own_context())
            self._connections.set_wait(0)
            self._is_open = True
        self._loop, self._timer = loop, None
        self._waits.clear()
        self._connections.watch(loop)

    def _receive(self) -> None:
        """Take all messages there are; called when a descriptor says that a socket has changed."""
        if self._closed:
            return
        connections = self._connections
        try:
            while True:
                peer, body = connections.next_message()
                if peer is not None:
                    connections.take(peer, body)
        except zmq.Again:
            pass
        if connections.has_bridges:
            connections.set_wait(0)  # takes what the bridges have
            if connections.has_message() and self._loop is not None:
                self._loop.call_soon(self._receive)

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            self._timer = self._loop.call_at(when, self._tick)  # the loop's clock is time.monotonic

    def _tick(self) -> None:
        """Look at socket events and deadlines, for as long as calls are open."""
        self._timer = None
        if self._closed or not self._waits:
            return
        now = time.monotonic()
        if now - self._connections.looked_at >= LOOK_EVERY / 2:
            self._connections.look_at_events(now)
        self._receive()
        now = time.monotonic()
        late = [
            p for wait in self._waits if now >= wait.deadline for p in wait.pendings if not p.done
        ]
        for p in late:
            p.time_out(now)
            self._connections.submit(p, now)  # withdraws it
        if late:
            self._look_again()
        self._set_timer(min([now + LOOK_EVERY, *(w.deadline for w in self._waits if w.left)]))

    def _give_up(self, wait: _Wait, reason: str) -> None:
        now = time.monotonic()
        for p in wait.pendings:
            if not p.done:
                p.fail(PeerLostError(p.peer.url, p.what.label, reason), now)

    def _cancel(self, wait: _Wait) -> None:
        """Give calls up that nobody waits for any more; their servers are told, as far as they
        understand that."""
        now = time.monotonic()
        for p in wait.pendings:
            p.ends_operation = not p.what.begins
            if not p.done:
                p.fail(PeerLostError(p.peer.url, p.what.label, "the wait was cancelled"), now)
            elif (
                p.error is not None or not p.what.begins
            ):  # else its caller does not know that it was accepted
                continue
            if not self._closed:
                self._connections.submit(p, now)
        if not self._closed:
            self._look_again()
