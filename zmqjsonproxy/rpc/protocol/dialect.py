"""From the bytes of a message to requests, whatever dialect they are in, and the limits of sizes. No
sockets, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from groundwork.errors import text_of
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.errors import AccessError, TooLargeError
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.jsonrpc import SHORT_END, Code

__all__ = [
    "MAX_FRAME_BYTES",
    "TOO_FULL",
    "Malformed",
    "MessageLimits",
    "Request",
    "decoded",
    "denied",
    "not_handled",
    "read_decoded",
    "read_failure",
    "read_good_part",
    "read_message",
    "read_or_batch",
    "read_part",
    "shared_extra",
    "too_full",
    "write_native_reply",
    "write_reply",
]

_HEAD = re.compile(rb'\s*(?:\[\s*)?\{"jsonrpc":"2\.0","method":"[^"\\]{1,500}","id":(\d{1,18}) ?,')
"""How our callers begin, a batch too."""
_NOT_SHARED = frozenset({"params", "shared", "call_id", "frames"})
"""Members of `dealer` that are about one call."""
MAX_FRAME_BYTES = 64 * 2**20
"""Limit of the size of one frame of a reply. While one arrives nothing else does, and callers give
up servers that are silent."""
TOO_FULL = "too many bytes of replies wait for this client (max_waiting_bytes); nothing was done: take them first"
_ID_TYPES = frozenset({int, str, float, type(None)})
_LONGEST_ID = 200
_LITTLE = 10_000
"""Of a message that is refused so much is decoded to find its number, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLimits:
    """Limits of a message: bytes, what is in it, nesting of arrays and objects, calls in a
    batch."""

    max_bytes: int = 16 * 2**20
    max_json_bytes: int = 4 * 2**20
    max_values: int = 300_000
    max_parts: int = 100_000
    max_depth: int = 100
    max_batch: int = 1000
    in_no_case_too_large: int = field(init=False)
    """A shorter message without frames is within all limits, bytes."""

    def __post_init__(self) -> None:
        least = min(self.max_bytes, self.max_json_bytes, self.max_values, self.max_parts)
        object.__setattr__(self, "in_no_case_too_large", min(least, 2 * self.max_depth))


@dataclass(slots=True)
class Malformed:
    """Message that is no request, and why."""

    native: bool
    code: Code
    type: str
    text: str
    id: Any = None


def read_failure(bad: Malformed) -> bytes:
    """Encode the reply to a malformed message in the dialect it seems to be in."""
    if bad.native:
        return jsonrpc.failure(bad.id, jsonrpc.error_object(bad.code, bad.type, bad.text))
    return original.failure(bad.type, bad.text)


def write_reply(request: Request, value: Any) -> bytes:
    """Encode a result in the dialect of its request.

    Raises:
        TypeError, ValueError, RecursionError: It cannot travel.
        TooLargeError: It is too large for one frame.
    """
    if not request.native:
        return _of_good_size(original.reply(value), request.target)
    extra = request.extra
    arrays = None if extra is None else extra.get("arrays")
    return write_native_reply(request.target, request.id, value, arrays)


def write_native_reply(target: str, identity: Any, value: Any, arrays: Any) -> bytes:
    """Encode the result of a native call; raises as `write_reply`.

    Args:
        target: `object.method`.
        identity: Request number.
        value: Result.
        arrays: As of `jsonrpc.reply`.
    """
    body = jsonrpc.reply(identity, value, arrays)
    if type(body) is bytes and len(body) <= MAX_FRAME_BYTES:
        return body
    return _of_good_size(body, target)


def _of_good_size(body: bytes, target: str) -> bytes:
    """Return a reply; TooLargeError if it is too large for one frame."""
    size = len(body)
    if type(body) is Framed:
        for frame in body.frames:
            size = max(size, memoryview(frame).nbytes)
    if size > MAX_FRAME_BYTES:
        text = f"{size} bytes are over the limit of {MAX_FRAME_BYTES} for a frame of a result; ask for a part of it"
        raise TooLargeError("TooLargeError", f"{target}: {text}")
    return body


def read_message(
    body: bytes, limits: MessageLimits
) -> Request | Malformed | list[Request | Malformed]:
    """Read a message; a list is a JSON-RPC batch. Never raises."""
    message = read_or_batch(body, limits)
    if not isinstance(message, list):
        return message
    shared = shared_extra(message)
    return [read_part(part, shared) for part in message]


def read_part(message: Any, shared: dict[str, Any] | None) -> Request | Malformed:
    """Read one message of a batch; `shared` is its member `dealer` if it has none. Never raises."""
    if isinstance(message, dict):
        return _native(message, shared)
    return _invalid(None, f"a request is an object, not {_kind(message)}")


