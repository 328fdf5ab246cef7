"""A server as its callers see it: what is on its way to it, and in which state the connection is.

No sockets and no clock: the hub moves the bytes and says `now`.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from typing import Any

from groundwork.errors import text_of
from zmqjsonproxy import ndarray
from zmqjsonproxy.errors import (
    CallTimeoutError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RemoteError,
    TooLargeError,
)
from zmqjsonproxy.protocol.arrays import Framed, size_of
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.description import (
    InterfaceDescription,
    interface_changes,
    read_description,
)

__all__ = ["BatchOfCalls", "BatchedCall", "Call", "CallResult", "Hello", "Peer", "Pending", "State"]

log = logging.getLogger(__name__)

UNLIMITED = 2**63

BatchedCall = tuple[str, Sequence[Any], Mapping[str, Any]]
"""Method, positional and keyword arguments."""


@dataclass(slots=True)
class CallResult:
    """What came of one call: a value or an error, and how long it took, s."""

    value: Any = None
    error: ProxyError | None = None
    delay_s: float = 0.0


class Call:
    """A call in the bytes of either dialect; one object serves all the servers it goes to.

    With `begun_by` it begins an operation, and its value says which.

    Attributes:
        begins: It is answered when it is accepted, and may wait after that.
    """

    count = 1
    __slots__ = (
        "_around_id",
        "_arrays",
        "_is_settled",
        "args",
        "begins",
        "begun_by",
        "kwargs",
        "method",
        "object_name",
        "timeout",
    )

    def __init__(
        self,
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        timeout: float,
        begun_by: str = "",
    ) -> None:
        self.object_name, self.method, self.args, self.kwargs = object_name, method, args, kwargs
        self.timeout, self.begun_by, self.begins = timeout, begun_by, bool(begun_by)
        self._around_id: tuple[bytes, bytes] | None = None
        self._arrays: bool | None = None
        self._is_settled = False

    @property
    def label(self) -> str:
        """Return `object.method`."""
        return f"{self.object_name}.{self.method}"

    def native(self, number: int, arrays: bool | None = None) -> bytes:
        """Encode as JSON-RPC, for a server that takes frames as `arrays` says.

        TypeError, ValueError, RecursionError: the arguments cannot travel.
        """
        around = self.around_id(arrays)
        body = b"%b%d%b" % (around[0], number, around[1])
        return Framed(body, around[1].frames) if isinstance(around[1], Framed) else body

    def around_id(self, arrays: bool | None) -> tuple[bytes, bytes]:
        """Encode what is before the request number and after it; arguments and errors as
        `native`."""
        around = self._around_id
        if around is None or self._arrays is not arrays:
            around = jsonrpc.request_around_id(
                self.object_name,
                self.method,
                self.args,
                self.kwargs,
                self.timeout,
                arrays,
                self.begun_by,
            )
            self._around_id, self._arrays = around, arrays
        return around

    def settle(self) -> None:
        """Leave nothing to be encoded that runs anybody's code, for another thread may do it;
        raises as `native`."""
        if self._is_settled:
            return
        if not jsonrpc.SIMPLE.issuperset(map(type, self.args)):
            self.args = ndarray.settled(self.args)
        if self.kwargs:
            self.kwargs = ndarray.settled(self.kwargs)
        self._is_settled = True

    def original(self) -> bytes:
        """Encode in the original's dialect; raises as `native`, and NotOfOriginalError: it has
        nothing of the kind."""
        if self.begun_by:
            raise NotOfOriginalError("cannot begin an operation and answer before its end; call it")
        if self.object_name == "rpc":
            raise NotOfOriginalError(
                "has no operations" if "operation" in self.method else f"knows no {self.label}"
            )
        return original.request(self.object_name, self.method, self.args, self.kwargs)


class NotOfOriginalError(Exception):
    """A server of the original's generation has no such thing; the text says what."""


