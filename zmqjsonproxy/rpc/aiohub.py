"""Calls to many servers over one ROUTER socket, for programs that use asyncio.

Everything happens in the running loop, which watches the sockets' file descriptors; there is no
thread and no lock. Such a descriptor tells of changes only: after each use of its socket it is
looked whether something has come meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Self, TypeVar

import zmq

from groundwork.beside import beside
from zmqjsonproxy.process import own_context, watch_process
from zmqjsonproxy.resolver import AsyncResolvers, NotResolvedError, scheme_of, unresolved
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.rpc.callresults import CallRequest, CallResult, SentCall, result_of
from zmqjsonproxy.rpc.connections import Connections
from zmqjsonproxy.rpc.core import LOOK_EVERY, CallGroup, HubSettings, Message
from zmqjsonproxy.rpc.knownservers import AskingHub
from zmqjsonproxy.rpc.peer import Peer, PendingCall
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription

__all__ = ["AsyncHub"]

T = TypeVar("T")

_POLLIN = int(zmq.POLLIN)
_TURNS = 5
"""How many turns a lone call gives to other tasks before it sleeps."""
_TURN_EVERY = 0.001
"""So often they have a turn even if all answers are there at once, s: a turn costs a third of a
small call."""


class WatchedConnections(Connections):
    """Connections whose sockets a loop watches; nothing here waits.

    Args:
        context: ZeroMQ context.
        settings: How servers are watched.
        ready: Called in the loop when a socket may have something.
        resolvers: For URLs that are names.
        keys: Of this client; None: it calls all servers without keys.
    """

    _looks = 8  # about 0.02 ms: the loop has others to serve
    _slice_ms = 0

    def __init__(
        self,
        context: zmq.Context[Any],
        settings: HubSettings,
        ready: Callable[[], None],
        resolvers: AsyncResolvers | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__(context, settings, resolvers, keys=keys)
        self._ready = ready
        self._searches: dict[Peer, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def has_message(self) -> bool:
        """Tell whether the ROUTER socket has one; to be asked after each use, for its descriptor
        may be silent then."""
        return bool(int(self._router.get(zmq.EVENTS)) & _POLLIN)

    @property
    def has_bridges(self) -> bool:
        """Tell whether there are servers of the original's generation."""
        return bool(self._bridges)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have all sockets watched by a loop."""
        self._loop = loop
        for socket in (self._router, *(bridge.socket for bridge in self._bridges.values())):
            loop.add_reader(int(socket.get(zmq.FD)), self._ready)

    def _unwatch(self, socket: zmq.Socket[bytes]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(int(socket.get(zmq.FD)))

    def _disconnect(self, peer: Peer, address: str) -> None:
        if peer in self._bridges:
            self._unwatch(self._bridges[peer].socket)
        super()._disconnect(peer, address)

    def _bridge(self, peer: Peer, address: str, now: float) -> None:
        super()._bridge(peer, address, now)
        if peer in self._bridges and self._loop is not None:
            self._loop.add_reader(int(self._bridges[peer].socket.get(zmq.FD)), self._ready)

    def _resolve(self, peer: Peer, url: str, now: float) -> None:
        if self._loop is not None and peer not in self._searches:
            within = self.core.locate_within(peer.waiting[0], now)
            self._searches[peer] = self._loop.create_task(self._search(peer, url, within))

    async def _search(self, peer: Peer, url: str, within: float) -> None:
        """Find out where a server is, and connect there."""
        try:
            address = await self._resolvers[scheme_of(url)](url, within)
            self.core.resolved(peer, address, time.monotonic())
        except NotResolvedError as error:
            self.core.drop(peer, str(error), time.monotonic())
        except Exception as error:  # whoever should know it is anybody's code
            self.core.drop(peer, unresolved(error), time.monotonic())
        finally:
            del self._searches[peer]
        self.carry_out(time.monotonic())
        self._ready()  # the descriptor tells of changes only, and the socket was used

    def leave_to_parent(self) -> None:
        """Let go as others do; the loop is the parent's, too."""
        super().leave_to_parent()
        self._loop = None
        self._searches.clear()

    def close(self, reason: str) -> None:
        """Give all connections up and close the sockets."""
        for search in self._searches.values():
            search.cancel()
        self._unwatch(self._router)
        super().close(reason)


class _Wait:
    """Calls that one task waits for: how many are open, and what to do when none is."""

    def __init__(self, calls: Sequence[PendingCall], deadline: float) -> None:
        self.calls, self.deadline = calls, deadline
        self.tell: Callable[[], object] | None = None
        self.left = 0
        for call in calls:
            if not call.done:
                call.on_end = self._one_ended
                self.left += 1

    def _one_ended(self) -> None:
        self.left -= 1
        if not self.left and self.tell is not None:
            self.tell()


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

    def take(self, call: PendingCall) -> None:
        """Hand the answer over."""
        if self.done():
            return
        if call.error is not None:
            self.set_exception(call.error)
        else:
            self.set_result(call.value)


