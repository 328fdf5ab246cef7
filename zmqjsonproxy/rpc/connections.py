"""The sockets of a client core: what it wants done is done here. To be used by one thread at a
time.

One ROUTER socket for our servers, and one DEALER socket for each of the original's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import zmq

from groundwork.addresses import is_by_name, split_url
from groundwork.errors import text_of
from groundwork.planned import refusal
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import AccessError
from zmqjsonproxy.protocol.arrays import size_of
from zmqjsonproxy.protocol.transitions import Transition
from zmqjsonproxy.resolver import AsyncResolvers, NotResolvedError, Resolvers, scheme_of, unresolved
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.rpc.bridge import Bridge
from zmqjsonproxy.rpc.core import LOOK_EVERY, CallGroup, ClientCore, Do, HubSettings, Message
from zmqjsonproxy.rpc.curve import connect_plain, connect_with_keys
from zmqjsonproxy.rpc.frames import (
    FRAMES_FOLLOW,
    frame_receiver,
    readiness,
    rest_receiver,
    sender,
)
from zmqjsonproxy.rpc.peer import ConnectionState, Peer, PendingCall
from zmqjsonproxy.rpc.probe import Probe
from zmqjsonproxy.rpc.protocol import jsonrpc
from zmqjsonproxy.rpc.silence import Silence
from zmqjsonproxy.sockmon import SocketMonitor

__all__ = ["SLICE_MS", "Connections"]

log = logging.getLogger(__name__)

SLICE_MS = 50
"""How long is waited at most for a message before socket events are looked at, ms."""
_FLUSH_S = 0.5
"""Time that what was said last may take to leave a socket that is closed, s."""
_MAX_STREAMED = 100
"""Messages of a server that wait to be taken; the others wait at the server, where they are bounded
in bytes, and lost ones are counted."""
_MAX_FRAME_S = 600.0
"""Time that one frame may take, where silence is measured byte by byte, s."""
_POLLIN, _NOBLOCK = int(zmq.POLLIN), int(zmq.NOBLOCK)
_sched_yield = getattr(os, "sched_yield", None)  # not on every system


class KeysUnusableError(Exception):
    """Why the keys of this end cannot be used."""


class Connections:
    """The sockets, and the core that says what to do with them.

    Args:
        context: ZeroMQ context.
        settings: How servers are watched.
        resolvers: For URLs that are names.
        keys: Of this client; None: it calls all servers without keys.
        streams: They are for what servers send unasked. Arrays that arrive are read-only, for
            several may get the same one; a server is silent if no byte comes, where the system
            counts them.

    Attributes:
        core: The core.
        send: Sends an envelope and a body.
        wake_id: What `next_message` says after `wake`.
        has_more: Tells whether there is a message, without waiting; not of servers of the original.
    """

    _looks = 30  # how often `look` looks; about 0.1 ms where nobody else wants the processor
    _slice_ms = SLICE_MS

    def __init__(
        self,
        context: zmq.Context[Any],
        settings: HubSettings,
        resolvers: Resolvers | AsyncResolvers | None = None,
        *,
        keys: ClientKeys | None = None,
        streams: bool = False,
    ) -> None:
        self._streams, self._keys = streams, keys
        self._resolvers: Mapping[str, Callable[[str, float], Any]] = resolvers or {}
        self.core = ClientCore(settings, self._resolvers)
        self._bridges: dict[Peer, Bridge] = {}
        self._probes: dict[Peer, Probe] = {}
        # No CONNECT_TIMEOUT, which ends connections that were made while the process did not run:
        # ZeroMQ looks at its timers before its sockets. The core has a limit of its own.
        self._options = {int(zmq.RECONNECT_IVL): -1}
        self._silence: Silence | None = None
        if settings.heartbeat_every > 0:
            self._options[int(zmq.HEARTBEAT_IVL)] = int(1000 * settings.heartbeat_every)
            timeout = settings.heartbeat_timeout
            if streams and Silence.is_measured():
                self._silence, timeout = Silence(timeout), _MAX_FRAME_S
            self._options[int(zmq.HEARTBEAT_TIMEOUT)] = int(1000 * timeout)
        self._inner: zmq.Socket[bytes] | None = None
        self._is_closed = False
        self.open(context)

    def open(self, context: zmq.Context[Any]) -> None:
        """Make the sockets."""
        self._context = context
        self._router: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        router = self._router
        router.linger = 0
        router.sndhwm, router.rcvhwm = 0, _MAX_STREAMED if self._streams else 0
        router.set(zmq.ROUTER_MANDATORY, 1)
        for option, value in self._options.items():
            router.set(option, value)
        self._timeout_ms = router.rcvtimeo = self._slice_ms
        self._monitor = SocketMonitor(router)
        self._monitor_state: Callable[[], Any] = partial(self._monitor.socket.get, zmq.EVENTS)
        self._receive_frame, self.send = frame_receiver(router), sender(router)
        self._receive_rest = rest_receiver(router, read_only=self._streams)
        self.has_more = readiness(router)
        token = os.urandom(8)
        self.core.open(own_name(), token)
        self.wake_id = b"wake" + token
        inner: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        inner.linger = 0
        inner.set(zmq.IDENTITY, self.wake_id)
        inner_url = f"inproc://zmqjsonproxy-hub-{token.hex()}"
        router.bind(inner_url)
        inner.connect(inner_url)
        self._inner = inner  # last: other threads may send on it

    def leave_to_parent(self) -> None:
        """Forget all connections and sockets, in a child of the process that has them; `open` makes
        others."""
        # not to be closed here
        mine = dict(self._bridges), dict(self._probes)
        self._parents = (self._router, self._inner, self._monitor, *mine)
        self._inner = None
        self._bridges.clear()
        self._probes.clear()
        why = "the process was forked, and the call is its parent's"
        self.core.forget_all(why, time.monotonic())

    def close(self, reason: str) -> None:
        """Give all connections up, withdraw what was sent over them and waits, and close the
        sockets."""
        now, self._is_closed = time.monotonic(), True
        self.core.withdraw_all(now)
        self.carry_out(now)
        if now - self.core.withdrew_at < _FLUSH_S:  # who was interrupted ends at once
            self._router.linger = int(1000 * _FLUSH_S)
        for peer in list(self.core.peers.values()):
            self.core.drop(peer, reason, now)
        self.carry_out(now)
        self._monitor.close()
        if self._inner is not None:
            self._inner.close()
        self._router.close()

    def wake(self) -> None:
        """End the wait of whoever waits in `next_message`; the one method for other threads, of
        which one at a time."""
        inner = self._inner
        if inner is not None:  # else they are being made, and nobody waits yet
            # Where there is no room that thread will not wait; but who waits for room may be a
            # finaliser in that very thread.
            with contextlib.suppress(zmq.Again):
                inner.send(b"", zmq.NOBLOCK)

    # messages

    def next_message(self, flags: int = 0) -> Message:
        """Receive a message; zmq.Again: none came in time, or with zmq.NOBLOCK: there is none.

        Returns:
            The sender and the body. Without a sender it was a wake-up, or from a connection that
            was given up; then the routing id stands for the body.
        """
        receive = self._receive_frame
        rid = receive(flags)
        peer = self.core.by_rid.get(rid)
        if peer is None:
            while self._router.get(zmq.RCVMORE):
                receive()
            return None, rid
        # No look whether more follows: it costs as much as the frame, and what does is found to be
        # no routing id above.
        body = receive()
        if body and body[0] != FRAMES_FOLLOW:
            return peer, body
        if not body and self._router.get(zmq.RCVMORE):  # the envelope of a REQ socket
            body = receive()
        if body and body[0] == FRAMES_FOLLOW:
            body = self._receive_rest(body)
        return peer, body

    def take(self, peer: Peer, body: bytes) -> float:
        """Take a message of a server; the time."""
        now, core = time.monotonic(), self.core
        core.receive(peer, body, now)
        if core.actions:
            self.carry_out(now)
        return now

    def look(self) -> Message | None:
        """Look for a message for a moment without sleep, leaving the processor to others who work;
        None: none came.

        ZeroMQ's thread sends the faster for it, and to be woken costs more than most servers need
        for their answer. On one processor it is there at the first look, most of the times.
        """
        if _sched_yield is not None:
            for _ in range(self._looks):
                _sched_yield()
                try:
                    return self.next_message(_NOBLOCK)
                except zmq.Again:
                    pass
        return None

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

    # calls

    def ask(self, group: CallGroup) -> None:
        """Send what a group asks, and take results as long as nothing but them arrives, which costs
        half; what has no result then is pending. No effect once this is closed."""
        if self._is_closed:
            return
        if group.begun - self.core.looked_at > LOOK_EVERY:
            self.look_at_events(group.begun)
        try:
            try:
                if len(group.peers) == 1:
                    self._ask_one(group)
                else:
                    self._ask_several(group)
                if not group.left:
                    return
            except (LookupError, TypeError, ValueError, RecursionError, zmq.ZMQError):
                pass  # whatever it is, it is found out as always
            self.submit(group.make_pending(), time.monotonic())
            source, body = group.came
            if source is not None:
                self.take(source, body)
        except BaseException:  # Ctrl-C: nobody will have the results
            self.core.withdraw_group(group, time.monotonic())
            self.mend()
            raise

    def _ask_one(self, group: CallGroup) -> None:
        peer, what = group.peers[0], group.whats[0]
        if not peer.is_ours:
            return
        group.first = number = self.core.take_numbers(what.count)
        request = what.native(number, peer.arrays, peer.members)
        if size_of(request) > peer.most_bytes:
            return
        self.send(peer.envelope, request)
        group.sent = 1
        group.came = source, body = self.look() or self.next_message()
        if source is peer:
            group.plain = what.plain(jsonrpc.read_reply(body), number)
            if group.plain is not None:
                group.left, group.ended = 0, time.monotonic()

    def _ask_several(self, group: CallGroup) -> None:
        core, clock = self.core, time.monotonic
        if self._bridges or not (bodies := core.open_short_way(group)):
            return
        if self._timeout_ms != self._slice_ms:
            self.set_wait(self._slice_ms)
        send = self.send
        for peer, body in zip(group.peers, bodies, strict=True):
            send(peer.envelope, body)
            group.sent += 1
        while True:
            end = min(group.deadline, core.looked_at + LOOK_EVERY)
            group.collect(self.next_message, clock, end)
            if not group.left or clock() >= group.deadline:
                return
            if self._monitor_state() & _POLLIN or not core.is_settled:
                return  # there is more to be looked at
            core.looked_at = clock()

    def send_call(self, call: PendingCall) -> bool:
        """Send a call that was just made, if its server is there and takes it; False: it is to be
        submitted, and whatever is the matter is found out as always."""
        peer, core = call.peer, self.core
        if not peer.is_ours or core.actions or call.deadline <= call.begun:
            return False
        number = core.take_numbers(1)
        try:
            body = call.what.native(number, peer.arrays, peer.members)
            size = len(body) if type(body) is bytes else size_of(body)
            if size > peer.most_bytes:
                return False
            peer.expect(call, number)
            self.send(peer.envelope, body)
        except Exception:
            peer.forget(call)
            call.number = 0
            return False
        return True

    def submit(self, calls: Iterable[PendingCall], now: float) -> None:
        """Send calls, as soon as their servers can take them; withdraw those that have ended."""
        for call in calls:
            self.core.submit(call, now)
        self.carry_out(now)

    # connections

    def look_at_events(self, now: float) -> None:
        """Act on what has happened to connections; to be called every `LOOK_EVERY` while calls are
        open."""
        for event in self._monitor.read() if self._monitor_state() & _POLLIN else ():
            self.core.socket_event(event.endpoint, event.transition, now)
        for peer, bridge in list(self._bridges.items()):
            for event in bridge.events():
                self.core.peer_event(peer, event.transition, now)
        for peer, probe in list(self._probes.items()):
            if (mechanism := probe.look(now)) is not None:
                self._end_probe(peer)
                self.core.probed(peer, mechanism, now)
        if self._silence is not None:
            self._end_silent(self._silence.look(self._monitor.descriptors, now), now)
        self.core.tick(now)
        if self.core.actions:
            self.carry_out(now)

    def _end_silent(self, silent: Mapping[str, int], now: float) -> None:
        """Give up connections over which nothing comes."""
        if not silent:
            return
        for event in self._monitor.read():  # who ended since: its descriptor may be another's
            self.core.socket_event(event.endpoint, event.transition, now)
        known = self._monitor.descriptors
        for peer in list(self.core.by_rid.values()):
            descriptor = silent.get(peer.address)
            if peer.connected and descriptor is not None and known.get(peer.address) == descriptor:
                self.core.peer_event(peer, Transition.LOST, now)

    def mend(self) -> None:
        """Connect anew where Ctrl-C may have kept a hello, or its answer, from getting anywhere."""
        now = time.monotonic()
        self.core.mend(now)
        self.carry_out(now)

    def carry_out(self, now: float) -> None:
        """Do what the core wants done."""
        core = self.core
        while core.actions:
            do, peer, what, call = core.actions.popleft()
            if not isinstance(what, bytes):
                self._change(do, peer, what, now)
            elif call is None or not call.done:
                try:
                    if self._bridges and peer in self._bridges:
                        self._bridges[peer].send(what)
                    else:
                        self.send(peer.envelope, what)
                except zmq.ZMQError:  # without a call, socket events tell what is the matter
                    if call is not None:
                        core.unsent(call, now)

    def _change(self, do: Do, peer: Peer, what: str, now: float) -> None:
        # No table of methods: it would keep the sockets of a hub that nobody closes.
        if do is Do.RESOLVE:
            self._resolve(peer, what, now)
        elif do is Do.CONNECT:
            self._connect(peer, what, now)
        elif do is Do.BRIDGE:
            self._bridge(peer, what, now)
        elif do is Do.PROBE:
            self._probe(peer, what, now)
        elif do is Do.DISCONNECT:
            self._disconnect(peer, what)
        else:
            log.warning("%s", what)

    def _connect(self, peer: Peer, address: str, now: float) -> None:
        for event in self._monitor.read():
            if event.endpoint != address:  # else it is of an earlier connection
                self.core.socket_event(event.endpoint, event.transition, now)
        if why := refusal(f"connect to {peer.url}"):
            self.core.drop(peer, why, now)
            return
        try:
            if address.startswith("tcp://"):  # ZeroMQ takes 99999 for 34463
                split_url(address)
            if self._keys is not None:
                peer.public = self._take_keys(self._keys, address)
            self._monitor.begin(address)
            self._router.set(zmq.CONNECT_ROUTING_ID, peer.rid)
            self._router.set(zmq.IPV6, _is_by_ipv6(peer, address))
            self._router.connect(address)
        except (zmq.ZMQError, ValueError) as error:
            self.core.drop(peer, f"no address to connect to: {error}", now)
        except KeysUnusableError as error:
            self.core.drop(peer, str(error), now, AccessError)

    def _take_keys(self, keys: ClientKeys, address: str) -> str:
        """Let the next connect use keys, or none; the public key of this end, empty: none.

        Raises:
            KeysUnusableError: They cannot be used.
        """
        try:
            server = keys.for_server(address)
            if server is None:
                connect_plain(self._router)
                return ""
            pair = keys.pair
            connect_with_keys(self._router, pair, server)
        except Exception as error:  # whoever reads keys is anybody's code
            text = f"the keys of this client cannot be used: {text_of(error)}"
            raise KeysUnusableError(text) from error
        return pair.public

    def _probe(self, peer: Peer, address: str, now: float) -> None:
        """Ask for the greeting of a server."""
        try:
            by_ipv6 = _is_by_ipv6(peer, address)
            self._probes[peer] = Probe(self._context, address, now, by_ipv6=by_ipv6)
        except zmq.ZMQError as error:  # no sockets left
            self.core.drop(peer, str(error), now)

    def _end_probe(self, peer: Peer) -> None:
        probe = self._probes.pop(peer, None)
        if probe is not None:
            probe.close()

    def _bridge(self, peer: Peer, address: str, now: float) -> None:
        """Connect to a server that takes no ROUTER."""
        options = {**self._options, int(zmq.IPV6): int(_is_by_ipv6(peer, address))}
        try:
            self._bridges[peer] = Bridge(self._context, address, options)
        except zmq.ZMQError as error:  # no sockets left
            self.core.drop(peer, str(error), now)

    def _disconnect(self, peer: Peer, address: str) -> None:
        self._end_probe(peer)
        bridge = self._bridges.pop(peer, None)
        if bridge is not None:
            bridge.close()
            return
        self._monitor.end(address)
        with contextlib.suppress(zmq.ZMQError):
            while self._router.get(zmq.RCVMORE):  # libzmq aborts the process else
                self._receive_frame()
            self._router.disconnect(address)

    def prepare(self, call: PendingCall) -> None:
        """Do what runs anybody's code for a call in the thread of its caller, before another one
        submits it."""
        now, peer = time.monotonic(), call.peer
        call.settle(now)
        if not call.done and peer.state is ConnectionState.IDLE and now >= peer.retry_at:
            try:
                call.address = self._address(peer.url, self.core.locate_within(call, now))
            except NotResolvedError as error:
                call.lose(str(error), now)

    def _resolve(self, peer: Peer, url: str, now: float) -> None:
        """Find out where a server is, and tell the core."""
        try:
            within = self.core.locate_within(peer.waiting[0], now)
            self.core.resolved(peer, self._address(url, within), time.monotonic())
        except NotResolvedError as error:
            self.core.drop(peer, str(error), time.monotonic())

    def _address(self, url: str, within: float) -> str:
        """Return where a server is.

        Raises:
            NotResolvedError: That is not known, or whoever should know it failed.
        """
        locate = self._resolvers.get(scheme_of(url))
        try:
            address: str = url if locate is None else locate(url, within)
        except NotResolvedError:
            raise
        except Exception as error:
            raise NotResolvedError(unresolved(error)) from error
        return address


def _is_by_ipv6(peer: Peer, address: str) -> bool:
    return "[" in address or (peer.by_ipv6 and is_by_name(address))
