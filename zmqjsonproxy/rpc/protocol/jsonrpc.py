"""The native dialect: JSON-RPC 2.0, with one extra member `dealer` that other peers ignore. Bytes of
calls, batches and replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.errors import (
    AccessError,
    BadParametersError,
    BusyError,
    CallCancelledError,
    DeadlineError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    NotInControlError,
    OperationAbortedError,
    OutcomeUnknownError,
    ProxyError,
    RefusedError,
    RemoteError,
    RevokedKeyError,
    RoleTooLowError,
    TooLargeError,
    UnknownKeyError,
    VersionMismatchError,
)
from zmqjsonproxy.protocol.arrays import Framed, join
from zmqjsonproxy.protocol.failures import Code, error_object
from zmqjsonproxy.rpc.protocol import lonearray

__all__ = [
    "CANCEL",
    "SHORT_END",
    "SIMPLE",
    "Code",
    "Members",
    "batch",
    "cancel",
    "error_from",
    "error_object",
    "failure",
    "read_reply",
    "reply",
    "request_around_id",
    "results_in_order",
    "simple_request",
]


CANCEL = "rpc.cancel"
"""Method by which a client cancels a call of its own."""


_CLASSES: dict[int, type[RemoteError]] = {
    Code.NO_SUCH_METHOD: NoSuchMethodError,
    Code.BAD_PARAMETERS: BadParametersError,
    Code.BUSY: BusyError,
    Code.DEADLINE: DeadlineError,
    Code.TOO_LARGE: TooLargeError,
    Code.CANCELLED: CallCancelledError,
}


_ACCESS: dict[str, type[AccessError]] = {
    each.__name__: each
    for each in (RevokedKeyError, RoleTooLowError, UnknownKeyError, VersionMismatchError)
}

_TAKES = ndarray.is_available()
"""What our callers take as frames behind the body: arrays and bytes, or without numpy bytes
only."""

SHORT_END = b',"short":true}}'
"""End of a request of one of our callers if no integer in it has more than 64 bits; its server need not
look for any."""
_SHORT = b'{"dealer":{"short":true},'
"""How a reply to one of our callers begins, likewise."""
_LONG_ENOUGH = 1000
"""Looking through less takes no time, bytes."""
_RESULT = b'{"jsonrpc":"2.0","id":'
_NO_LONG_BELOW = len(_RESULT) + len(b',"result":}') + 19
"""A shorter reply that begins so has no room for a result, or an error, with 19 digits in a row,
bytes."""

SIMPLE = frozenset({bool, int, float, str, type(None)})
"""Types that hold nothing else."""
_BUILT_IN = SIMPLE | {dict, list, tuple}


Members = tuple[tuple[str, str], ...]
"""Names and texts that a client adds to the member `dealer` of all calls to a server: `run`,
`control`."""


@lru_cache(256)
def _around_params(
    object_name: str,
    method: str,
    deadline_s: float,
    mixed: bool,
    begun_by: str,
    short: bool,
    members: Members,
) -> tuple[bytes, bytes]:
    """Return what hardly ever changes of a call: before its request number, and after its
    params."""
    extra: dict[str, Any] = {"deadline_s": deadline_s, "arrays": _TAKES}
    if begun_by:  # an operation may begin whenever its turn comes
        extra = {"wait": "accepted", "client": begun_by, "arrays": _TAKES}
    if mixed:
        extra["params"] = "mixed"
    extra.update(members)
    before = b'{"jsonrpc":"2.0","method":' + wirejson.dumps(f"{object_name}.{method}") + b',"id":'
    after = b',"dealer":' + wirejson.dumps(extra) + b"}"
    return before, after[:-2] + SHORT_END if short else after


def simple_request(
    object_name: str,
    method: str,
    args: Sequence[Any],
    deadline_s: float,
    number: int,
    members: Members = (),
) -> bytes | None:
    """Encode a call whose arguments are numbers, texts and the like, in one step, as most are made
    once; None: they are more than that. Other arguments as of `request_around_id`."""
    if not SIMPLE.issuperset(map(type, args)):
        return None
    params, short = wirejson.dumps_short(args)
    before, after = _around_params(object_name, method, deadline_s, False, "", short, members)
    return b'%b%d,"params":%b%b' % (before, number, params, after)


def request_around_id(
    object_name: str,
    method: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    deadline_s: float,
    arrays: bool | None = None,
    begun_by: str = "",
    members: Members = (),
) -> tuple[bytes, bytes]:
    """Encode a call: what stands before its request number, and after it (Framed if frames follow).

    Args:
        object_name: Exposed object.
        method: Its method.
        args: Positional arguments.
        kwargs: Keyword arguments; with positional ones beside them, `dealer.params` is "mixed".
        deadline_s: Nobody waits longer, s.
        arrays: The server takes arrays and bytes as frames; False: bytes only; None: nothing but
            JSON.
        begun_by: The call begins an operation, and is answered as soon as that has an identity; who
            asks for it.
        members: Further members of `dealer`.
    """
    params: Any = args
    if kwargs:
        params = {"args": args, "kwargs": kwargs} if args else kwargs
    body, described, short = b"[]", b"", True
    frames: Sequence[Any] = ()
    if params and (arrays is None or (not kwargs and SIMPLE.issuperset(map(type, args)))):
        body, short = wirejson.dumps_short(params)
    elif params:
        body, described, frames, short = ndarray.dumps(params, arrays is True)
    mixed, short = bool(args and kwargs), short and not frames
    before, after = _around_params(object_name, method, deadline_s, mixed, begun_by, short, members)
    if not frames:
        return before, b',"params":%b%b' % (body, after)
    # `after` ends the members of `dealer` and then the request
    return before, Framed(b',"params":%b%b,"frames":%b}}' % (body, after[:-2], described), frames)


def reply(identity: Any, value: Any, arrays: Any = None) -> bytes:
    """Encode a result.

    Args:
        identity: Request number.
        value: Result.
        arrays: Whether the caller takes arrays and bytes as frames, as in `request_around_id`.
    """
    kind, is_plain = type(value), type(identity) is int
    if kind is int and is_plain:
        return b'{"jsonrpc":"2.0","id":%d,"result":%d}' % (identity, value)
    if kind in SIMPLE and is_plain:
        return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (identity, wirejson.dumps(value))
    if arrays is True and kind not in _BUILT_IN and is_plain:
        lone = lonearray.write(identity, value)
        if lone is not None:
            return lone
    number = b"%d" % identity if is_plain else wirejson.dumps(identity)
    if arrays is None or kind in SIMPLE:
        return _result(number, wirejson.dumps(value))
    body, described, frames, short = ndarray.dumps(value, arrays is True)
    if not frames:
        return _result(number, body, _SHORT if short and len(body) > _LONG_ENOUGH else b"{")
    text = b' {"jsonrpc":"2.0","id":%b,"result":%b,"dealer":{"frames":%b}}' % (
        number,
        body,
        described,
    )
    return Framed(text, frames)


def _result(number: bytes, body: bytes, begin: bytes = b"{") -> bytes:
    return b"".join(
        (begin, b'"jsonrpc":"2.0","id":', number, b',"result":', body, b"}")
    )  # copies a large one once


def read_reply(body: bytes) -> Any:
    """Decode what a server of ours answers; raises as `wirejson.loads` or `ndarray.loads`."""
    if isinstance(body, Framed):
        return lonearray.read(body) or ndarray.loads(body)
    return wirejson.loads(body, body.startswith(_RESULT if len(body) < _NO_LONG_BELOW else _SHORT))


def results_in_order(replies: Any, first: int, count: int) -> list[Any] | None:
    """Return the results to a batch numbered from `first` on, if all are results and in order, as
    most are."""
    try:
        pairs = zip(replies, range(first, first + count), strict=True)
        results = [reply["result"] for reply, number in pairs if reply["id"] == number]
    except (
        LookupError,
        TypeError,
        ValueError,
    ):  # failures, fewer or more of them, or what is no reply
        return None
    return results if len(results) == count else None


def cancel(identity: int, only_waiting: bool = False) -> bytes:
    """Encode the notification that nobody waits for a call any more; `only_waiting`: what runs goes
    on."""
    more = b',"only_waiting":true' if only_waiting else b""
    return b'{"jsonrpc":"2.0","method":"rpc.cancel","params":{"id":%d%b}}' % (identity, more)


def batch(
    object_name: str,
    calls: Sequence[tuple[str, Sequence[Any], Mapping[str, Any]]],
    first: int,
    deadline_s: float,
    arrays: bool | None,
    members: Members = (),
) -> bytes:
    """Encode calls of one object as one message; arguments as `request_around_id`, with numbers
    from `first` on.

    The others share the member `dealer` of the first: it would be half of the message, and of the
    time to read it.
    """
    extra: dict[str, Any] = {"deadline_s": deadline_s, "arrays": _TAKES, **dict(members)}
    dotted = f"{object_name}."
    messages: list[dict[str, Any]] = []
    for number, (method, args, kwargs) in enumerate(calls, first):
        message = {"jsonrpc": "2.0", "method": dotted + method, "id": number, "params": args}
        if kwargs:
            message["params"] = {"args": args, "kwargs": kwargs} if args else kwargs
            if args:
                message["dealer"] = {**extra, "params": "mixed"}
        messages.append(message)
    messages[0]["dealer"] = {**messages[0].get("dealer", extra), "shared": True}
    if arrays is None:
        return wirejson.dumps(messages)
    whole, _, frames, _ = ndarray.dumps(messages, arrays)
    if not frames:
        return whole
    bodies: list[bytes] = []  # each call says what its frames hold
    for number, (method, args, kwargs) in enumerate(calls, first):
        before, after = request_around_id(
            object_name, method, args, kwargs, deadline_s, arrays, members=members
        )
        body = b"%b%d%b" % (before, number, after)
        bodies.append(Framed(body, after.frames) if isinstance(after, Framed) else body)
    return join(bodies)


def failure(identity: Any, error: dict[str, Any]) -> bytes:
    """Encode an error reply."""
    return wirejson.dumps({"jsonrpc": "2.0", "id": identity, "error": error})


def error_from(error: Any, *, peer: str = "", method: str = "") -> ProxyError:
    """Turn a decoded member `error` into the exception that its receiver raises."""
    if not isinstance(error, dict):
        return RemoteError(
            "ProtocolError", f"an error that is no object: {error!r:.200}", peer=peer
        )
    data = error.get("data")
    data = data if isinstance(data, dict) else {}
    code = error.get("code")
    type_, text = str(data.get("type", "Error")), str(data.get("text", error.get("message", "")))
    traceback = data.get("traceback")
    entries = [str(entry) for entry in traceback] if isinstance(traceback, list) else []
    if code == Code.REFUSED and type_ == NotInControlError.__name__:
        control = data.get("control")
        known = control if isinstance(control, dict) else {}
        return NotInControlError(text, control=known, peer=peer, method=method)
    if code == Code.REFUSED:
        return RefusedError(text, peer=peer, method=method)
    if code == Code.UNKNOWN:
        return OutcomeUnknownError(text)
    if code == Code.ACCESS:
        return _ACCESS.get(type_, AccessError)(text, peer=peer, method=method)
    if code == Code.ABORTED:
        return OperationAbortedError(text)
    class_ = _CLASSES.get(code, RemoteError) if isinstance(code, int) else RemoteError
    if code == Code.NO_SUCH_METHOD and type_ == NoSuchInterfaceError.__name__:
        class_ = NoSuchInterfaceError
    return class_(type_, text, entries, peer=peer)