class AsyncHub(
    AskingHub[
        Coroutine[Any, Any, Any],
        Coroutine[Any, Any, list[CallResult]],
        Coroutine[Any, Any, InterfaceDescription],
        asyncio.Future[Any],
    ]
):
    """One socket for calls to any number of servers, for the tasks of one event loop.

    A task that is cancelled while it waits leaves the hub usable; the answer to its call is dropped
    when it comes. Arguments as those of ThreadHub.
    """

    def __init__(
        self,
        ctx: zmq.Context[Any] | None = None,
        settings: HubSettings | None = None,
        resolvers: AsyncResolvers | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        self.settings = settings or HubSettings()
        context = own_context() if ctx is None else ctx
        self._connections: WatchedConnections = WatchedConnections(
            context, self.settings, self._receive, resolvers, keys
        )
        self._core = self._connections.core
        self._is_open = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waits: set[_Wait] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._turn_at = 0.0
        watch_process(self)

    # what is asked of servers

    def _begin(self, call: PendingCall) -> asyncio.Future[Any]:
        future, wait = _Answer(loop=asyncio.get_running_loop()), _Wait((call,), call.deadline)
        wait.tell = partial(future.take, call)
        future.give_up = partial(self._cancel, wait.calls)
        future.add_done_callback(partial(self._end_later, wait))
        self._submit(wait.calls, call.begun)
        if wait.left:
            self._watch(wait, call.begun)
            self._look_again()
        return future

    def send(self, request: CallRequest, timeout: float) -> asyncio.Future[Any]:
        """See Hub."""
        call = request.url, request.object_name, request.method, request.args, request.kwargs
        return self.begin(*call, timeout)

    async def answer(self, sent: SentCall) -> CallResult:
        """See Hub."""
        assert isinstance(sent, asyncio.Future)
        await asyncio.wait([sent])
        return result_of(sent)

    async def beside(self, work: Callable[[], T]) -> T:
        """See Hub; in a thread, so that the loop goes on."""
        return await beside(work)

    def _end_later(self, wait: _Wait, future: asyncio.Future[Any]) -> None:
        self._waits.discard(wait)
        assert isinstance(future, _Answer)
        future.give_up = None  # they would hold each other

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
            if self._loop is None or self._loop.is_closed():
                self._waits.clear()
            calls = [call for wait in self._waits for call in wait.calls]
            if self._is_open:
                self._connections.close("the hub was closed")
            for call in calls:
                call.lose("the hub was closed", time.monotonic())
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

    # asking

    async def _ask(self, group: CallGroup, read: Callable[[CallGroup], Any]) -> Any:
        begun = group.begun
        if group.deadline > begun and group.peers and not self._waits and self._enter():
            self._connections.ask(group)
        if not group.left:
            try:
                await self._give_turn()
            except BaseException:  # its caller does not know what was begun
                self._core.withdraw_group(group, begun)
                self._connections.carry_out(begun)
                raise
        else:
            if not group.pending:
                self._submit(group.make_pending(), begun)
            await self._finish(group.pending, group.deadline)
        return read(group)

    def _submit(self, calls: Sequence[PendingCall], now: float) -> None:
        """Send calls; those of a hub that was closed have ended."""
        if self._enter():
            if now - self._core.looked_at > LOOK_EVERY:
                self._connections.look_at_events(now)
            self._connections.submit(calls, now)
        for call in calls if self._closed else ():
            call.lose("the hub was closed", now)

    def _enter(self) -> bool:
        """Serve the running loop; False: the hub was closed."""
        if not self._closed:
            loop = asyncio.get_running_loop()
            if loop is not self._loop:
                self._attach(loop)
        return not self._closed

    # waiting

    async def _finish(self, calls: Sequence[PendingCall], deadline: float) -> None:
        """Bring calls to their end."""
        is_alone, wait = not self._waits, _Wait(calls, deadline)
        if not wait.left:
            return
        try:
            self._watch(wait, time.monotonic())
            if is_alone and len(calls) == 1 and calls[0].peer.is_ours:
                await self._look_awake(wait)
            else:
                self._look_again()
            if wait.left:
                ended = asyncio.Event()
                wait.tell = ended.set
                await ended.wait()
        except (
            BaseException
        ):  # nobody waits any more, and an old server's answer must not be taken for another
            self._cancel(calls)
            raise
        finally:
            self._waits.discard(wait)

    def _watch(self, wait: _Wait, now: float) -> None:
        """Look after the deadline of calls, and their connections."""
        self._waits.add(wait)
        if self._timer is None or wait.deadline < self._timer.when():
            self._set_timer(min(wait.deadline, now + LOOK_EVERY))

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
            if wait.left and (came := self._connections.look()) is not None:
                self._receive(came)
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
            self._is_open = True
        self._loop, self._timer = loop, None
        self._waits.clear()
        self._connections.watch(loop)

    def _receive(self, came: Message = (None, b"")) -> None:
        """Take a message that came, and all others there are; called when a descriptor says that a
        socket has changed."""
        if self._closed:
            return
        connections = self._connections
        try:
            while True:
                peer, body = came
                if peer is not None:
                    connections.take(peer, body)
                came = connections.next_message()
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
        if now - self._core.looked_at >= LOOK_EVERY / 2:
            self._connections.look_at_events(now)
        self._receive()
        now = time.monotonic()
        late = [c for w in self._waits if now >= w.deadline for c in w.calls if not c.done]
        for call in late:
            call.time_out(now)
        if late:
            self._connections.submit(late, now)  # withdraws them
            self._look_again()
        self._set_timer(min([now + LOOK_EVERY, *(w.deadline for w in self._waits if w.left)]))

    def _cancel(self, calls: Sequence[PendingCall]) -> None:
        """Give calls up that nobody waits for any more; their servers are told, as far as they
        understand that."""
        now = time.monotonic()
        unwanted = [c for c in calls if not c.done or (c.error is None and c.what.begins)]
        for call in unwanted:  # one that was accepted, too: its caller does not know that
            call.ends_operation = not call.what.begins
            call.lose("the wait was cancelled", now)
        if not self._closed:
            self._connections.submit(unwanted, now)
            self._look_again()
