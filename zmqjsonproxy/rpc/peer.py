"""Client-side state of one server: what is on its way to it, and the state of the connection.

No sockets and no clock: callers say `now`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum

from groundwork.errors import text_of
from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.errors import (
    AccessError,
    CallCancelledError,
    CallTimeoutError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RemoteError,
    RevokedKeyError,
    TooLargeError,
)
from zmqjsonproxy.protocol.arrays import size_of
from zmqjsonproxy.protocol.transitions import Transition
from zmqjsonproxy.rpc.callresults import CallResult
from zmqjsonproxy.rpc.calls import BatchOfCalls, Call, Hello, NotOfOriginalError, Question
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.description import (
    InterfaceDescription,
    interface_changes,
    read_description,
)
from zmqjsonproxy.rpc.protocol.handshakes import check_version
from zmqjsonproxy.rpc.protocol.jsonrpc import Members

__all__ = ["ConnectionState", "Peer", "PendingCall"]

UNLIMITED = 2**63
AGAIN_WITHIN_S = 0.3
"""Time within which a call whose connection was cut has to be sent again, s: a lost server is to be
told of within a second."""


class ConnectionState(Enum):
    """Of a connection."""

    IDLE = "idle"
    RESOLVING = "resolving"
    CONNECTING = "connecting"
    PROBING = "probing"
    READY = "ready"


class PendingCall:
    """A question to one server that is waited for.

    Attributes:
        peer: The server.
        what: The question.
        begun: When the caller asked, s, monotonic.
        deadline: When nobody waits any more.
        on_end: Called when it has ended.
        ended: When its answer, or its failure, was known.
        done: There is a value or an error.
        number: Its request number, the first of a batch; 0: it was not sent as JSON-RPC.
        address: Where its server is, if that was found out for it.
        ends_operation: Its caller has cancelled it: an operation that runs is to end. Otherwise a
            caller that waits no longer withdraws what has not been begun, and no more.
        sent_to: Instance that it was sent to over a connection that was cut since: no other one
            gets it, and this one carries it out once.
        again_by: When it has to be sent again, s, monotonic.
    """

    __slots__ = (
        "address",
        "again_by",
        "begun",
        "deadline",
        "done",
        "ended",
        "ends_operation",
        "error",
        "number",
        "on_end",
        "peer",
        "sent_to",
        "value",
        "what",
    )

    def __init__(
        self,
        peer: Peer,
        what: Question,
        begun: float,
        deadline: float,
    ) -> None:
        self.peer, self.what = peer, what
        self.begun, self.deadline, self.ended = begun, deadline, begun
        self.on_end: Callable[[], None] | None = None
        self.number, self.again_by = 0, 0.0
        self.address = self.sent_to = ""
        self.done = self.ends_operation = False
        self.value: JsonValue = None
        self.error: ProxyError | None = None

    @property
    def is_on_its_way(self) -> bool:
        """Tell whether it was sent, or waits to be."""
        return bool(self.number) or self.peer.current is self or self in self.peer.waiting

    def end(self, value: JsonValue, error: ProxyError | None, now: float) -> None:
        """End with a value or an error; no effect on one that has ended."""
        if self.done:
            return
        self.value, self.error, self.ended = value, error, now
        self.done = True  # last: other threads look at it
        if self.on_end is not None:
            self.on_end()

    def lose(self, reason: str, now: float) -> None:
        """End because the server is not there, or the connection, or because keys are in the
        way."""
        url, label, denied = self.peer.url, self.what.label, self.peer.denied
        error: ProxyError
        if denied is not None and reason == self.peer.reason:
            error = denied(reason, peer=url, method=label)
        else:
            reason = Transition.LOST.value if self.sent_to else reason
            error = PeerLostError(url, label, reason, call_id=self.peer.call_id(self.number))
        self.end(None, error, now)

    def cancel(self, why: str, now: float) -> None:
        """End because its caller gave it up; to be submitted once more, which withdraws it."""
        text = f"{self.what.label}: {why}"
        self.end(None, CallCancelledError("CallCancelledError", text, peer=self.peer.url), now)

    def time_out(self, now: float) -> None:
        """End because the deadline has passed; to be submitted once more, which withdraws it."""
        peer = self.peer
        if peer.state is ConnectionState.CONNECTING and not peer.connected:
            self.lose("no connection could be made", now)
        else:
            within = self.deadline - self.begun
            call_id = peer.call_id(self.number)
            error = CallTimeoutError(peer.url, self.what.label, within, call_id=call_id)
            self.end(None, error, now)

    def results(self) -> list[CallResult]:
        """Return what came of it."""
        return self.what.results(self.value, self.error, self.ended - self.begun)

    def settle(self, now: float) -> None:
        """Have arguments that anybody's code encodes encoded by it in this thread, its caller's; or
        end with why not.

        What cannot be sent here and now may be sent by another thread, which is not to hear of what
        that code raises.
        """
        try:
            self.what.settle()
        except Exception as error:
            self.cannot_travel(error, now)

    def cannot_travel(self, error: Exception, now: float) -> None:
        """End because the arguments cannot be encoded."""
        text = f"{self.what.label}: the arguments cannot travel as JSON: {text_of(error)}"
        failed = ProtocolError(text)
        failed.__cause__ = error
        self.end(None, failed, now)


class Peer:
    """A server.

    Args:
        url: Its name or address.
        tell: Called with what people should know of it.

    Attributes:
        state: Of the connection.
        connected: While connecting: the connection is made, the hello not answered yet.
        address: Where it was connected last.
        by_ipv6: Its name, if it has one, stood for such an address last.
        tries_other: It is being tried by the other kind of addresses.
        is_bridged: It takes no ROUTER, and has a socket of its own.
        since: When the connection was begun, s, monotonic.
        envelope: Frames that stand before a body: the routing id, and for servers other than ours
            an empty one.
        native: It speaks JSON-RPC; of meaning once it is ready.
        arrays: It takes arrays and bytes as frames; False: bytes only; None: nothing but JSON.
        is_ours: It is ready, and a server of this package.
        most_bytes: Largest message that it reads, with all frames, as far as it says; 0: it is not
            connected.
        run: Identity of this client, to which calls belong.
        control: Credential of this client, which has control there; empty: it has not.
        token: Of the key of the person for whom all calls are made; empty: for this client itself.
        takes: Members that say what this end takes, beside `arrays`.
        members: Members of `dealer` of each call, of these.
        instance: Which process it is, as far as it says.
        knows_calls: It carries out once what comes twice.
        generation: Instances met so far.
        waiting: Calls that cannot be sent yet.
        current: The call that is answered without a number: a hello, or any call to an old server.
        numbered: Request number -> native call.
        retry_at: No connection is tried before, s, monotonic.
        pause: Before the next connection, if this one fails, too, s; 0: the shortest.
        reason: Why the last connection ended.
        denied: The error that this is, where keys were in the way; None: they were not.
        public: Key with which this end came to the last connection; empty: without.
        is_outdated: The key of this end is not valid any more: the next calls have another
            connection, for there may be a new one.
        described: Object name -> what it offered when it was asked last.
        on_notice: Takes messages that answer no call; None: they are dropped.
    """

    def __init__(self, url: str, tell: Callable[[Peer, str], object], token: str = "") -> None:
        self.url, self._tell, self.token = url, tell, token
        self.rid = b""
        self.envelope: tuple[bytes, ...] = ()
        self.state = ConnectionState.IDLE
        self.native = self.is_ours = self.connected = False
        self.address = ""
        self.by_ipv6 = self.tries_other = self.is_bridged = False
        self.arrays: bool | None = None
        self.most_bytes = 0
        self.since = self.retry_at = self.pause = 0.0
        self.instance = self.hello_name = self.reason = ""
        self.run = self.control = ""
        self.takes: Members = ()
        self.members: Members = ()
        self.denied: type[AccessError] | None = None
        self.public, self.is_outdated, self.knows_calls = "", False, False
        self.generation = 0
        self.waiting: deque[PendingCall] = deque()
        self.current: PendingCall | None = None
        self.numbered: dict[int, PendingCall] = {}
        self.described: dict[str, InterfaceDescription] = {}
        self.on_notice: Callable[[JsonObject, float], None] | None = None

    @property
    def is_keyed(self) -> bool:
        """Tell whether this end came with keys to the last connection."""
        return bool(self.public)

    @property
    def waits_in_vain(self) -> bool:
        """Tell whether an old server has yet to answer a call that nobody waits for any more."""
        current = self.current
        return (
            current is not None
            and current.done
            and not self.native
            and self.state is ConnectionState.READY
        )

    def call_id(self, number: int) -> str:
        """Return the identity of a call that has a number; empty: it was not sent as JSON-RPC."""
        return f"{self.run}-{number}" if number else ""

    def set_members(self, *, run: str | None = None, control: str | None = None) -> None:
        """Change what comes with each call from now on."""
        self.run = self.run if run is None else run
        self.control = self.control if control is None else control
        members = (("run", self.run), ("control", self.control), ("token", self.token))
        self.members = (*self.takes, *(member for member in members if member[1]))

    def begin_connection(self, rid: bytes, now: float) -> None:
        """Note that a connection is begun and a hello sent."""
        self.rid, self.envelope, self.is_bridged = rid, (rid, b""), not rid
        self.state, self.connected, self.since, self.is_ours = (
            ConnectionState.CONNECTING,
            False,
            now,
            False,
        )
        self.denied, self.is_outdated = None, False

    def begin(self, call: PendingCall, number: int, now: float) -> bytes | None:
        """Return the bytes of a call to a ready server; None: it waits for another one, or could
        not be encoded."""
        what = call.what
        try:
            if self.native and not isinstance(what, Hello):
                members = self.members
                if call.sent_to:
                    if call.sent_to != self.instance:
                        call.lose("", now)
                        return None
                    number, members = call.number, (*members, ("instance", call.sent_to))
                body = what.native(number, self.arrays, members)
                if size_of(body) > self.most_bytes:
                    call.end(None, self._too_large(what.label, size_of(body)), now)
                    return None
                self.expect(call, number)
                return body
            if self.current is None:
                body = what.original()
                self.current = call
                return body
        except NotOfOriginalError as error:
            text = f"{what.label}: the server at {self.url} is of the original and {error}"
            call.end(None, ProtocolError(text), now)
            return None
        except Exception as error:
            call.cannot_travel(error, now)
            return None
        call.settle(now)
        self.waiting.append(call)
        return None

    def _too_large(self, label: str, size: int) -> TooLargeError:
        text = f"{label}: {size} bytes are over the limit of {self.most_bytes} (max_message_bytes) of the server"
        advice = (
            "nothing was sent; make several calls of it, or have the limit of the server raised"
        )
        return TooLargeError("TooLargeError", f"{text}; {advice}", peer=self.url)

    def expect(self, call: PendingCall, number: int) -> None:
        """Note that a native call was sent, or is about to be."""
        call.number = number
        if call.what.count == 1:
            self.numbered[number] = call
        else:
            self.numbered.update(dict.fromkeys(range(number, number + call.what.count), call))

    def forget(self, call: PendingCall) -> None:
        """Expect no answer to a call any more."""
        for number in range(call.number, call.number + call.what.count):
            self.numbered.pop(number, None)
        if self.current is call:
            self.current = None

    def take_cut(self, now: float) -> list[PendingCall]:
        """Take the calls that were sent over a connection which was cut, and may be sent once more:
        the server knows which of them it has carried out."""
        if not self.knows_calls or self.state is not ConnectionState.READY:
            return []
        cut = [
            call
            for call in self.numbered.values()
            if isinstance(call.what, Call)
            and not (call.done or call.sent_to)
            and now < call.deadline
        ]
        for call in cut:
            del self.numbered[call.number]
            call.sent_to, call.again_by = self.instance, now + AGAIN_WITHIN_S
        return cut

    def lose_late(self, now: float) -> None:
        """End calls that were to be sent again, and could not be in time."""
        for call in [call for call in self.waiting if call.again_by and now > call.again_by]:
            self.waiting.remove(call)
            call.lose("", now)

    def receive(self, message: JsonValue, now: float) -> None:
        """Take a decoded message of a ready server. What then waits in `waiting` may be sent."""
        if self.native and type(message) is dict:
            number = message.get("id")
            if type(number) is int:
                call = self.numbered.pop(number, None)
                if call is None:
                    return  # a late answer
                what, value, error = call.what, message.get("result"), None
                if "error" in message:
                    error = jsonrpc.error_from(message["error"], peer=self.url, method=what.label)
                    token = self.token or getattr(what, "token", "")
                    if type(error) is RevokedKeyError and not token:
                        self.outdate()  # with a token it is the key of the person
                if type(what) is BatchOfCalls:  # it is refused as a whole, by its first number
                    self.forget(call)
                    value = what.read([message], call.number, now - call.begun, self.url)
                call.end(None if error else value, error, now)
                return
            if "method" in message:
                if self.on_notice is not None:
                    self.on_notice(message, now)
                return
        if self.native and type(message) is list:
            self._receive_batch(message, now)
            return
        current, self.current = self.current, None
        if current is None or current.done:
            return
        if isinstance(current.what, Hello):
            self._end_hello(current, message, now)
        elif original.is_failure(message):
            error = self._error_of_original(current.what, message["EXCEPTION"])
            current.end(None, error, now)
        else:
            current.end(message, None, now)

    def _error_of_original(self, what: Question, exception: list[object]) -> RemoteError:
        type_, text, *trace = [*exception, "", ""][:3]
        entries = [str(entry) for entry in trace[0]] if trace and isinstance(trace[0], list) else []
        if (
            type_ == "KeyError" and len(entries) <= 1 and isinstance(what, Call)
        ):  # one entry: its server's own
            if text in (repr(what.object_name), f"u{what.object_name!r}"):
                told = f"{text}: the Player has no interface of this name"
                return NoSuchInterfaceError(type_, told, entries, peer=self.url)
            if text in (repr(what.method), f"u{what.method!r}"):
                told = f"{text}: {what.object_name} has no method of this name"
                return NoSuchMethodError(type_, told, entries, peer=self.url)
        return RemoteError(str(type_), str(text), entries, peer=self.url)

    def _receive_batch(self, replies: list[object], now: float) -> None:
        numbers = [reply.get("id") for reply in replies if type(reply) is dict]
        calls = [self.numbered.get(number) for number in numbers if type(number) is int]
        for call in dict.fromkeys(calls):  # one, of an honest server
            if call is not None and isinstance(call.what, BatchOfCalls):
                parts = call.what.read(replies, call.number, now - call.begun, self.url)
                call.end(parts, None, now)
                self.forget(call)

    def welcome(self, message: JsonValue, now: float) -> None:
        """Take the answer to the first hello: it shows the server's dialect.

        Raises:
            VersionMismatchError: It speaks none of ours.
        """
        said: JsonObject = message if isinstance(message, dict) else {}
        check_version(said)
        self.is_ours = "dealer" in said
        self.native = self.is_ours or "jsonrpc" in said
        self.arrays, self.most_bytes = None, UNLIMITED
        self.knows_calls = self.is_ours and said.get("once") is True
        if self.is_ours:
            self.envelope = (self.rid,)
            arrays, most = said.get("arrays"), said.get("max_message_bytes")
            self.most_bytes = most if type(most) is int else UNLIMITED
            self.arrays = arrays if isinstance(arrays, bool) else None
        self.state, self.pause, self.current = ConnectionState.READY, 0.0, None
        instance = str(said.get("instance", ""))
        if not self.instance or instance != self.instance:
            self.generation += 1
        self.instance = instance or f"old-{self.generation}"
        for call in self.waiting:
            what = call.what
            if isinstance(what, Hello) and what.object_name == self.hello_name and not call.done:
                self._end_hello(call, message, now)

    def outdate(self) -> None:
        """Take note that the key of this end is not valid any more."""
        self.is_outdated, self.most_bytes = True, 0  # so that no call goes the short way

    def give_up(self, reason: str, now: float, denied: type[AccessError] | None = None) -> None:
        """End the connection and all calls that were sent over it or wait for it; `denied`: the
        error that this is, where keys are in the way."""
        ended = [*self.numbered.values(), *self.waiting]
        if self.current is not None:
            ended.append(self.current)
        self.numbered.clear()
        self.waiting.clear()
        self.current = None
        self.state, self.reason, self.rid, self.envelope = ConnectionState.IDLE, reason, b"", ()
        self.denied, self.is_outdated = denied, False
        self.is_ours = self.is_bridged = False
        self.most_bytes = 0
        for call in ended:
            if not call.done:
                call.lose(reason, now)

    def _end_hello(self, call: PendingCall, message: JsonValue, now: float) -> None:
        value = read_description(message, url=self.url, generation=self.generation)
        if isinstance(value, ProxyError):
            call.end(None, value, now)
            return
        before = self.described.get(call.what.object_name)
        self.described[call.what.object_name] = value
        changes = "" if before is None else interface_changes(before, value)
        if changes:  # said once, for all proxies of this server
            name = call.what.object_name
            self._tell(self, f"{name} at {self.url} has another interface now; {changes}")
        call.end(value, None, now)