class BatchOfCalls:
    """Calls of one object in one message, which only servers of JSON-RPC take.

    Its value is a list of results; None: that call has no answer.
    """

    begins = False
    __slots__ = ("calls", "count", "label", "object_name", "parts", "timeout")

    def __init__(self, object_name: str, calls: Sequence[BatchedCall], timeout: float) -> None:
        self.object_name, self.calls, self.timeout = object_name, calls, timeout
        self.count = len(calls)
        self.label = f"{object_name}: a batch of {len(calls)} calls"
        self.parts: list[CallResult | None] = [None] * len(calls)

    def native(self, first: int, arrays: bool | None) -> bytes:
        """Encode, with request numbers from `first` on; raises as `Call.native`."""
        return jsonrpc.batch(self.object_name, self.calls, first, self.timeout, arrays)

    def settle(self) -> None:
        """See `Call.settle`."""
        self.calls = ndarray.settled(self.calls)

    def original(self) -> bytes:
        """Refuse: a server of the original takes no batch."""
        raise NotOfOriginalError(
            "takes no batch, which its predecessor did; make the calls one by one"
        )


class Hello:
    """The question what an object offers: the same bytes for every server, and an answer without a
    number."""

    count = 1
    begins = False
    __slots__ = ("_body", "label", "object_name")

    def __init__(self, object_name: str, client: str) -> None:
        self.object_name = object_name
        self.label = f"{object_name}.{original.LIST_METHODS}"
        self._body = original.hello(object_name, client)

    def settle(self) -> None:
        """See `Call.settle`: it is text already."""

    def original(self) -> bytes:
        """Encode."""
        return self._body


class Pending:
    """A call on its way to one server.

    Attributes:
        peer: The server.
        what: Call or hello.
        begun: When the caller asked, s, monotonic.
        deadline: When nobody waits any more.
        ended: When its answer, or its failure, was known.
        done: There is a value or an error.
        address: Where its server is, if that was found out for it.
        ends_operation: Its caller has cancelled it: an operation that runs is to end. Otherwise a
            caller that waits no longer withdraws what has not been begun, and no more.
    """

    __slots__ = (
        "address",
        "begun",
        "deadline",
        "done",
        "ended",
        "ends_operation",
        "error",
        "number",
        "peer",
        "value",
        "what",
    )

    def __init__(
        self, peer: Peer, what: Call | BatchOfCalls | Hello, begun: float, deadline: float
    ) -> None:
        self.peer, self.what = peer, what
        self.begun, self.deadline, self.ended = begun, deadline, begun
        self.number = 0
        self.address = ""
        self.done = self.ends_operation = False
        self.value: Any = None
        self.error: ProxyError | None = None

    def succeed(self, value: Any, now: float) -> None:
        """End with a value."""
        self.value, self.ended = value, now
        self.done = True  # last: other threads look at it

    def fail(self, error: ProxyError, now: float) -> None:
        """End with an error."""
        self.error, self.ended = error, now
        self.done = True

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
        self.fail(failed, now)

    def time_out(self, now: float) -> None:
        """End because the deadline has passed; to be submitted once more, which withdraws it."""
        peer, label = self.peer, self.what.label
        if peer.state is State.CONNECTING and not peer.connected:
            self.fail(PeerLostError(peer.url, label, "no connection could be made"), now)
        else:
            self.fail(CallTimeoutError(peer.url, label, self.deadline - self.begun), now)


class State(Enum):
    """Of a connection."""

    IDLE = "idle"
    CONNECTING = "connecting"
    READY = "ready"


