"""Calls to many servers over one ROUTER socket, from any number of threads.

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
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import zmq

from zmqjsonproxy import wirejson
from zmqjsonproxy.errors import (
    CallTimeoutError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RemoteError,
)
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.sockmon import SocketMonitor, Transition

__all__ = ["CallRequest", "CallResult", "Hub", "HubSettings", "InterfaceDescription", "MethodDescription"]

_SLICE_MS = 50
"""How long the leader waits at most before it looks at socket events, ms."""


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
class MethodDescription:
    """What a server says of one method; old servers know name and doc only."""

    name: str
    doc: str | None = None
    signature: str = "(*args, **kwargs)"
    kind: str = "command"


@dataclass(frozen=True, slots=True)
class InterfaceDescription:
    """What a server says of one object.

    Attributes:
        native: The server speaks JSON-RPC; False: one of the original's generation.
        methods: Method name -> description.
        instance: Identity of the server process; empty for old servers.
        fingerprint: Changes with the interface; empty for old servers.
        objects: Names of all exposed objects; empty for old servers.
        generation: Connections made to this address so far.
    """

    native: bool
    methods: Mapping[str, MethodDescription]
    instance: str = ""
    fingerprint: str = ""
    objects: tuple[str, ...] = ()
    generation: int = 0


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


class _Pending:
    """A call on its way."""

    __slots__ = ("begun", "deadline", "done", "encode", "ended", "error", "hello", "label", "number", "peer", "value")

    def __init__(
        self, peer: _Peer, label: str, encode: Callable[[bool, int], bytes], begun: float, deadline: float
    ) -> None:
        self.peer, self.label, self.encode = peer, label, encode
        self.begun, self.deadline, self.ended = begun, deadline, begun
        self.number = 0
        self.done = False
        self.hello: str | None = None
        self.value: Any = None
        self.error: ProxyError | None = None


class _Peer:
    """A server, seen from here."""

    __slots__ = (
        "connected", "connecting_since", "current", "generation", "hello_name", "instance", "native", "pause",
        "pending", "reason", "retry_at", "rid", "state", "url", "waiting",
    )  # fmt: skip

    def __init__(self, url: str, retry_first: float) -> None:
        self.url = url
        self.rid = b""
        self.state = "idle"  # idle, connecting, ready
        self.native = False
        self.connected = False
        self.connecting_since = 0.0
        self.instance = ""
        self.generation = 0
        self.hello_name: str | None = None
        self.waiting: deque[_Pending] = deque()
        self.current: _Pending | None = None  # the only outstanding call of an old server
        self.pending: dict[int, _Pending] = {}
        self.retry_at = 0.0
        self.pause = retry_first
        self.reason = ""


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
        router.set(zmq.RECONNECT_IVL, -1)
        router.set(zmq.CONNECT_TIMEOUT, int(1000 * self.settings.hello_within))
        if self.settings.heartbeat_every > 0:
            router.set(zmq.HEARTBEAT_IVL, int(1000 * self.settings.heartbeat_every))
            router.set(zmq.HEARTBEAT_TIMEOUT, int(1000 * self.settings.heartbeat_timeout))
        self._rcvtimeo = _SLICE_MS
        router.rcvtimeo = _SLICE_MS
        token = os.urandom(8)
        self._wake_id = b"wake" + token
        self._wake.set(zmq.IDENTITY, self._wake_id)
        inner = f"inproc://zmqjsonproxy-hub-{token.hex()}"
        router.bind(inner)
        self._wake.connect(inner)
        self._monitor = SocketMonitor(router)
        self._token = token
        self._client = f"{platform.node()}:{os.getpid()}"
        self._rids = itertools.count(1)
        self._numbers = itertools.count(1)
        self._peers: dict[str, _Peer] = {}
        self._by_rid: dict[bytes, _Peer] = {}
        self._turn = threading.Condition()
        self._leading = False
        self._followers = 0
        self._outbox: deque[_Pending] = deque()
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
        encode = _encoder(object_name, method, args, kwargs, timeout)
        pending = _Pending(self._peer(url), f"{object_name}.{method}", encode, begun, begun + timeout)
        self._finish((pending,))
        if pending.error is not None:
            raise pending.error
        return pending.value

    def call_many(self, requests: Sequence[CallRequest], timeout: float = 60.0) -> list[CallResult]:
        """Send all calls, then wait for all answers until one common deadline; raises for none of them."""
        begun = time.monotonic()
        if not requests:
            return []
        deadline = begun + timeout
        encoders: dict[tuple[str, str, int, int], Callable[[bool, int], bytes]] = {}
        pendings = []
        for r in requests:
            key = (r.object_name, r.method, id(r.args), id(r.kwargs))
            encode = encoders.get(key)
            if encode is None:
                encode = encoders[key] = _encoder(r.object_name, r.method, r.args, r.kwargs, timeout)
            pendings.append(_Pending(self._peer(r.url), f"{r.object_name}.{r.method}", encode, begun, deadline))
        self._finish(pendings)
        return [CallResult(p.value, p.error, p.ended - p.begun) for p in pendings]

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
        if not urls:
            return []
        begun = time.monotonic()
        body = original.hello(object_name, self._client)
        pendings = []
        for url in urls:
            label = f"{object_name}.list_methods"
            pending = _Pending(self._peer(url), label, lambda _n, _i: body, begun, begun + timeout)
            pending.hello = object_name
            pendings.append(pending)
        self._finish(pendings)
        return [CallResult(p.value, p.error, p.ended - p.begun) for p in pendings]

    def generation(self, url: str) -> int:
        """Return a number that grows with each new server instance met at the address; 0: none yet."""
        return self._peer(url).generation

    def is_native(self, url: str) -> bool | None:
        """Tell whether the server speaks JSON-RPC; None: not known (yet)."""
        peer = self._peer(url)
        return peer.native if peer.state == "ready" else None

    def close(self) -> None:
        """Close the socket; calls that are under way end with PeerLostError."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._wake.send(b"")
            while self._leading:
                self._turn.wait(0.1)
            for peer in list(self._peers.values()):
                self._drop(peer, "the hub was closed")
            self._turn.notify_all()
            self._monitor.close()
            self._wake.close()
            self._router.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # leading and following

    def _peer(self, url: str) -> _Peer:
        peer = self._peers.get(url)
        if peer is None:
            peer = self._peers.setdefault(url, _Peer(url, self.settings.retry_first))
        return peer

    def _finish(self, pendings: Sequence[_Pending]) -> None:
        """Bring calls to their end: in the lead, or waiting for whoever leads."""
        turn = self._turn
        with turn:
            self._outbox.extend(pendings)
            if self._leading:
                self._follow(pendings)
                if all(p.done for p in pendings):
                    return
            self._leading = True
        try:
            self._lead(pendings)
        finally:
            with turn:
                self._leading = False
                if self._followers or self._closed:
                    turn.notify_all()

    def _follow(self, pendings: Sequence[_Pending]) -> None:
        """Wait, holding the turn's lock, until all is done or there is nobody who leads."""
        if not self._closed:
            self._wake.send(b"")  # under the lock: the inner socket belongs to whoever holds it
        self._followers += 1
        try:
            deadline = max(p.deadline for p in pendings)
            while self._leading and not all(p.done for p in pendings):
                self._turn.wait(min(max(deadline - time.monotonic(), 0.001), 1.0))
                self._expire(pendings)
        finally:
            self._followers -= 1

    def _lead(self, pendings: Sequence[_Pending]) -> None:
        receive, by_rid, outbox, wake_id = self._router.recv_multipart, self._by_rid, self._outbox, self._wake_id
        now = pendings[0].begun
        if now - self._looked_at > 0.05:
            self._look_at_events(now)
        deadline = max(p.deadline for p in pendings)
        while True:
            while outbox:
                self._submit(outbox.popleft(), now)
            left = 0
            for p in pendings:
                if not p.done:
                    left += 1
            if not left:
                return
            left_ms = int(1000 * (deadline - now)) + 1
            wait_ms = _SLICE_MS if left_ms > _SLICE_MS else max(left_ms, 0)
            if wait_ms != self._rcvtimeo:
                self._rcvtimeo = self._router.rcvtimeo = wait_ms
            try:
                while True:
                    frames = receive()
                    peer = by_rid.get(frames[0])
                    if peer is not None:
                        if self._receive(peer, frames):
                            left -= 1  # or it was another thread's call: counted again above
                            if left <= 0:
                                break
                    elif frames[0] == wake_id:
                        break
            except zmq.Again:
                pass
            now = time.monotonic()
            if now - self._looked_at > 0.04:
                self._look_at_events(now)
            if now >= deadline:
                self._expire(pendings, now)
            if self._closed:
                self._close_all(pendings)

    def _expire(self, pendings: Sequence[_Pending], now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        for p in pendings:
            if not p.done and now >= p.deadline:
                self._time_out(p)

    def _close_all(self, pendings: Sequence[_Pending]) -> None:
        for p in pendings:
            if not p.done:
                self._end(p, error=PeerLostError(p.peer.url, p.label, "the hub was closed"))

    # peers

    def _submit(self, p: _Pending, now: float) -> None:
        peer = p.peer
        if p.done:
            return
        if peer.state == "ready":
            self._transmit(peer, p)
            return
        if peer.state == "idle":
            if now < peer.retry_at:
                self._end(p, error=PeerLostError(peer.url, p.label, peer.reason))
                return
            if not self._connect(peer, p, now):
                return
        peer.waiting.append(p)

    def _connect(self, peer: _Peer, p: _Pending, now: float) -> bool:
        rid = self._token + next(self._rids).to_bytes(8, "big")
        try:
            self._router.set(zmq.CONNECT_ROUTING_ID, rid)
            self._router.connect(peer.url)
        except zmq.ZMQError as error:
            self._end(p, error=PeerLostError(peer.url, p.label, f"no address to connect to: {error}"))
            return False
        peer.rid, peer.state, peer.connected, peer.connecting_since = rid, "connecting", False, now
        self._by_rid[rid] = peer
        name = p.hello if p.hello is not None else p.label.rpartition(".")[0]
        peer.hello_name = name
        self._router.send_multipart([rid, b"", original.hello(name, self._client)])
        return True

    def _transmit(self, peer: _Peer, p: _Pending) -> None:
        if p.hello is not None or not peer.native:
            # One at a time: neither has a number to be told apart by.
            if peer.current is not None:
                peer.waiting.append(p)
                return
            peer.current = p
        try:
            p.number = next(self._numbers)
            body = p.encode(peer.native, p.number)
        except (TypeError, ValueError, RecursionError) as error:
            if peer.current is p:
                peer.current = None
            self._end(p, error=ProtocolError(f"{p.label}: the arguments cannot travel as JSON: {error}"))
            return
        if peer.current is not p:
            peer.pending[p.number] = p
        try:
            self._router.send_multipart([peer.rid, b"", body])
        except zmq.ZMQError as error:
            self._drop(peer, str(error))

    def _receive(self, peer: _Peer, frames: list[bytes]) -> bool:
        """Take a message of a server; whether a call ended."""
        try:
            message = wirejson.loads(frames[-1])
        except (ValueError, RecursionError) as error:
            self._drop(peer, f"it sent no JSON: {error}")
            return True
        if peer.state == "connecting":
            return self._welcome(peer, message)
        if peer.native and type(message) is dict:
            number = message.get("id")
            if number is not None:
                p = peer.pending.pop(number, None)
                if p is None:
                    return False  # a late answer
                if "error" in message:
                    self._end(p, error=jsonrpc.error_from(message["error"], peer=peer.url, method=p.label))
                else:
                    self._end(p, value=message.get("result"))
                return True
        current, peer.current = peer.current, None
        if current is None:
            return False
        if current.hello is not None:
            self._end_hello(peer, current, message)
        elif original.is_failure(message):
            type_, text, *trace = [*message["EXCEPTION"], "", ""][:3]
            entries = trace[0] if trace and isinstance(trace[0], list) else []
            self._end(current, error=RemoteError(str(type_), str(text), [str(e) for e in entries], peer=peer.url))
        else:
            self._end(current, value=message)
        if peer.waiting:
            waiting, peer.waiting = peer.waiting, deque()
            for p in waiting:
                if not p.done:
                    self._transmit(peer, p)
        return True

    def _welcome(self, peer: _Peer, message: Any) -> bool:
        """Take the answer to the first hello: it shows the server's dialect."""
        peer.native = isinstance(message, dict) and ("dealer" in message or "jsonrpc" in message)
        peer.state, peer.pause, peer.current = "ready", self.settings.retry_first, None
        instance = str(message.get("instance", "")) if isinstance(message, dict) else ""
        if not peer.instance or instance != peer.instance:
            peer.generation += 1
        peer.instance = instance or f"old-{peer.generation}"
        waiting, peer.waiting = peer.waiting, deque()
        ended = False
        for p in waiting:
            if p.done:
                continue
            if p.hello is not None and p.hello == peer.hello_name:
                self._end_hello(peer, p, message)
                ended = True
            else:
                self._transmit(peer, p)
        return ended

    def _end_hello(self, peer: _Peer, p: _Pending, message: Any) -> None:
        value = _description(message, peer)
        if isinstance(value, ProxyError):
            self._end(p, error=value)
        else:
            self._end(p, value=value)

    def _end(self, p: _Pending, *, value: Any = None, error: ProxyError | None = None) -> None:
        p.value, p.error, p.ended = value, error, time.monotonic()
        p.done = True
        if self._followers:
            with self._turn:
                self._turn.notify_all()

    def _time_out(self, p: _Pending) -> None:
        """End a call whose time is over; in the lead or not (then only what is its own is touched)."""
        peer = p.peer
        peer.pending.pop(p.number, None)
        if peer.state == "connecting" and not peer.connected:
            self._end(p, error=PeerLostError(peer.url, p.label, "no connection could be made"))
        else:
            self._end(p, error=CallTimeoutError(peer.url, p.label, p.deadline - p.begun))

    def _drop(self, peer: _Peer, reason: str) -> None:
        """Give a connection up, with all that was sent over it and not answered."""
        if peer.state == "idle":
            return
        self._by_rid.pop(peer.rid, None)
        with contextlib.suppress(zmq.ZMQError):
            self._router.disconnect(peer.url)
        peer.state, peer.reason, peer.rid = "idle", reason, b""
        peer.retry_at = time.monotonic() + peer.pause * random.uniform(0.5, 1.0)
        peer.pause = min(2 * peer.pause, self.settings.retry_most)
        ended = [*peer.pending.values(), *peer.waiting]
        if peer.current is not None:
            ended.append(peer.current)
        peer.pending.clear()
        peer.waiting.clear()
        peer.current = None
        for p in ended:
            if not p.done:
                self._end(p, error=PeerLostError(peer.url, p.label, reason))

    def _look_at_events(self, now: float) -> None:
        self._looked_at = now
        for event in self._monitor.read():
            for peer in self._peers.values():
                if peer.state == "idle" or peer.url != event.endpoint:
                    continue
                if event.transition is Transition.CONNECTED:
                    peer.connected = True
                else:
                    self._drop(peer, event.transition.value)
        for peer in list(self._by_rid.values()):
            if peer.state == "connecting" and not peer.connected:
                if now - peer.connecting_since > self.settings.hello_within:
                    self._drop(peer, f"no connection within {self.settings.hello_within:g} s")
            elif peer.current is not None and peer.current.done and not peer.native:
                # The old server still works on a call that nobody waits for: its answer would be taken for the next.
                self._drop(peer, "the last call ran out of time")
                peer.retry_at = 0.0


def _encoder(
    name: str, method: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None, timeout: float
) -> Callable[[bool, int], bytes]:
    """Return what makes the bytes of a call, for either dialect and any request number."""
    head = tail = b""

    def encode(native: bool, number: int) -> bytes:
        nonlocal head, tail
        if not native:
            return original.request(name, method, args, kwargs)
        if not head:
            extra: dict[str, Any] = {"deadline_s": timeout}
            if args and kwargs:
                params: Any = {"args": list(args), "kwargs": dict(kwargs)}
                extra["params"] = "mixed"
            else:
                params = dict(kwargs) if kwargs else list(args)
            tail = b',"params":' + wirejson.dumps(params) + b',"dealer":' + wirejson.dumps(extra) + b"}"
            head = b'{"jsonrpc":"2.0","method":' + wirejson.dumps(f"{name}.{method}") + b',"id":'
        return b"%b%d%b" % (head, number, tail)

    return encode


def _description(message: Any, peer: _Peer) -> InterfaceDescription | ProxyError:
    if isinstance(message, list):
        if len(message) == 2 and message[0] == "Interface error":
            return RemoteError("KeyError", f"no such interface: {message[1]}", peer=peer.url)
        methods = {
            str(m[0]): MethodDescription(str(m[0]), m[1]) for m in message if isinstance(m, list) and len(m) == 2
        }
        return InterfaceDescription(False, methods, generation=peer.generation)
    if isinstance(message, dict) and "error" in message:
        return jsonrpc.error_from(message["error"], peer=peer.url)
    if isinstance(message, dict) and isinstance(message.get("methods"), list):
        described = (
            MethodDescription(str(m["name"]), m.get("doc"), str(m.get("signature", "")), str(m.get("kind", "")))
            for m in message["methods"]
        )
        return InterfaceDescription(
            True, {m.name: m for m in described}, str(message.get("instance", "")), str(message.get("fingerprint", "")),
            tuple(message.get("objects", ())), peer.generation,
        )  # fmt: skip
    return ProtocolError(f"{peer.url}: the answer to list_methods is none: {str(message)[:200]}")
