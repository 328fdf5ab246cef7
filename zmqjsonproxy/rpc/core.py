"""Client core: which server is connected how, what is sent to it when, and what ends which call.

No sockets, no threads, no clock, no chance. It is told what happens (a call to be made, a message,
a socket event, that time has passed), with the time `now` (s, monotonic), and leaves in `actions`
what is to be done about it; pending calls tell of their end themselves. A shell around it owns the
sockets.

A connection is made when it is first needed, never by ZeroMQ behind our back: what was sent to a
server that went away is dropped with the connection and cannot reach its successor. Every
connection begins with a hello that tells whether the server is one of the original's generation,
which ends on anything but its own dialect. Servers of that generation are REP sockets, which end a
connection of a ROUTER in the handshake: each gets a socket of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from operator import attrgetter
from typing import cast
from zlib import crc32

from groundwork.addresses import is_by_name
from groundwork.values import JsonObject
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.errors import AccessError, VersionMismatchError
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.protocol.transitions import Transition
from zmqjsonproxy.resolver import scheme_of
from zmqjsonproxy.rpc.callresults import CallResult
from zmqjsonproxy.rpc.calls import Call, Question
from zmqjsonproxy.rpc.peer import ConnectionState, Peer, PendingCall
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.handshakes import Mechanism, denial, unknown_key

__all__ = [
    "LOOK_EVERY",
    "Action",
    "CallGroup",
    "ClientCore",
    "Do",
    "HubSettings",
    "Message",
]

LOOK_EVERY = 0.04
"""Time between two looks at socket events while calls are open, s."""
_MAX_BYTES, _TAKES = attrgetter("most_bytes"), attrgetter("is_ours", "arrays", "members")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Watch that is kept on servers.

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


class Do(Enum):
    """Deeds of a shell about a server, with the text or bytes beside it."""

    SEND = "send these bytes"
    RESOLVE = "find the address of this URL, which is then `resolved`"
    CONNECT = "connect the shared socket to this address, with the peer's routing id"
    BRIDGE = "connect a socket of its own to this address"
    PROBE = "find out which mechanism is demanded at this address, which is then `probed`"
    DISCONNECT = "end the connection to this address"
    LOG = "say this text"


# To look one up in its enumeration takes as long as ten other steps.
_READY, _CONNECTING, _SEND = ConnectionState.READY, ConnectionState.CONNECTING, Do.SEND
_FAILED = {
    Transition.LOST,
    Transition.HANDSHAKE_FAILED,
    Transition.OTHER_MECHANISM,
    Transition.KEY_UNKNOWN,
}
"""Ends of a handshake."""


Action = tuple[Do, Peer, bytes | str, PendingCall | None]
"""Behind the text or bytes: the call that this is done for. What cannot be done is told: a call is
`unsent`, a server of which nobody knows the address, or how to connect there, is to be dropped."""


Message = tuple[Peer | None, bytes]
"""Source and body."""


class CallGroup:
    """Questions to servers, which one caller waits for until one deadline.

    As long as nothing but results arrives, calls with consecutive request numbers need no more than
    a slot for each: the short way. On anything else that happens they become pending calls, each
    with its own state.

    Args:
        peers: The servers.
        whats: What each is asked.
        begun: When the caller asked, s, monotonic.
        deadline: When nobody waits any more.

    Attributes:
        plain: The results of the one question, if they arrived so.
        ended: When they did, s, monotonic.
        first: The first request number of the short way; 0: it was not taken.
        sent: How many of its messages were sent.
        came: The message that ended it.
        results: Of each server, None if it has none yet.
        left: Servers without a result; of no meaning once there are pending calls.
        pending: The pending calls, in the order of `peers`.
    """

    __slots__ = (
        "begun",
        "came",
        "deadline",
        "ended",
        "first",
        "left",
        "peers",
        "pending",
        "plain",
        "results",
        "sent",
        "whats",
    )

    def __init__(
        self, peers: Sequence[Peer], whats: Sequence[Question], begun: float, deadline: float
    ) -> None:
        self.peers, self.whats, self.begun, self.deadline = peers, whats, begun, deadline
        self.first, self.sent, self.ended = 0, 0, begun
        self.came: Message = (None, b"")
        self.pending: Sequence[PendingCall] = ()
        self.plain: list[object] | None = None
        self.left = len(peers)
        self.results: list[CallResult | None] = [None] * self.left

    def collect(
        self, receive: Callable[[], Message], clock: Callable[[], float], end: float
    ) -> None:
        """Take results until there are all, or it is later than `end`. Whatever is raised ends the
        short way: LookupError, TypeError, ValueError, RecursionError for what is no result.

        Args:
            receive: Returns the next message.
            clock: Returns the time, s, monotonic.
            end: s, monotonic.
        """
        first, peers, results, begun = self.first, self.peers, self.results, self.begun
        left, source, body = self.left, None, b""
        try:
            while left:
                source, body = receive()
                answer, now = jsonrpc.read_reply(body), clock()
                index = answer["id"] - first
                if index < 0 or peers[index] is not source or results[index] is not None:
                    raise ValueError(index)
                results[index] = CallResult(answer["result"], None, now - begun)
                source, left = None, left - 1
                if now > end:
                    return
        finally:
            self.came, self.left = (source, body), left

    def make_pending(self) -> list[PendingCall]:
        """Make pending calls of those that have no result; return those that were not sent."""
        calls, unsent = [], []
        for n, (peer, what) in enumerate(zip(self.peers, self.whats, strict=True)):
            if self.results[n] is None:
                call = PendingCall(peer, what, self.begun, self.deadline)
                calls.append(call)
                if n < self.sent:
                    peer.expect(call, self.first + n)
                else:
                    unsent.append(call)
        self.pending = calls
        return unsent

    def unwanted(self) -> Iterator[tuple[Peer, int, int]]:
        """Yield server, first request number and count of what may be on its way by the short way,
        or began an operation, though nobody will have its result."""
        if self.first:
            what = self.whats[0]
            for n, peer in enumerate(self.peers[: self.sent + 1]):  # one more may have been sent
                if what.begins or (self.plain is None and self.results[n] is None):
                    yield peer, self.first + n, what.count

    def value(self) -> object:
        """Return the value of the one question, or raise its error."""
        if self.plain is not None:
            return self.plain[0]
        (result,) = self.all_results()
        if result.error is not None:
            raise result.error
        return result.value

    def all_results(self) -> list[CallResult]:
        """Return the result of each question, of a batch those of its calls."""
        if self.plain is not None:
            return list(map(CallResult, self.plain, repeat(None), repeat(self.ended - self.begun)))
        if not self.pending:
            return cast(list[CallResult], self.results)
        found: list[CallResult] = []
        pending = iter(self.pending)
        for result in self.results:
            if result is None:
                found += next(pending).results()
            else:
                found.append(result)
        return found


class ClientCore:
    """All servers of one client.

    Args:
        settings: How servers are watched.
        named: Schemes of URLs that are names.

    Attributes:
        peers: URL -> server.
        by_rid: Routing id -> server, of connections by the shared socket.
        actions: What is to be done, in this order.
        client: What this end calls itself.
        looked_at: When socket events were looked at last, s, monotonic.
        withdrew_at: When a server was told last that nobody waits for a call any more.
        person: Token of the key of the person for whom all calls are made; empty: for this client
            itself. To be set before the first one.
        read_notice: Decodes what it knows to decode faster than any message; None: nothing.
    """

    def __init__(self, settings: HubSettings, named: Collection[str] = ()) -> None:
        self.settings, self._named = settings, named
        self.peers: dict[str, Peer] = {}
        self.by_rid: dict[bytes, Peer] = {}
        self.actions: deque[Action] = deque()
        self.looked_at, self.withdrew_at = 0.0, float("-inf")
        self.client, self._token = "", b""
        self.person = ""
        self.read_notice: Callable[[bytes], JsonObject | None] | None = None
        self._at: dict[str, Peer] = {}
        self._next_number, self._rids = 1, 0

    def open(self, client: str, token: bytes) -> None:
        """Begin, or begin anew with other sockets.

        Args:
            client: What this end calls itself.
            token: Eight bytes that no other client has.
        """
        self.client, self._token = client, token

    def peer(self, url: str) -> Peer:
        """Return what is known of a server."""
        peer = self.peers.get(url)
        if peer is None:
            peer = self.peers.setdefault(url, Peer(url, self._tell, self.person))
        return peer

    def _tell(self, peer: Peer, text: str) -> None:
        self.actions.append((Do.LOG, peer, text, None))

    # calls

    def open_short_way(self, group: CallGroup) -> list[bytes]:
        """Return the messages of the short way to several servers; none if they are not all to get
        the very same bytes. Raises as `Call.native`."""
        what, peers = group.whats[0], group.peers
        arrays, most = peers[0].arrays, min(map(_MAX_BYTES, peers))
        members = peers[0].members
        if not isinstance(what, Call) or set(map(_TAKES, peers)) != {(True, arrays, members)}:
            return []
        if group.whats.count(what) < len(peers):
            return []
        before, after = what.around_id(arrays, members)
        if isinstance(after, Framed) or len(before) + len(after) + 20 > most:
            return []
        first = group.first = self._next_number
        self._next_number = first + len(peers)
        return [b"%b%d%b" % (before, n, after) for n in range(first, first + len(peers))]

    def take_numbers(self, count: int) -> int:
        """Take request numbers that follow each other; the first."""
        first = self._next_number
        self._next_number = first + count
        return first

    def submit(self, call: PendingCall, now: float) -> None:
        """Send a call, or keep it until its server can take it, or end it if there is none;
        withdraw what has ended."""
        peer = call.peer
        if call.done:
            if call.number:
                only_waiting = not call.ends_operation
                self.withdraw(peer, call.number, call.what.count, now, only_waiting=only_waiting)
            return
        if now >= call.deadline:
            call.time_out(now)
            return
        if peer.current is not None and peer.waits_in_vain:
            self._abandon(peer, now)
        if peer.is_outdated and not (peer.numbered or peer.current):
            self._begin_anew(peer, now, "the key of this client is not valid any more")
        if peer.state is _READY:
            body = peer.begin(call, self.take_numbers(call.what.count), now)
            if body is not None:
                self.actions.append((_SEND, peer, body, call))
            return
        if peer.state is ConnectionState.IDLE and now < peer.retry_at:
            call.lose(peer.reason, now)
            return
        call.settle(now)
        if not call.done:
            peer.waiting.append(call)
            if peer.state is ConnectionState.IDLE:
                self._begin(peer, call, now)

    def unsent(self, call: PendingCall, now: float) -> None:
        """Take note that a call could not be sent, for the connection is gone: it waits for the
        next one."""
        peer = call.peer
        calls = [call, *(c for _, p, _, c in self.actions if c is not None and p is peer)]
        for each in calls:
            peer.forget(each)
        self.drop(peer, Transition.LOST.value, now)
        for each in calls:
            self.submit(each, now)

    def withdraw(
        self, peer: Peer, first: int, count: int, now: float, *, only_waiting: bool = True
    ) -> None:
        """Expect no answer any more to calls that may have been sent, and tell a server of ours
        that nobody waits.

        Args:
            peer: The server.
            first: Number of the first call.
            count: How many there are.
            now: s.
            only_waiting: What has been begun goes on; False: an operation is asked to end.
        """
        for number in range(first, first + count):
            peer.numbered.pop(number, None)
            if peer.is_ours:
                body = jsonrpc.cancel(number, only_waiting)
                self.actions.append((Do.SEND, peer, body, None))
                self.withdrew_at = now

    def withdraw_group(self, group: CallGroup, now: float) -> None:
        """Withdraw what a group has on its way, and what it began."""
        for peer, first, count in group.unwanted():
            self.withdraw(peer, first, count, now)

    def receive(self, peer: Peer, body: bytes, now: float) -> None:
        """Take a message of a server."""
        try:
            if peer.is_ours:
                read = self.read_notice
                message = (read and read(body)) or jsonrpc.read_reply(body)
            else:
                message = ndarray.loads(body) if isinstance(body, Framed) else wirejson.loads(body)
        except (ValueError, RecursionError) as error:
            self.drop(peer, f"it sent what cannot be read: {error}", now)
            return
        if peer.state is _READY:
            peer.receive(message, now)
        else:
            try:
                peer.welcome(message, now)
            except VersionMismatchError as error:
                self.drop(peer, error.text, now, VersionMismatchError)
        if peer.waiting and peer.current is None:
            waiting, peer.waiting = peer.waiting, deque()
            for call in waiting:
                self.submit(call, now)

    # connections

    def _begin(self, peer: Peer, call: PendingCall, now: float) -> None:
        peer.hello_name, peer.tries_other = call.what.object_name, False
        if call.address or scheme_of(peer.url) not in self._named:
            self._connect(peer, call.address or peer.url, now)
        else:
            peer.state = ConnectionState.RESOLVING
            self.actions.append((Do.RESOLVE, peer, peer.url, None))
        call.address = ""  # it may be another one the next time

    def locate_within(self, call: PendingCall, now: float) -> float:
        """Return how long it may take to find the address of a server for a call, s."""
        return max(min(self.settings.hello_within, call.deadline - now), 0.05)

    def resolved(self, peer: Peer, address: str, now: float) -> None:
        """Take note of where a server is that was looked for."""
        if peer.state is ConnectionState.RESOLVING:
            self._connect(peer, address, now)

    def _connect(self, peer: Peer, address: str, now: float) -> None:
        other = self._at.get(address, peer)
        if other is not peer and other.state is not ConnectionState.IDLE:
            reason = f"its address is {address}, where {other.url} is connected: two names of one server?"
            self._give_up(peer, reason, now)
            return
        if self._at.get(peer.address) is peer:
            del self._at[peer.address]
        self._at[address], peer.address = peer, address
        self._rids += 1
        rid = self._token + self._rids.to_bytes(8, "big")
        self.by_rid[rid] = peer
        self._say_hello(peer, Do.CONNECT, rid, now)

    def _say_hello(self, peer: Peer, do: Do, rid: bytes, now: float) -> None:
        peer.begin_connection(rid, now)
        peer.set_members(run=self._token.hex())
        hello = original.hello(peer.hello_name, self.client)
        self.actions += [(do, peer, peer.address, None), (Do.SEND, peer, hello, None)]

    def drop(
        self, peer: Peer, reason: str, now: float, denied: type[AccessError] | None = None
    ) -> None:
        """Give up a connection, or the attempt to make one, with the calls that were sent over it
        or wait for it; `denied`: the error that this is, where keys are in the way."""
        if peer.state is not ConnectionState.IDLE:
            self._disconnect(peer)
            self._give_up(peer, reason, now, denied)

    def _give_up(
        self, peer: Peer, reason: str, now: float, denied: type[AccessError] | None = None
    ) -> None:
        if peer.state is ConnectionState.READY:
            peer.retry_at = 0.0  # it was there: it may be back
        else:
            pause = peer.pause or self.settings.retry_first
            of_many = crc32(b"%b%b%r" % (self._token, peer.url.encode(), pause)) / 2**32
            peer.retry_at = now + pause * (0.5 + 0.5 * of_many)  # not all clients at once
            peer.pause = min(2 * pause, self.settings.retry_most)
        peer.give_up(reason, now, denied)

    def _disconnect(self, peer: Peer) -> None:
        """End the connection, and leave undone what was still to be done over it."""
        stay = (Do.DISCONNECT, Do.LOG)
        self.actions = deque(a for a in self.actions if a[1] is not peer or a[0] in stay)
        if peer.state is not ConnectionState.RESOLVING:
            self.by_rid.pop(peer.rid, None)
            self.actions.append((Do.DISCONNECT, peer, peer.address, None))

    def withdraw_all(self, now: float) -> None:
        """Tell all servers of ours that nobody waits any more."""
        for peer in list(self.peers.values()):
            for number in list(peer.numbered):
                self.withdraw(peer, number, 1, now)

    def forget_all(self, reason: str, now: float) -> None:
        """Forget all connections without a word to anybody: they are another process's."""
        for peer in self.peers.values():
            peer.give_up(reason, now)
            peer.retry_at = 0.0
            peer.set_members(control="")  # of the other process, too
        for known in (self.by_rid, self._at, self.actions):
            known.clear()

    def mend(self, now: float) -> None:
        """Connect anew where a hello is under way: an interruption may have kept it, or its answer,
        from getting anywhere."""
        for peer in list(self.peers.values()):
            if peer.state is ConnectionState.CONNECTING:
                self._begin_anew(peer, now, "interrupted while it was connected")
            elif peer.state in (ConnectionState.RESOLVING, ConnectionState.PROBING):
                self.drop(peer, "interrupted while its address was looked for", now)
                peer.retry_at = 0.0

    def _abandon(self, peer: Peer, now: float) -> None:
        """Connect anew to an old server that still works on a call nobody waits for.

        Its answer would be taken for that of the next call.
        """
        self._begin_anew(peer, now, "the last call ran out of time")

    def _begin_anew(self, peer: Peer, now: float, reason: str) -> None:
        """Give a connection up; what was not sent yet is sent over a new one."""
        unsent, peer.waiting = peer.waiting, deque()
        self.drop(peer, reason, now)
        peer.retry_at = 0.0
        for call in unsent:
            self.submit(call, now)

    # what happens to them

    def socket_event(self, endpoint: str, transition: Transition, now: float) -> None:
        """Take note of what has happened to a connection by the shared socket."""
        peer = self._at.get(endpoint)
        if peer is None or peer.state is ConnectionState.IDLE or peer.is_bridged:
            return
        self.peer_event(peer, transition, now)

    def _handshake_failed(self, peer: Peer, transition: Transition, now: float) -> None:
        """Find out why a connection could not be made."""
        if transition is Transition.KEY_UNKNOWN:
            denied, text = unknown_key(peer.public)
            self.drop(peer, text, now, denied)
        elif transition is Transition.OTHER_MECHANISM:
            self._judge(peer, Mechanism.NONE if peer.is_keyed else Mechanism.CURVE, now)
        elif not (peer.is_keyed or peer.is_bridged):
            self._disconnect(peer)
            self._say_hello(peer, Do.BRIDGE, b"", now)
        else:
            self._disconnect(peer)
            peer.state = ConnectionState.PROBING
            self.actions.append((Do.PROBE, peer, peer.address, None))

    def probed(self, peer: Peer, mechanism: Mechanism, now: float) -> None:
        """Take note of the mechanism that a server demands with which a handshake failed."""
        if peer.state is ConnectionState.PROBING:
            self._judge(peer, mechanism, now)

    def _judge(self, peer: Peer, mechanism: Mechanism, now: float) -> None:
        denied = denial(mechanism, is_keyed=peer.is_keyed)
        if denied is None:
            self.drop(peer, Transition.HANDSHAKE_FAILED.value, now)
        else:
            self.drop(peer, denied[1], now, denied[0])

    def peer_event(self, peer: Peer, transition: Transition, now: float) -> None:
        """Take note of what has happened to the connection of a server."""
        if peer.state is ConnectionState.PROBING:  # what ended that connection is being found out
            return
        if transition in _FAILED and peer.state is _CONNECTING and not peer.connected:
            self._handshake_failed(peer, transition, now)
        elif transition is Transition.CONNECTED and peer.state is not ConnectionState.IDLE:
            peer.connected, peer.tries_other = True, False
        elif transition is not Transition.REFUSED or not self._tries_other_addresses(peer, now):
            cut = peer.take_cut(now) if transition is Transition.LOST else ()
            self.drop(peer, transition.value, now)
            for call in cut:
                self.submit(call, now)

    def tick(self, now: float) -> None:
        """Give up what takes too long; to be called every `LOOK_EVERY` while calls are open, behind
        all socket events. A connection that nobody looked at for the whole of its time, in a process
        that did not run, has it again."""
        before, self.looked_at = self.looked_at, now
        for peer in list(self.peers.values()):
            if peer.state is _CONNECTING and not peer.connected:
                within = self.settings.hello_within
                if now - max(before, peer.since) > within:
                    peer.since = now
                elif now - peer.since > within:
                    self.drop(peer, f"no connection within {within:g} s", now)
                elif now - peer.since > within / 2:  # its name may stand for no address of the kind
                    self._tries_other_addresses(peer, now)
            elif peer.current is not None and peer.waits_in_vain:
                self._abandon(peer, now)
            if peer.waiting:
                peer.lose_late(now)

    @property
    def is_settled(self) -> bool:
        """Tell whether no connection is being made."""
        return all(peer.state is _READY for peer in self.by_rid.values())

    def _tries_other_addresses(self, peer: Peer, now: float) -> bool:
        """Connect once more, by addresses of the other kind, if there may be some: a name may stand
        for both."""
        if peer.connected or peer.tries_other or peer.is_bridged or not is_by_name(peer.address):
            return False
        by_ipv6, since = not peer.by_ipv6, peer.since
        self._begin_anew(peer, now, Transition.REFUSED.value)
        peer.tries_other, peer.by_ipv6, peer.since = True, by_ipv6, since
        return True