class Peer:
    """A server.

    Attributes:
        url: Its address.
        state: Of the connection.
        connected: While connecting: the connection is made, the hello not answered yet.
        by_ipv6: Its name, if it has one, stood for such an address last.
        since: When the connection was begun, s, monotonic.
        envelope: Frames that stand before a body: the routing id, and for servers other than ours
            an empty one.
        native: It speaks JSON-RPC; of meaning once it is ready.
        arrays: It takes arrays and bytes as frames; False: bytes only; None: nothing but JSON.
        is_ours: It is ready, and a server of this package.
        most_bytes: Largest message that it reads, with all frames, as far as it says; 0: it is not
            connected.
        instance: Which process it is, as far as it says.
        generation: Instances met so far.
        waiting: Calls that cannot be sent yet.
        current: The call that is answered without a number: a hello, or any call to an old server.
        numbered: Request number -> native call.
        retry_at: No connection is tried before, s, monotonic.
        reason: Why the last connection ended.
        described: Object name -> what it offered when it was asked last.
    """

    __slots__ = (
        "_pause",
        "arrays",
        "by_ipv6",
        "connected",
        "current",
        "described",
        "envelope",
        "generation",
        "hello_name",
        "instance",
        "is_ours",
        "most_bytes",
        "native",
        "numbered",
        "reason",
        "retry_at",
        "rid",
        "since",
        "state",
        "url",
        "waiting",
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self.rid = b""
        self.envelope: tuple[bytes, ...] = ()
        self.state = State.IDLE
        self.native = self.is_ours = self.connected = self.by_ipv6 = False
        self.arrays: bool | None = None
        self.most_bytes = 0
        self.since = 0.0
        self.instance = ""
        self.generation = 0
        self.hello_name = ""
        self.waiting: deque[Pending] = deque()
        self.current: Pending | None = None
        self.numbered: dict[int, Pending] = {}
        self.retry_at = 0.0
        self.reason = ""
        self.described: dict[str, InterfaceDescription] = {}
        self._pause = 0.0

    @property
    def waits_in_vain(self) -> bool:
        """Whether an old server has yet to answer a call that nobody waits for any more."""
        current = self.current
        return (
            current is not None and current.done and not self.native and self.state is State.READY
        )

    def begin_connection(self, rid: bytes, hello_name: str, now: float) -> None:
        """Note that a connection was begun and a hello sent."""
        self.rid, self.envelope, self.hello_name = rid, (rid, b""), hello_name
        self.state, self.connected, self.since, self.is_ours = State.CONNECTING, False, now, False

    def begin(self, pending: Pending, number: int, now: float) -> bytes | None:
        """Return the bytes of a call to a ready server; None: it waits for another one, or could
        not be encoded."""
        what = pending.what
        try:
            if self.native and not isinstance(what, Hello):
                body = what.native(number, self.arrays)
                if size_of(body) > self.most_bytes:
                    pending.fail(self._too_large(what.label, size_of(body)), now)
                    return None
                self.expect(pending, number)
                return body
            if self.current is None:
                body = what.original()
                self.current = pending
                return body
        except NotOfOriginalError as error:
            text = f"{what.label}: the server at {self.url} is of the original and {error}"
            pending.fail(ProtocolError(text), now)
            return None
        except Exception as error:
            pending.cannot_travel(error, now)
            return None
        pending.settle(now)
        self.waiting.append(pending)
        return None

    def _too_large(self, label: str, size: int) -> TooLargeError:
        text = f"{label}: {size} bytes are over the limit of {self.most_bytes} (max_message_bytes) of the server"
        advice = (
            "nothing was sent; make several calls of it, or have the limit of the server raised"
        )
        return TooLargeError("TooLargeError", f"{text}; {advice}", peer=self.url)

    def expect(self, pending: Pending, number: int) -> None:
        """Note that a native call was sent, or is about to be."""
        pending.number = number
        if pending.what.count == 1:
            self.numbered[number] = pending
        else:
            self.numbered.update(dict.fromkeys(range(number, number + pending.what.count), pending))

    def take_back(self, pending: Pending) -> None:
        """Forget a call that could not be sent."""
        self.forget(pending)
        if self.current is pending:
            self.current = None

    def forget(self, pending: Pending) -> None:
        """Expect no numbered answer to a call any more."""
        for number in range(pending.number, pending.number + pending.what.count):
            self.numbered.pop(number, None)

    def receive(self, message: Any, now: float) -> None:
        """Take a decoded message of a ready server. What then waits in `waiting` may be sent."""
        if self.native and type(message) is dict:
            number = message.get("id")
            if type(number) is int:
                pending = self.numbered.pop(number, None)
                if pending is None or pending.done:
                    return  # a late answer
                if "error" in message:
                    error = jsonrpc.error_from(
                        message["error"], peer=self.url, method=pending.what.label
                    )
                    pending.fail(error, now)
                    self.take_back(
                        pending
                    )  # a batch that is refused as a whole is answered by its first number
                else:
                    pending.value, pending.ended, pending.done = message.get("result"), now, True
                    if (
                        pending.what.count > 1
                    ):  # a batch, whose other numbers nobody answers any more
                        self.forget(pending)
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
            current.fail(self._error_of_original(current.what, message["EXCEPTION"]), now)
        else:
            current.succeed(message, now)

    def _error_of_original(self, what: Call | BatchOfCalls, exception: list[Any]) -> RemoteError:
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

    def _receive_batch(self, replies: list[Any], now: float) -> None:
        if self._receive_plain_batch(replies, now):
            return
        take, pending = self.numbered.pop, None
        for reply in replies:
            number = reply.get("id") if type(reply) is dict else None
            if type(number) is not int:
                continue
            pending = take(number, None)
            if pending is None or type(pending.what) is not BatchOfCalls:
                continue
            delay_s, error = now - pending.begun, None
            if "error" in reply:
                error = jsonrpc.error_from(reply["error"], peer=self.url, method=pending.what.label)
            result = CallResult(None if error else reply.get("result"), error, delay_s)
            pending.what.parts[number - pending.number] = result
        if pending is not None and type(pending.what) is BatchOfCalls and not pending.done:
            pending.succeed(pending.what.parts, now)
            self.forget(pending)

    def _receive_plain_batch(self, replies: list[Any], now: float) -> bool:
        """Take the replies to a whole batch if all are results, in order, as most are: in half the
        time."""
        try:
            pending = self.numbered[replies[0]["id"]]
        except (LookupError, TypeError):  # a failure, or what is no reply
            return False
        what, first = pending.what, pending.number
        if type(what) is not BatchOfCalls or pending.done:
            return False
        values = jsonrpc.results_in_order(replies, first, what.count)
        if values is None:
            return False
        self.forget(pending)  # whose caller, in another thread, may do so at the same time
        what.parts[:] = map(CallResult, values, repeat(None), repeat(now - pending.begun))
        pending.succeed(what.parts, now)
        return True

    def welcome(self, message: Any, now: float) -> None:
        """Take the answer to the first hello: it shows the server's dialect."""
        self.is_ours = isinstance(message, dict) and "dealer" in message
        self.native = self.is_ours or (isinstance(message, dict) and "jsonrpc" in message)
        self.arrays, self.most_bytes = None, UNLIMITED
        if self.is_ours:
            self.envelope = (self.rid,)
            arrays, most = message.get("arrays"), message.get("max_message_bytes")
            self.most_bytes = most if type(most) is int else UNLIMITED
            self.arrays = arrays if isinstance(arrays, bool) else None
        self.state, self._pause, self.current = State.READY, 0.0, None
        instance = str(message.get("instance", "")) if isinstance(message, dict) else ""
        if not self.instance or instance != self.instance:
            self.generation += 1
        self.instance = instance or f"old-{self.generation}"
        for pending in self.waiting:
            what = pending.what
            if isinstance(what, Hello) and what.object_name == self.hello_name and not pending.done:
                self._end_hello(pending, message, now)

    def give_up(self, reason: str, now: float, retry_first: float, retry_most: float) -> None:
        """End the connection and all calls that were sent over it or wait for it."""
        ended = [*self.numbered.values(), *self.waiting]
        if self.current is not None:
            ended.append(self.current)
        self.numbered.clear()
        self.waiting.clear()
        self.current = None
        if self.state is State.READY:
            self.retry_at = 0.0  # it was there: it may be back
        else:
            pause = self._pause or retry_first
            self.retry_at = now + pause * random.uniform(0.5, 1.0)
            self._pause = min(2 * pause, retry_most)
        self.state, self.reason, self.rid, self.envelope = State.IDLE, reason, b"", ()
        self.is_ours, self.most_bytes = False, 0
        for pending in ended:
            if not pending.done:
                pending.fail(PeerLostError(self.url, pending.what.label, reason), now)

    def _end_hello(self, pending: Pending, message: Any, now: float) -> None:
        value = read_description(message, url=self.url, generation=self.generation)
        if isinstance(value, ProxyError):
            pending.fail(value, now)
        else:
            self._tell_changes(pending.what.object_name, value)
            pending.succeed(value, now)

    def _tell_changes(self, object_name: str, now: InterfaceDescription) -> None:
        """Say once, for all proxies of this server, that it has come back with another
        interface."""
        before = self.described.get(object_name)
        self.described[object_name] = now
        changes = "" if before is None else interface_changes(before, now)
        if changes:
            log.warning("%s at %s has another interface now; %s", object_name, self.url, changes)