def read_good_part(message: Any, shared: dict[str, Any] | None) -> Request:
    """Read a message of a batch again that `read_part` has found to be a request."""
    request = read_part(message, shared)
    assert isinstance(request, Request)
    return request


def shared_extra(batch: list[Any]) -> dict[str, Any] | None:
    """Return the member `dealer` for the calls of a batch that have none: the first one's, if it
    says it is shared."""
    first = batch[0]
    extra = first.get("dealer") if type(first) is dict else None
    if type(extra) is not dict or extra.get("shared") is not True:
        return None
    return {key: value for key, value in extra.items() if key not in _NOT_SHARED}


def read_or_batch(body: bytes, limits: MessageLimits) -> Request | Malformed | list[Any]:
    """Read like `read_message`, but of a batch give the decoded messages, each for `read_part`. Never
    raises."""
    return read_decoded(decoded(body, limits), body, limits)


def decoded(body: bytes, limits: MessageLimits) -> Any:
    """Decode a message, for `read_decoded`; Malformed: it is over a limit, or no JSON. Never
    raises."""
    is_small = type(body) is bytes and len(body) <= limits.in_no_case_too_large
    if not is_small and (text := _over_limit(body, limits)):
        return _refused(body, Code.TOO_LARGE, "TooLargeError", text)
    try:
        if isinstance(body, Framed):
            return ndarray.loads(body)
        return wirejson.loads(body, body.endswith(SHORT_END))
    except (ValueError, RecursionError) as error:
        text = "no JSON, or not with these frames" if isinstance(body, Framed) else "no JSON"
        return _refused(body, Code.PARSE, "ProtocolError", f"{text}: {error}")


def read_decoded(
    message: Any, body: bytes, limits: MessageLimits
) -> Request | Malformed | list[Any]:
    """Read what `decoded` has made of a body, as `read_or_batch`. Never raises."""
    if type(message) is dict:
        return _native(message) if "jsonrpc" in message else _original(message)
    if isinstance(message, Malformed):
        return message
    if isinstance(message, list) and len(message) > limits.max_batch:
        text = (
            f"a batch of {len(message)} calls is over the limit of {limits.max_batch} (max_batch)"
        )
        return Malformed(True, Code.TOO_LARGE, "TooLargeError", text, _identity_at_head(body))
    if isinstance(message, list) and message:
        return message
    text = "a request is an object with `jsonrpc` and `method`, or with `name`, `proc`, `args` and `kwargs`"
    return Malformed(
        isinstance(message, list),
        Code.INVALID_REQUEST,
        "ProtocolError",
        f"{text}; got {_kind(message)}",
    )


def too_full(request: Request | Malformed | list[Any], body: bytes) -> Malformed:
    """Refuse a message whose sender does not take the replies to those before."""
    if isinstance(request, Request):
        return Malformed(request.native, Code.BUSY, "BusyError", TOO_FULL, request.id)
    return _refused(body, Code.BUSY, "BusyError", TOO_FULL)


def denied(body: bytes, error: AccessError) -> Malformed:
    """Refuse a message whose sender may not ask anything, or that is no request."""
    return _refused(body, Code.ACCESS, type(error).__name__, error.text)


def too_many_unread(body: bytes) -> Malformed:
    """Refuse a message whose sender has sent so much that it cannot be kept until its turn."""
    text = "too many bytes of this client wait to be read (max_unread_bytes); nothing was done"
    return _refused(body, Code.BUSY, "BusyError", text)


def not_handled(body: bytes, error: Exception) -> Malformed:
    """Answer a message of which nothing could be made, for want of memory for instance."""
    text = (
        f"the message could not be handled, and may have been carried out in part: {text_of(error)}"
    )
    return _refused(body, Code.INTERNAL, type(error).__name__, text)


def _over_limit(body: bytes, limits: MessageLimits) -> str:
    """Say which limit a message is over, before any of it is decoded; empty: none, or more calls
    than a batch has."""
    size = len(body)
    if isinstance(body, Framed):
        size += sum(memoryview(frame).nbytes for frame in body.frames)
    if size > limits.max_bytes:
        return f"{size} bytes are over the limit of {limits.max_bytes} (max_message_bytes); make several calls of it"
    if len(body) > limits.max_json_bytes:
        text = f"{len(body)} bytes of JSON are over the limit of {limits.max_json_bytes} (max_json_bytes)"
        return f"{text}; make several calls of it, or send arrays of numpy, or bytes"
    if len(body) > min(limits.max_values, limits.max_parts):  # a shorter one has no room for them
        text = wirejson.too_many(body, limits.max_values, limits.max_parts)
        if text:
            return f"{text}; make several calls of it, or send numbers as arrays of numpy"
    depth = limits.max_depth
    if (
        len(body) > 2 * depth
        and body.count(b"[") + body.count(b"{") > depth
        and wirejson.too_deep(body, depth)
    ):
        return f"nested deeper than {depth} levels (max_depth)"
    return ""


