"""Questions to servers, in the bytes of either dialect. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy import ndarray
from zmqjsonproxy.errors import ProtocolError, ProxyError
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.rpc.callresults import CallRequest, CallResult
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.jsonrpc import Members

__all__ = [
    "BatchOfCalls",
    "BatchedCall",
    "Call",
    "Hello",
    "NotOfOriginalError",
    "Question",
    "in_batches",
    "shared_calls",
]

MAX_BATCH = 500
"""Calls in one message; a server takes 1000 by default."""

BatchedCall = tuple[str, Sequence[object], Mapping[str, object]]
"""Method, positional and keyword arguments."""


class NotOfOriginalError(Exception):
    """A server of the original's generation has no such thing; the text says what."""


class Call:
    """A call; one object serves all the servers it goes to.

    With `begun_by` it begins an operation, and its value says which. With `token` it is made for the
    person whose key has that token, and the server decides by that key.

    Attributes:
        count: Calls in its message.
    """

    __slots__ = (
        "_around_id",
        "_arrays",
        "_is_settled",
        "_members",
        "args",
        "begun_by",
        "count",
        "kwargs",
        "method",
        "object_name",
        "timeout",
        "token",
    )

    def __init__(
        self,
        object_name: str,
        method: str,
        args: Sequence[object],
        kwargs: Mapping[str, object] | None,
        timeout: float,
        begun_by: str = "",
        token: str = "",
    ) -> None:
        self.object_name, self.method, self.args, self.kwargs = object_name, method, args, kwargs
        self.timeout, self.begun_by, self.token, self.count = timeout, begun_by, token, 1
        self._around_id: tuple[bytes, bytes] | None = None
        self._arrays: bool | None = None
        self._members: Members = ()
        self._is_settled = False

    @property
    def label(self) -> str:
        """Return `object.method`."""
        return f"{self.object_name}.{self.method}"

    @property
    def begins(self) -> bool:
        """Tell whether it is answered when it is accepted, and may wait after that."""
        return bool(self.begun_by)

    def native(self, number: int, arrays: bool | None, members: Members = ()) -> bytes:
        """Encode as JSON-RPC, for a server that takes frames as `arrays` says, with further members
        of `dealer`.

        TypeError, ValueError, RecursionError: the arguments cannot travel.
        """
        if self._around_id is None and not self.kwargs and not self.begun_by and not self.token:
            body = jsonrpc.simple_request(
                self.object_name, self.method, self.args, self.timeout, number, members
            )
            if body is not None:
                return body
        before, after = self.around_id(arrays, members)
        body = b"%b%d%b" % (before, number, after)
        return Framed(body, after.frames) if type(after) is Framed else body

    def around_id(self, arrays: bool | None, members: Members = ()) -> tuple[bytes, bytes]:
        """Encode what is before the request number and after it; arguments and errors as
        `native`."""
        around = self._around_id
        if self.token:
            members = (*members, ("token", self.token))
        if around is None or self._arrays is not arrays or self._members != members:
            around = jsonrpc.request_around_id(
                self.object_name,
                self.method,
                self.args,
                self.kwargs,
                self.timeout,
                arrays,
                self.begun_by,
                members,
            )
            self._around_id, self._arrays, self._members = around, arrays, members
        return around

    def plain(self, answer: JsonObject, number: int) -> list[object] | None:
        """Return what an answer holds if it is a result and nothing else; LookupError, TypeError
        or None if it is not."""
        return [answer["result"]] if answer["id"] == number else None

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

    def results(
        self, value: JsonValue, error: ProxyError | None, delay_s: float
    ) -> list[CallResult]:
        """Return what came of it."""
        return [CallResult(value, error, delay_s)]


