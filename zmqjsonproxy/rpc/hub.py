"""Calls to many servers over one ROUTER socket, from any number of threads.

Servers of the original's generation are REP sockets, which talk to no ROUTER: each gets a DEALER socket of its own.

A thread that calls while nobody reads the socket becomes the leader: it sends, receives, and hands to the others what
is theirs. The others leave their messages in the outbox and wait; when the leader has its own answer, one of them
takes over. Nobody holds a lock while waiting for the network.

A connection is made when it is first needed, never by ZeroMQ behind our back: what was sent to a server that went
away is dropped with the connection and cannot reach its successor. Every connection begins with a hello that tells
whether the server is one of the original's generation, which ends on anything but its own dialect.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import zmq

from zmqjsonproxy import wirejson
from zmqjsonproxy.errors import PeerLostError, ProxyError
from zmqjsonproxy.rpc.bridge import Bridge
from zmqjsonproxy.rpc.frames import frame_receiver, sender
from zmqjsonproxy.rpc.peer import Call, Hello, Peer, Pending, State
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription, MethodDescription
from zmqjsonproxy.sockmon import PeerEvent, SocketMonitor, Transition

__all__ = ["CallRequest", "CallResult", "Hub", "HubSettings", "InterfaceDescription", "MethodDescription"]

_SLICE_MS = 50
"""How long the leader waits at most before it looks at socket events, ms."""
_let_others_run = getattr(os, "sched_yield", lambda: None)  # not on every system
_LOOK_EVERY = 0.04
"""How often it looks at them while messages come, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """How servers are watched.

    Attributes:
        heartbeat_every: s; 0 switches heartbeats off.
        heartbeat_timeout: A server that is silent for so long is lost, s.
        hello_within: A server that cannot be connected to within this time is not there, s.
        retry_first: Pause after a failed connection, s; doubles up to `retry_most`, and is randomised. Calls
            within the pause fail at once.
        retry_most: s.
    """

    heartbeat_every: float = 0.3
    heartbeat_timeout: float = 0.65
    hello_within: float = 0.8
    retry_first: float = 0.05
    retry_most: float = 1.0


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call of many."""

    url: str
    object_name: str
    method: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class CallResult:
    """What came of one call: a value or an error, and how long it took, s."""

    value: Any = None
    error: ProxyError | None = None
    delay_s: float = 0.0


class Hub:
    """One socket for calls to any number of servers; thread-safe.

    Args:
        ctx: ZeroMQ context; None: the process's own.
        settings: How servers are watched.
    """

    def __init__(self, ctx: zmq.Context[Any] | None = None, settings: HubSettings | None = None) -> None:
        self.settings = settings or HubSettings()
        context: zmq.Context[Any] = ctx if ctx is not None else zmq.Context.instance()
        self._router: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self._wake: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        router = self._router
        router.linger = self._wake.linger = 0
        router.sndhwm = router.rcvhwm = 0
        router.set(zmq.ROUTER_MANDATORY, 1)
        self._options = {
            int(zmq.RECONNECT_IVL): -1,
            int(zmq.CONNECT_TIMEOUT): int(1000 * self.settings.hello_within),
        }
        if self.settings.heartbeat_every > 0:
            self._options[int(zmq.HEARTBEAT_IVL)] = int(1000 * self.settings.heartbeat_every)
            self._options[int(zmq.HEARTBEAT_TIMEOUT)] = int(1000 * self.settings.heartbeat_timeout)
        for option, value in self._options.items():
            router.set(option, value)
        self._rcvtimeo = _SLICE_MS
        router.rcvtimeo = _SLICE_MS
        token = os.urandom(8)
        self._wake_id = b"wake" + token
        self._wake.set(zmq.IDENTITY, self._wake_id)
        inner = f"inproc://zmqjsonproxy-hub-{token.hex()}"
        router.bind(inner)
        self._wake.connect(inner)
        self._monitor = SocketMonitor(router)
        self._receive_frame, self._send = frame_receiver(router), sender(router)
        self._token = token
        self._client = f"{platform.node()}:{os.getpid()}"
        self._rids = itertools.count(1)
        self._numbers = itertools.count(1)
        self._context = context
        self._bridges: dict[Peer, Bridge] = {}
        self._peers: dict[str, Peer] = {}
        self._by_rid: dict[bytes, Peer] = {}
        self._lead_taken = threading.Lock()
        self._may_lead = partial(self._lead_taken.acquire, False)
        self._turn = threading.Condition()
        self._followers = 0
        self._outbox: deque[Pending] = deque()
        self._looked_at = 0.0
        self._closed = False

    # what callers use

    def call(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> Any:
        """Call a method and wait for its answer.

        Args:
            url: Server.
            object_name: Exposed object.
            method: Its method.
            args: Positional arguments.
            kwargs: Keyword arguments.
            timeout: s; it travels with the call.

        Raises:
            PeerLostError: Nobody there, or no longer; within 1 s.
            CallTimeoutError: No reply in time.
            RefusedError: The object refused.
            RemoteError: The call failed at the server.
        """
        begun = time.monotonic()
        peer = self._peers.get(url)
        if (
            peer is not None
            and peer.is_ours
            and begun - self._looked_at < _LOOK_EVERY
            and timeout * 1000 > _SLICE_MS
            and self._may_lead()
        ):
            try:
                return self._call_alone(peer, object_name, method, args, kwargs, timeout, begun)
            finally:
                self._end_lead()
        pending = Pending(self.peer(url), Call(object_name, method, args, kwargs, timeout), begun, begun + timeout)
        self._finish((pending,), begun, begun + timeout)
        if pending.error is not None:
            raise pending.error
        return pending.value

    def call_many(self, requests: Sequence[CallRequest], timeout: float = 60.0) -> list[CallResult]:
        """Send all calls, then wait for all answers until one common deadline; raises for none of them."""
        begun = time.monotonic()
        calls: dict[tuple[str, str, int, int], Call] = {}
        pendings = []
        for r in requests:
            key = (r.object_name, r.method, id(r.args), id(r.kwargs))
            what = calls.get(key)
            if what is None:
                what = calls[key] = Call(r.object_name, r.method, r.args, r.kwargs, timeout)
            pendings.append(Pending(self.peer(r.url), what, begun, begun + timeout))
        return self._results(pendings, begun, begun + timeout)

    def call_each(
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
        what = Call(object_name, method, args, kwargs, timeout)
        pendings = [Pending(self.peer(url), what, begun, begun + timeout) for url in urls]
        return self._results(pendings, begun, begun + timeout)

    def describe(self, url: str, object_name: str, timeout: float = 1.0) -> InterfaceDescription:
        """Ask a server what an object offers.

        Raises:
            NoSuchInterfaceError: There is no such object.
            PeerLostError, CallTimeoutError: As `call`.
        """
        (result,) = self.describe_many([url], object_name, timeout)
        if result.error is not None:
            raise result.error
        description: InterfaceDescription = result.value
        return description

    def describe_many(self, urls: Sequence[str], object_name: str, timeout: float = 1.0) -> list[CallResult]:
        """Ask many servers what an object offers; each value is an InterfaceDescription. Raises for none of them."""
        begun = time.monotonic()
        what = Hello(object_name, self._client)
        pendings = [Pending(self.peer(url), what, begun, begun + timeout) for url in urls]
        return self._results(pendings, begun, begun + timeout)

    def peer(self, url: str) -> Peer:
        """Return what is known of a server; to be looked at only."""
        peer = self._peers.get(url)
        if peer is None:
            peer = self._peers.setdefault(url, Peer(url))
        return peer

    def generation(self, url: str) -> int:
        """Return a number that grows with each new server instance met at the address; 0: none yet."""
        return self.peer(url).generation

    def is_native(self, url: str) -> bool | None:
        """Tell whether the server speaks JSON-RPC; None: not known (yet)."""
        peer = self.peer(url)
        return peer.native if peer.state is State.READY else None

    def close(self) -> None:
        """Close the socket; calls that are under way end with PeerLostError."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._wake.send(b"")
            while not self._may_lead():
                self._turn.wait(0.1)
            for peer in list(self._peers.values()):
                self._drop(peer, "the hub was closed")
            self._turn.notify_all()
            self._monitor.close()
            self._wake.close()
            self._router.close()
            self._lead_taken.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # leading and following

    def _results(self, pendings: Sequence[Pending], now: float, deadline: float) -> list[CallResult]:
        if pendings:
            self._finish(pendings, now, deadline)
        return [CallResult(p.value, p.error, p.ended - now) for p in pendings]

    def _finish(self, pendings: Sequence[Pending], now: float, deadline: float) -> None:
        """Bring calls to their end: in the lead, or waiting for whoever leads."""
        leads = False
        try:
            leads = self._may_lead()
            if not leads:
                leads = self._follow(pendings, deadline)
            elif not self._closed:
                for p in pendings:
                    self._submit(p, now)
            if self._closed:
                self._close_all(pendings, now)
            elif leads:
                self._lead(pendings, now, deadline)
        except BaseException:  # Ctrl-C: nobody waits any more, and an old server's answer must not be taken for another
            self._close_all(pendings, now, "the wait was interrupted")
            raise
        finally:
            if leads:
                self._end_lead()

    def _end_lead(self) -> None:
        # Released first, then looked: a follower says that it is one before it tries to take the lead.
        self._lead_taken.release()
        if self._followers or self._closed:
            with self._turn:
                self._turn.notify_all()

    def _call_alone(
        self,
        peer: Peer,
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        timeout: float,
        begun: float,
    ) -> Any:
        """Make a call, in the lead, without the bookkeeping of many as long as nothing but its result arrives.

        A small call costs a quarter less for it: after a wait each line costs several times what it does in a loop.
        """
        number, sent, source, body = next(self._numbers), False, None, b""
        try:
            before, after = jsonrpc.request_around_id(object_name, method, args, kwargs, timeout)
            self._send(peer.envelope, b"%b%d%b" % (before, number, after))
            sent = True
            _let_others_run()  # ZeroMQ's thread, that is: it sends now, and not when this one waits
            source, body = self._next_message()
            if source is peer:
                answer = wirejson.loads(body)
                if type(answer) is dict and answer.get("id") == number and "result" in answer:
                    return answer["result"]
        except (TypeError, ValueError, RecursionError, zmq.ZMQError) as error:
            if isinstance(error, zmq.ZMQError) and not sent:
                self._drop(peer, str(error))
        # No result, or not yet: the rest is as with any call.
        now = time.monotonic()
        pending = Pending(peer, Call(object_name, method, args, kwargs, timeout), begun, begun + timeout)
        if sent:
            peer.expect(pending, number)
        else:
            self._submit(pending, now)
        if source is not None:
            now = self._receive(source, body)
        self._lead((pending,), now, pending.deadline)
        if pending.error is not None:
            raise pending.error
        return pending.value

    def _next_message(self) -> tuple[Peer | None, bytes]:
        """Receive a message; zmq.Again: none came in time.

        Returns:
            The sender and the body. Without a sender it was a wake-up, or from a connection that was given up; then
            the routing id stands for the body.
        """
        receive = self._receive_frame
        rid = receive()
        peer = self._by_rid.get(rid)
        if peer is None:
            while self._router.get(zmq.RCVMORE):
                receive()
            return None, rid
        # No look whether more follows: it costs as much as the frame, and what does is found to be no routing id above.
        body = receive()
        if not body and self._router.get(zmq.RCVMORE):  # the envelope of a REQ socket
            body = receive()
        return peer, body

    def _follow(self, pendings: Sequence[Pending], deadline: float) -> bool:
        """Leave calls to whoever leads; False when all is done, True when the lead was taken over."""
        self._outbox.extend(pendings)
        with self._turn:
            if not self._closed:
                self._wake.send(b"")  # under the lock: the inner socket belongs to whoever holds it
            self._followers += 1
            try:
                while not all(p.done for p in pendings):
                    if self._may_lead():
                        return True
                    self._turn.wait(min(max(deadline - time.monotonic(), 0.001), 1.0))
                    self._expire(pendings, time.monotonic())
            finally:
                self._followers -= 1
        return False

    def _lead(self, pendings: Sequence[Pending], now: float, deadline: float) -> None:
        outbox = self._outbox
        if now - self._looked_at > _LOOK_EVERY:
            self._look_at_events(now)
        first, count = 0, len(pendings)
        while True:
            while outbox:
                self._submit(outbox.popleft(), now)
            while first < count and pendings[first].done:
                first += 1
            if first == count:
                return
            awaited = pendings[first]
            left_ms = 1000 * (deadline - now)  # may be infinite
            wait_ms = _SLICE_MS if left_ms > _SLICE_MS else max(int(left_ms) + 1, 0)
            if self._bridges:
                self._receive_bridged(wait_ms)
                wait_ms = 0
            if wait_ms != self._rcvtimeo:
                self._rcvtimeo = self._router.rcvtimeo = wait_ms
            try:
                while not awaited.done and now - self._looked_at < _LOOK_EVERY:
                    peer, body = self._next_message()
                    if peer is not None:
                        now = self._receive(peer, body)
                    elif body == self._wake_id:
                        break
            except zmq.Again:
                now = time.monotonic()
            if now - self._looked_at >= _LOOK_EVERY:
                self._look_at_events(now)
            if now >= deadline:
                self._expire(pendings, now)
            if self._closed:
                self._close_all(pendings, now)

    def _expire(self, pendings: Sequence[Pending], now: float) -> None:
        for p in pendings:
            if not p.done and now >= p.deadline:
                p.time_out(now)

    def _close_all(self, pendings: Sequence[Pending], now: float, reason: str = "the hub was closed") -> None:
        for p in pendings:
            if not p.done:
                p.fail(PeerLostError(p.peer.url, p.what.label, reason), now)

    # peers; the leader only

    def _submit(self, p: Pending, now: float) -> None:
        peer = p.peer
        if p.done:
            return
        if peer.current is not None and peer.waits_in_vain:
            self._abandon(peer, now)
        if peer.state is State.READY:
            body = peer.begin(p, next(self._numbers), now)
            if body is not None:
                self._transmit(peer, body)
            else:
                self._tell_followers()  # it may have ended
            return
        if peer.state is State.IDLE:
            if now < peer.retry_at:
                p.fail(PeerLostError(peer.url, p.what.label, peer.reason), now)
                self._tell_followers()
                return
            if not self._connect(peer, p, now):
                return
        peer.waiting.append(p)

    def _connect(self, peer: Peer, p: Pending, now: float) -> bool:
        self._read_events(now)  # those of an earlier connection are not to be taken for the new one's
        rid = self._token + next(self._rids).to_bytes(8, "big")
        try:
            self._router.set(zmq.CONNECT_ROUTING_ID, rid)
            self._router.connect(peer.url)
        except zmq.ZMQError as error:
            p.fail(PeerLostError(peer.url, p.what.label, f"no address to connect to: {error}"), now)
            self._tell_followers()
            return False
        self._by_rid[rid] = peer
        peer.begin_connection(rid, p.what.object_name, now)
        self._send(peer.envelope, original.hello(peer.hello_name, self._client))
        return True

    def _transmit(self, peer: Peer, body: bytes) -> None:
        try:
            if self._bridges and peer in self._bridges:
                self._bridges[peer].send(body)
            else:
                self._send(peer.envelope, body)
        except zmq.ZMQError as error:
            self._drop(peer, str(error))

    def _receive_bridged(self, wait_ms: int) -> None:
        """Wait for any server; take the messages of those that have a socket of their own."""
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        bridges = list(self._bridges.items())
        for _, bridge in bridges:
            poller.register(bridge.socket, zmq.POLLIN)
        if not poller.poll(wait_ms):
            return
        for peer, bridge in bridges:
            while self._bridges.get(peer) is bridge and (body := bridge.receive()) is not None:
                self._receive(peer, body)

    def _bridge(self, peer: Peer, now: float) -> None:
        """Connect again to a server that takes no ROUTER."""
        self._by_rid.pop(peer.rid, None)
        with contextlib.suppress(zmq.ZMQError):
            self._router.disconnect(peer.url)
        try:
            bridge = self._bridges[peer] = Bridge(self._context, peer.url, self._options)
            peer.begin_connection(b"", peer.hello_name, now)
            bridge.send(original.hello(peer.hello_name, self._client))
        except zmq.ZMQError as error:  # no sockets left
            self._drop(peer, str(error))

    def _receive(self, peer: Peer, body: bytes) -> float:
        """Take a message of a server; the time."""
        now = time.monotonic()
        try:
            message = wirejson.loads(body)
        except (ValueError, RecursionError) as error:
            self._drop(peer, f"it sent no JSON: {error}")
            return now
        if peer.state is State.READY:
            peer.receive(message, now)
        else:
            peer.welcome(message, now)
        if peer.waiting and peer.current is None:
            waiting, peer.waiting = peer.waiting, deque()
            for p in waiting:
                self._submit(p, now)
        if self._followers:
            self._tell_followers()
        return now

    def _tell_followers(self) -> None:
        if self._followers:
            with self._turn:
                self._turn.notify_all()

    def _drop(self, peer: Peer, reason: str) -> None:
        """Give a connection up, with all that was sent over it and not answered."""
        if peer.state is State.IDLE:
            return
        bridge = self._bridges.pop(peer, None)
        if bridge is not None:
            bridge.close()
        else:
            self._by_rid.pop(peer.rid, None)
            with contextlib.suppress(zmq.ZMQError):
                self._router.disconnect(peer.url)
        peer.give_up(reason, time.monotonic(), self.settings.retry_first, self.settings.retry_most)
        self._tell_followers()

    def _abandon(self, peer: Peer, now: float) -> None:
        """Connect anew to an old server that still works on a call nobody waits for.

        Its answer would be taken for that of the next call. Those that were not sent yet are sent over the new one.
        """
        unsent, peer.waiting = peer.waiting, deque()
        self._drop(peer, "the last call ran out of time")
        for p in unsent:
            self._submit(p, now)

    def _read_events(self, now: float) -> None:
        for event in self._monitor.read():
            peer = self._peers.get(event.endpoint)
            if peer is not None and peer.state is not State.IDLE and peer not in self._bridges:
                if self._refuses_routers(peer, event):
                    self._bridge(peer, now)
                else:
                    self._note(peer, event)

    def _look_at_events(self, now: float) -> None:
        self._looked_at = now
        self._read_events(now)
        for peer, bridge in list(self._bridges.items()):
            for event in bridge.events():
                self._note(peer, event)
        for peer in [*self._by_rid.values(), *self._bridges]:
            if peer.state is State.CONNECTING and not peer.connected:
                if now - peer.since > self.settings.hello_within:
                    self._drop(peer, f"no connection within {self.settings.hello_within:g} s")
            elif peer.waits_in_vain:
                self._abandon(peer, now)

    def _refuses_routers(self, peer: Peer, event: PeerEvent) -> bool:
        ended = event.transition in (Transition.LOST, Transition.HANDSHAKE_FAILED)
        return ended and peer.state is State.CONNECTING and not peer.connected

    def _note(self, peer: Peer, event: PeerEvent) -> None:
        if peer.state is not State.IDLE and event.transition is Transition.CONNECTED:
            peer.connected = True
        else:
            self._drop(peer, event.transition.value)