def _refused(body: bytes, code: Code, type_: str, text: str) -> Malformed:
    return Malformed(b'"jsonrpc"' in body[:4096], code, type_, text, _identity(body))


def _identity_at_head(body: bytes) -> int | None:
    """The request number of what is over a limit, where it stands in front of the parameters; of a
    batch the first."""
    found = _HEAD.match(body)
    return None if found is None else int(found[1])


def _identity(body: bytes) -> Any:
    """The request number of a message that is refused, if it is found without much work."""
    at_head = _identity_at_head(body)  # a batch of our callers has it there only
    if at_head is not None or not isinstance(body, Framed) or len(body) > _LITTLE:
        return at_head
    try:
        message = wirejson.loads(bytes(body))
    except (ValueError, RecursionError):
        return None
    identity = message.get("id") if isinstance(message, dict) else None
    is_id = type(identity) in _ID_TYPES and not (
        isinstance(identity, str) and len(identity) > _LONGEST_ID
    )
    return identity if is_id else None


def _kind(value: Any) -> str:
    return {
        "str": "text",
        "int": "a number",
        "float": "a number",
        "list": "an array",
        "dict": "an object",
        "bool": "true or false",
        "NoneType": "null",
    }.get(type(value).__name__, "something else")


def _invalid(identity: Any, text: str, code: Code = Code.INVALID_REQUEST) -> Malformed:
    type_ = "BadParametersError" if code is Code.BAD_PARAMETERS else "ProtocolError"
    return Malformed(True, code, type_, text, identity)


def _native(message: dict[str, Any], shared: dict[str, Any] | None = None) -> Request | Malformed:
    get = message.get
    identity, method, params, extra = get("id"), get("method"), get("params"), get("dealer", shared)
    if type(identity) is not int:
        if type(identity) not in _ID_TYPES:
            return _invalid(None, f"id: text or a number, not {_kind(identity)}")
        if type(identity) is str and len(identity) > _LONGEST_ID:
            return _invalid(None, f"id: a text of at most {_LONGEST_ID} characters")
    if type(method) is not str or get("jsonrpc") != "2.0":
        return _invalid(identity, 'a call has "jsonrpc": "2.0" and a text `method`')
    if type(extra) is not dict:
        extra = None
    if type(params) is list:
        return Request(method, params, {}, True, identity, "id" not in message, extra)
    args: Any = []
    kwargs: Any = {}
    if isinstance(params, dict):
        if extra is not None and extra.get("params") == "mixed":
            args, kwargs = params.get("args", args), params.get("kwargs", kwargs)
            if not isinstance(args, list) or not isinstance(kwargs, dict):
                return _invalid(
                    identity,
                    "mixed params: `args` is an array, `kwargs` an object",
                    Code.BAD_PARAMETERS,
                )
        else:
            kwargs = params
    elif params is not None:
        return _invalid(
            identity, f"params: an array or an object, not {_kind(params)}", Code.BAD_PARAMETERS
        )
    return Request(method, args, kwargs, True, identity, "id" not in message, extra)


def _original(message: dict[str, Any]) -> Request | Malformed:
    if "proc" not in message:
        keys = ", ".join(sorted(map(str, message))[:8]) or "none"
        text = f"a request has the keys name, proc, args and kwargs; these are there: {keys}"
        return Malformed(False, Code.INVALID_REQUEST, "ProtocolError", text)
    proc, name = message["proc"], message.get("name")
    extra = message.get("dealer")
    if proc != original.LIST_METHODS:
        for key in ("name", "args", "kwargs"):
            if key not in message:  # the original's words for it
                return Malformed(False, Code.INVALID_REQUEST, "KeyError", repr(key))
    elif "name" not in message:
        return Malformed(False, Code.INVALID_REQUEST, "KeyError", repr("name"))
    args, kwargs = message.get("args"), message.get("kwargs")
    if proc == original.LIST_METHODS:
        args, kwargs = [], {}
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        text = f"args is an array and kwargs an object, not {_kind(args)} and {_kind(kwargs)}"
        return Malformed(False, Code.BAD_PARAMETERS, "TypeError", text)
    target = f"{name}.{proc}" if isinstance(name, str) and isinstance(proc, str) else ""
    return Request(
        target,
        args,
        kwargs,
        False,
        None,
        False,
        extra if isinstance(extra, dict) else None,
        name,
        proc,
    )
