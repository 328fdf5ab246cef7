"""The sockets to all servers: connecting, sending, receiving, and losing them. To be used by one
thread at a time.

Servers of the original's generation are REP sockets, which talk to no ROUTER: each gets a DEALER
socket of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import zmq

from groundwork.addresses import is_by_name, split_url
from groundwork.planned import refusal
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import PeerLostError
from zmqjsonproxy.locating import Locators, NotLocatedError, scheme_of, unlocated
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.rpc.bridge import Bridge
from zmqjsonproxy.rpc.frames import frame_receiver, rest_receiver, sender
from zmqjsonproxy.rpc.peer import Call, CallResult, Peer, Pending, State
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.sockmon import PeerEvent, SocketMonitor, Transition

__all__ = ["LOOK_EVERY", "SLICE_MS", "Connections", "HubSettings"]

SLICE_MS = 50
"""How long is waited at most for a message before socket events are looked at, ms."""
LOOK_EVERY = 0.04
"""How often they are looked at while messages come, s."""
_FLUSH_S = 0.5
"""Time that what was said last may take to leave a socket that is closed, s."""
_POLLIN = int(zmq.POLLIN)
_sched_yield = getattr(os, "sched_yield", None)  # not on every system


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """How servers are watched.

    Attributes:
        heartbeat_every: s; 0 switches heartbeats off.
        heartbeat_timeout: A server that is silent for so long is lost, s.
        hello_within: A server that cannot be connected to within this time is not there, s.
        retry_first: Pause after a failed connection, s; doubles up to `retry_most`, and is
            randomised. Calls within the pause fail at once.
        retry_most: s.
    """

    heartbeat_every: float = 0.3
    heartbeat_timeout: float = 0.65
    hello_within: float = 0.8
    retry_first: float = 0.05
    retry_most: float = 1.0


class Connections:
    """One ROUTER socket for our servers, and one DEALER socket for each of the original's.

    Args:
        context: ZeroMQ context.
        settings: How servers are watched.
        locators: For URLs that are names.

    Attributes:
        peers: URL -> server.
        numbers: Request numbers.
        client: What this end calls itself.
        send: Sends an envelope and a body.
        looked_at: When socket events were looked at last, s, monotonic.
        wake_id: What `next_message` says after `wake`.
    """

    _looks = 60  # how often `look` looks; about 0.1 ms where nobody else wants the processor

    def __init__(
        self, context: zmq.Context[Any], settings: HubSettings, locators: Locators | None = None
    ) -> None:
        self.settings, self._locators = settings, locators or {}
        self.peers: dict[str, Peer] = {}
        self._at: dict[str, Peer] = {}
        self._addresses: dict[Peer, str] = {}
        self.looked_at = 0.0
        self.numbers = itertools.count(1)
        self._rids = itertools.count(1)
        self._by_rid: dict[bytes, Peer] = {}
        self._bridges: dict[Peer, Bridge] = {}
        self._by_other: set[Peer] = set()  # those that are tried by the other kind of addresses
        self._options = {
            int(zmq.RECONNECT_IVL): -1,
            int(zmq.CONNECT_TIMEOUT): int(1000 * settings.hello_within),
        }
        if settings.heartbeat_every > 0:
            self._options[int(zmq.HEARTBEAT_IVL)] = int(1000 * settings.heartbeat_every)
            self._options[int(zmq.HEARTBEAT_TIMEOUT)] = int(1000 * settings.heartbeat_timeout)
        self._inner: zmq.Socket[bytes] | None = None
        self.open(context)

    def open(self, context: zmq.Context[Any]) -> None:
        """Make the sockets."""
        self._context, self.client = context, own_name()
        self._router: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        router = self._router
        router.linger = 0
        router.sndhwm = router.rcvhwm = 0
        router.set(zmq.ROUTER_MANDATORY, 1)
        for option, value in self._options.items():
            router.set(option, value)
        self._withdrew_at = -_FLUSH_S
        self._timeout_ms = SLICE_MS
        router.rcvtimeo = SLICE_MS
        self._monitor = SocketMonitor(router)
        self._receive_frame, self.send = frame_receiver(router), sender(router)
        self._receive_rest = rest_receiver(router)
        self._token = os.urandom(8)
        self.wake_id = b"wake" + self._token
        inner: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        inner.linger = 0
        inner.set(zmq.IDENTITY, self.wake_id)
        inner_url = f"inproc://zmqjsonproxy-hub-{self._token.hex()}"
        router.bind(inner_url)
        inner.connect(inner_url)
        self._inner = inner  # last: other threads may send on it

    def leave_to_parent(self) -> None:
        """Forget all connections and sockets, in a child of the process that has them; `open` makes
        others."""
        self._parents = (
            self._router,
            self._inner,
            self._monitor,
            dict(self._bridges),
        )  # not to be closed here
        self._inner = None
        for peer in self.peers.values():
            peer.give_up(
                "the process was forked, and the call is its parent's", time.monotonic(), 0.0, 0.0
            )
        for known in (self._by_rid, self._bridges, self._at, self._addresses):
            known.clear()

    def close(self, reason: str) -> None:
        """Give all connections up, withdraw what was sent over them and waits, and close the
        sockets."""
        for peer in list(self.peers.values()):
            for number in list(peer.numbered):
                self.withdraw(peer, number)
        if (
            time.monotonic() - self._withdrew_at < _FLUSH_S
        ):  # who was interrupted ends at once, and its words with it
            self._router.linger = int(1000 * _FLUSH_S)
        for peer in list(self.peers.values()):
            self.drop(peer, reason)
        self._monitor.close()
        if self._inner is not None:
            self._inner.close()
        self._router.close()

    def wake(self) -> None:
        """End the wait of whoever waits in `next_message`; the one method for other threads, of
        which one at a time."""
        inner = self._inner
        if inner is not None:  # else they are being made, and nobody waits yet
            inner.send(b"")

    def peer(self, url: str) -> Peer:
        """Return what is known of a server."""
        peer = self.peers.get(url)
        if peer is None:
            peer = self.peers.setdefault(url, Peer(url))
        return peer

    def take_numbers(self, count: int) -> int:
        """Take request numbers that follow each other, as a batch needs them; the first."""
        first = next(self.numbers)
        if count > 1:
            self.numbers = itertools.count(first + count)
        return first

    def next_message(self) -> tuple[Peer | None, bytes]:
        """Receive a message; zmq.Again: none came in time.

        Returns:
            The sender and the body. Without a sender it was a wake-up, or from a connection that
            was given up; then the routing id stands for the body.
        """
        receive = self._receive_frame
        rid = receive()
        peer = self._by_rid.get(rid)
        if peer is None:
            while self._router.get(zmq.RCVMORE):
                receive()
            return None, rid
        # No look whether more follows: it costs as much as the frame, and what does is found to be
        # no routing id above.
        body = receive()
        if not body and self._router.get(zmq.RCVMORE):  # the envelope of a REQ socket
            body = receive()
        if body and body[0] == 32:  # a space: frames follow
            body = self._receive_rest(body)
        return peer, body

    def submit(self, p: Pending, now: float) -> None:
        """Send a call, or keep it until its server can take it, or end it if there is none;
        withdraw what has ended."""
        peer = p.peer
        if p.done:
            if p.number:
                self.withdraw(p.peer, p.number, p.what.count, only_waiting=not p.ends_operation)
            return
        if now >= p.deadline:
            p.time_out(now)
            return
        if peer.current is not None and peer.waits_in_vain:
            self._abandon(peer, now)
        if peer.state is State.READY:
            number = self.take_numbers(p.what.count)
            body = peer.begin(p, number, now)
            if body is None or self._transmit(peer, body):
                return
            peer.take_back(p)
            self.drop(peer, Transition.LOST.value)
        if peer.state is State.IDLE:
            if now < peer.retry_at:
                p.fail(PeerLostError(peer.url, p.what.label, peer.reason), now)
                return
            if not self._connect(peer, p, now):
                return
        p.settle(now)
        if not p.done:
            peer.waiting.append(p)

    def ask_each(
        self,
        peers: Sequence[Peer],
        what: Call,
        results: list[CallResult | None],
        left: list[Pending],
        begun: float,
        until: float,
    ) -> None:
        """Make a call to many servers, and take the results as long as nothing but them arrives.

        Without the bookkeeping of a Pending for each that costs half.

        Args:
            peers: Servers.
            what: The call.
            results: Those that came are put here, in the order of `peers`.
            left: The calls that have no result yet are put here, under way or ended; for `take` and
                its like.
            begun: When the caller asked, s, monotonic.
            until: When nobody waits any more.
        """
        sent = arrived = 0
        source, body, first = None, b"", 0
        if begun - self.looked_at > LOOK_EVERY:
            self.look_at_events(begun)
        try:
            if around := self._same_for_all(peers, what):
                self.set_wait(SLICE_MS)
                before, after = around
                send, receive, read, clock = (
                    self.send,
                    self.next_message,
                    jsonrpc.read_reply,
                    time.monotonic,
                )
                count, first, end = (
                    len(peers),
                    self.take_numbers(len(peers)),
                    min(until, self.looked_at + LOOK_EVERY),
                )
                try:
                    for number, peer in enumerate(peers, first):
                        send(peer.envelope, b"%b%d%b" % (before, number, after))
                        sent += 1
                    while arrived < count:
                        source, body = receive()
                        answer, now = read(body), clock()
                        index = answer["id"] - first
                        if index < 0 or peers[index] is not source or results[index] is not None:
                            break
                        results[index] = CallResult(answer["result"], None, now - begun)
                        source, arrived = None, arrived + 1
                        if now > end:
                            if now > until or not self._is_quiet():
                                break
                            self.looked_at, end = now, min(until, now + LOOK_EVERY)
                except (LookupError, TypeError, ValueError, RecursionError, zmq.ZMQError):
                    # no result: what it is, or why it could not be sent, is found out as always
                    pass
            now = time.monotonic()
            for n, peer in enumerate(peers):
                if results[n] is None:
                    left.append(p := Pending(peer, what, begun, until))
                    if n < sent:
                        peer.expect(p, first + n)
                    else:
                        self.submit(p, now)
            if source is not None:
                self.take(source, body)
        except BaseException:  # Ctrl-C: nobody will have the results
            for number, peer in enumerate(
                peers[: sent + 1] if first else (), first
            ):  # one more may have been sent
                if results[number - first] is None or what.begins:
                    self.withdraw(peer, number)
            self.mend()
            raise

    def _same_for_all(self, peers: Sequence[Peer], what: Call) -> tuple[bytes, bytes] | None:
        """Return what is around the number of a call, if all these servers are ready for the very
        same bytes."""
        arrays, most = peers[0].arrays, min(peer.most_bytes for peer in peers)
        if self._bridges or not all(peer.is_ours and peer.arrays is arrays for peer in peers):
            return None
        try:
            before, after = what.around_id(arrays)
        except (TypeError, ValueError, RecursionError):
            return None
        return (
            None
            if isinstance(after, Framed) or len(before) + len(after) + 20 > most
            else (before, after)
        )

    def _is_quiet(self) -> bool:
        """Whether nothing has happened to connections, and none is being made."""
        return self._monitor.is_quiet and all(
            peer.state is State.READY for peer in self._by_rid.values()
        )

    def withdraw(
        self, peer: Peer, first: int, count: int = 1, *, only_waiting: bool = True
    ) -> None:
        """Expect no answer any more to calls that may have been sent, and tell a server of ours
        that nobody waits.

        Args:
            peer: The server.
            first: Number of the first call.
            count: How many there are.
            only_waiting: What has been begun goes on; False: an operation is asked to end.
        """
        for number in range(first, first + count):
            peer.numbered.pop(number, None)
            if peer.is_ours and self._transmit(peer, jsonrpc.cancel(number, only_waiting)):
                self._withdrew_at = time.monotonic()

    def _connect(self, peer: Peer, p: Pending, now: float) -> bool:
        try:
            self._connect_at(self._locate(p, now), peer, p.what.object_name, time.monotonic())
        except NotLocatedError as error:
            peer.waiting.append(p)
            self._not_located(peer, str(error))
            return False
        return True

    def prepare(self, p: Pending) -> None:
        """Do what runs anybody's code for a call in the thread of its caller, before another one
        submits it."""
        now, peer = time.monotonic(), p.peer
        p.settle(now)
        if not p.done and peer.state is State.IDLE and now >= peer.retry_at:
            try:
                p.address = self._locate(p, now)
            except NotLocatedError as error:
                p.fail(PeerLostError(peer.url, p.what.label, str(error)), now)

    def _locate(self, p: Pending, now: float) -> str:
        """Return where the server of a call is.

        Raises:
            NotLocatedError: That is not known, or whoever should know it failed.
        """
        url, locate = p.peer.url, self._locators.get(scheme_of(p.peer.url))
        known, p.address = p.address, ""
        if locate is None or known:
            return known or url
        try:
            return locate(url, max(min(self.settings.hello_within, p.deadline - now), 0.05))
        except NotLocatedError:
            raise
        except Exception as error:
            raise NotLocatedError(unlocated(error)) from error

    def _not_located(self, peer: Peer, reason: str) -> None:
        """End the calls that wait for a server that cannot be connected to."""
        peer.give_up(reason, time.monotonic(), self.settings.retry_first, self.settings.retry_most)

    def _connect_at(self, address: str, peer: Peer, hello_name: str, now: float) -> None:
        """Begin a connection; NotLocatedError: that is no address, or another server's."""
        if why := refusal(f"connect to {peer.url}"):
            raise NotLocatedError(why)
        self._read_events(
            now
        )  # those of an earlier connection are not to be taken for the new one's
        other = self._at.get(address, peer)
        if other is not peer and other.state is not State.IDLE:
            raise NotLocatedError(
                f"its address is {address}, where {other.url} is connected: two names of one server?"
            )
        if self._at.get(before := self._addresses.get(peer, "")) is peer:
            del self._at[before]
        rid = self._token + next(self._rids).to_bytes(8, "big")
        try:
            if address.startswith("tcp://"):  # ZeroMQ takes 99999 for 34463
                split_url(address)
            self._router.set(zmq.CONNECT_ROUTING_ID, rid)
            self._router.set(zmq.IPV6, self._is_by_ipv6(peer, address))
            self._router.connect(address)
        except (zmq.ZMQError, ValueError) as error:
            raise NotLocatedError(f"no address to connect to: {error}") from error
        self._addresses[peer], self._at[address] = address, peer
        self._by_rid[rid] = peer
        peer.begin_connection(rid, hello_name, now)
        # Where the connection has ended already (refused, or by a REP socket), socket events tell
        # what to do.
        with contextlib.suppress(zmq.ZMQError):
            self.send(peer.envelope, original.hello(peer.hello_name, self.client))

    def _transmit(self, peer: Peer, body: bytes) -> bool:
        """Send; False: the connection is gone, and nothing was sent."""
        try:
            if self._bridges and peer in self._bridges:
                self._bridges[peer].send(body)
            else:
                self.send(peer.envelope, body)
        except zmq.ZMQError:
            return False
        return True

    def look(self) -> bool:
        """Look for a message for a moment without sleep, leaving the processor to others who work;
        was there one?

        ZeroMQ's thread sends the faster for it, and to be woken costs more than most servers need
        for their answer.
        """
        if _sched_yield is not None:
            ask: Callable[[int], Any] = self._router.get
            events = zmq.EVENTS
            for _ in range(self._looks):
                _sched_yield()
                if ask(events) & _POLLIN:
                    return True
        return False

    def set_wait(self, wait_ms: int) -> None:
        """Set how long `next_message` waits. With servers of the original, wait here and take their
        messages."""
        if self._bridges:
            self._wait_bridged(wait_ms)
            wait_ms = 0
        if wait_ms != self._timeout_ms:  # setting it costs as much as a frame
            self._timeout_ms = self._router.rcvtimeo = wait_ms

    def _wait_bridged(self, wait_ms: int) -> None:
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        bridges = list(self._bridges.items())
        for _, bridge in bridges:
            poller.register(bridge.socket, zmq.POLLIN)
        if not poller.poll(wait_ms):
            return
        for peer, bridge in bridges:
            while self._bridges.get(peer) is bridge and (body := bridge.receive()) is not None:
                self.take(peer, body)

    def _bridge(self, peer: Peer, now: float) -> None:
        """Connect again to a server that takes no ROUTER."""
        self._disconnect(peer)
        try:
            address = self._addresses[peer]
            options = {**self._options, int(zmq.IPV6): int(self._is_by_ipv6(peer, address))}
            bridge = self._bridges[peer] = Bridge(self._context, address, options)
            peer.begin_connection(b"", peer.hello_name, now)
            bridge.send(original.hello(peer.hello_name, self.client))
        except zmq.ZMQError as error:  # no sockets left
            self.drop(peer, str(error))

    def take(self, peer: Peer, body: bytes) -> float:
        """Take a message of a server; the time."""
        now = time.monotonic()
        try:
            if peer.is_ours:
                message = jsonrpc.read_reply(body)
            else:
                message = ndarray.loads(body) if isinstance(body, Framed) else wirejson.loads(body)
        except (ValueError, RecursionError) as error:
            self.drop(peer, f"it sent what cannot be read: {error}")
            return now
        if peer.state is State.READY:
            peer.receive(message, now)
        else:
            peer.welcome(message, now)
        if peer.waiting and peer.current is None:
            waiting, peer.waiting = peer.waiting, deque()
            for p in waiting:
                self.submit(p, now)
        return now

    def drop(self, peer: Peer, reason: str) -> None:
        """Give a connection up, with all that was sent over it and not answered."""
        if peer.state is State.IDLE:
            return
        bridge = self._bridges.pop(peer, None)
        if bridge is not None:
            bridge.close()
        else:
            self._disconnect(peer)
        peer.give_up(reason, time.monotonic(), self.settings.retry_first, self.settings.retry_most)

    def _disconnect(self, peer: Peer) -> None:
        """End the connection of the ROUTER, after what is left of the last message: libzmq aborts
        the process else."""
        self._by_rid.pop(peer.rid, None)
        with contextlib.suppress(zmq.ZMQError):
            while self._router.get(zmq.RCVMORE):
                self._receive_frame()
            self._router.disconnect(self._addresses[peer])

    def mend(self) -> None:
        """Connect anew where a hello is under way: Ctrl-C may have kept it, or its answer, from
        getting anywhere."""
        for peer in [*self._by_rid.values(), *self._bridges]:
            if peer.state is State.CONNECTING:
                self._begin_anew(peer, time.monotonic(), "interrupted while it was connected")

    def _abandon(self, peer: Peer, now: float) -> None:
        """Connect anew to an old server that still works on a call nobody waits for.

        Its answer would be taken for that of the next call.
        """
        self._begin_anew(peer, now, "the last call ran out of time")

    def _begin_anew(self, peer: Peer, now: float, reason: str) -> None:
        """Give a connection up; what was not sent yet is sent over a new one."""
        unsent, peer.waiting = peer.waiting, deque()
        self.drop(peer, reason)
        peer.retry_at = 0.0
        for p in unsent:
            self.submit(p, now)

    def _read_events(self, now: float) -> None:
        for event in self._monitor.read():
            peer = self._at.get(event.endpoint)
            if peer is not None and peer.state is not State.IDLE and peer not in self._bridges:
                if self._refuses_routers(peer, event):
                    self._bridge(peer, now)
                else:
                    self._note(peer, event)

    def look_at_events(self, now: float) -> None:
        """Act on what has happened to connections; to be called every `LOOK_EVERY` while calls are
        open."""
        self.looked_at = now
        self._read_events(now)
        for peer, bridge in list(self._bridges.items()):
            for event in bridge.events():
                self._note(peer, event)
        for peer in [*self._by_rid.values(), *self._bridges]:
            if peer.state is State.CONNECTING and not peer.connected:
                if now - peer.since > self.settings.hello_within:
                    self._by_other.discard(peer)
                    self.drop(peer, f"no connection within {self.settings.hello_within:g} s")
                elif (
                    now - peer.since > self.settings.hello_within / 2
                ):  # its name may stand for no address of the kind
                    self._tries_other_addresses(peer)
            elif peer.waits_in_vain:
                self._abandon(peer, now)

    def _refuses_routers(self, peer: Peer, event: PeerEvent) -> bool:
        ended = event.transition in (Transition.LOST, Transition.HANDSHAKE_FAILED)
        return ended and peer.state is State.CONNECTING and not peer.connected

    def _note(self, peer: Peer, event: PeerEvent) -> None:
        if peer.state is not State.IDLE and event.transition is Transition.CONNECTED:
            peer.connected = True
            self._by_other.discard(peer)
        elif event.transition is not Transition.REFUSED or not self._tries_other_addresses(peer):
            self._by_other.discard(peer)
            self.drop(peer, event.transition.value)

    def _is_by_ipv6(self, peer: Peer, address: str) -> bool:
        return "[" in address or (peer.by_ipv6 and is_by_name(address))

    def _tries_other_addresses(self, peer: Peer) -> bool:
        """Connect once more, by addresses of the other kind, if there may be some: a name may stand
        for both."""
        if (
            peer.connected
            or peer in self._by_other
            or peer in self._bridges
            or not is_by_name(self._addresses[peer])
        ):
            return False
        self._by_other.add(peer)
        peer.by_ipv6, since = not peer.by_ipv6, peer.since
        self._begin_anew(peer, time.monotonic(), Transition.REFUSED.value)
        peer.since = since
        return True