class BatchOfCalls:
    """Calls of one object in one message, which only servers of JSON-RPC take.

    Its value is a list of results; None: that call has no answer.
    """

    begins = False

    def __init__(self, object_name: str, calls: Sequence[BatchedCall], timeout: float) -> None:
        self.object_name, self.calls, self.timeout = object_name, calls, timeout
        self.count = len(calls)

    @property
    def label(self) -> str:
        """Return what it is called in errors."""
        return f"{self.object_name}: a batch of {self.count} calls"

    def native(self, first: int, arrays: bool | None, members: Members = ()) -> bytes:
        """Encode, with request numbers from `first` on; raises as `Call.native`."""
        return jsonrpc.batch(self.object_name, self.calls, first, self.timeout, arrays, members)

    def plain(self, answer: JsonObject, first: int) -> list[object] | None:
        """Return the results, if there is nothing else in an answer; as `Call.plain`."""
        return jsonrpc.results_in_order(answer, first, self.count)

    def settle(self) -> None:
        """See `Call.settle`."""
        self.calls = ndarray.settled(self.calls)

    def original(self) -> bytes:
        """Refuse: a server of the original takes no batch."""
        raise NotOfOriginalError(
            "takes no batch, which its predecessor did; make the calls one by one"
        )

    def read(
        self, replies: Sequence[object], first: int, delay_s: float, url: str
    ) -> list[CallResult | None]:
        """Return its value, from the replies of the server at `url`."""
        values = jsonrpc.results_in_order(replies, first, self.count)
        if values is not None:
            return list(map(CallResult, values, repeat(None), repeat(delay_s)))
        parts: list[CallResult | None] = [None] * self.count
        for reply in replies:
            if type(reply) is not dict:
                continue
            number = reply.get("id")
            if type(number) is int and 0 <= number - first < self.count:
                part = parts[number - first] = CallResult(delay_s=delay_s)
                if "error" in reply:
                    part.error = jsonrpc.error_from(reply["error"], peer=url, method=self.label)
                else:
                    part.value = reply.get("result")
        return parts

    def results(
        self, value: JsonValue, error: ProxyError | None, delay_s: float
    ) -> list[CallResult]:
        """Return what came of each call."""
        if error is not None:
            return [CallResult(None, error, delay_s)] * self.count
        assert isinstance(value, list)
        missing = ProtocolError(f"{self.label}: one has no answer")
        return [part or CallResult(None, missing, delay_s) for part in value]


class Hello:
    """The question what an object offers: the same bytes for every server, and an answer without a
    number."""

    count = 1
    begins = False

    def __init__(self, object_name: str, client: str) -> None:
        self.object_name = object_name
        self.label = f"{object_name}.{original.LIST_METHODS}"
        self._body = original.hello(object_name, client)

    def native(self, number: int, arrays: bool | None, members: Members = ()) -> bytes:
        """Refuse: its answer has no number."""
        raise ValueError(number)

    def plain(self, answer: JsonObject, number: int) -> list[object] | None:
        """See `Call.plain`."""
        return None

    def settle(self) -> None:
        """See `Call.settle`: it is text already."""

    def original(self) -> bytes:
        """Encode."""
        return self._body

    def results(
        self, value: JsonValue, error: ProxyError | None, delay_s: float
    ) -> list[CallResult]:
        """Return the InterfaceDescription that came of it."""
        return [CallResult(value, error, delay_s)]


Question = Call | BatchOfCalls | Hello


def shared_calls(requests: Iterable[CallRequest], timeout: float) -> list[Call]:
    """Return the call of each request; those that say the same share one, which is encoded once."""
    calls: dict[tuple[str, str, int, int], Call] = {}
    shared: list[Call] = []
    for r in requests:
        key = (r.object_name, r.method, id(r.args), id(r.kwargs))
        call = calls.get(key)
        if call is None:
            call = calls[key] = Call(r.object_name, r.method, r.args, r.kwargs, timeout)
        shared.append(call)
    return shared


def in_batches(
    object_name: str, calls: Sequence[BatchedCall], timeout: float
) -> list[BatchOfCalls]:
    """Return the messages that hold these calls."""
    return [
        BatchOfCalls(object_name, calls[n : n + MAX_BATCH], timeout)
        for n in range(0, len(calls), MAX_BATCH)
    ]
