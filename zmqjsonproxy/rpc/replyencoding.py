"""Encoding of replies: what came of a method, in the dialect of its request; the `Replies` of a server's
call engine. Knows no socket, no thread."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from groundwork.errors import text_of
from zmqjsonproxy.engine.callrecords import HIDDEN
from zmqjsonproxy.errors import (
    AccessError,
    AlreadyDoneError,
    NotInControlError,
    OperationAbortedError,
    RefusedError,
    SelfExplanatoryError,
    TooLargeError,
)
from zmqjsonproxy.interface import Method
from zmqjsonproxy.protocol.arrays import Framed, size_of
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.dialect import TOO_FULL, Request, write_reply
from zmqjsonproxy.rpc.protocol.jsonrpc import Code
from zmqjsonproxy.waiting import WouldWaitError

__all__ = [
    "TOO_FULL",
    "accepted",
    "again",
    "call",
    "denied",
    "encoded",
    "kept",
    "not_begun",
    "outcome",
    "raised",
    "result",
    "told",
    "unserializable",
]

log = logging.getLogger(__name__)


def call(method: Method, request: Request) -> bytes:
    """Call the method and encode what comes of it. Never raises: SystemExit and KeyboardInterrupt
    included.

    Raises:
        WouldWaitError: It is to be carried out in another thread; only where a thread must not
            wait.
    """
    try:
        value = method.function(*request.args, **request.kwargs)
    except WouldWaitError:
        raise
    except BaseException as error:
        return outcome(method, request, error)
    try:  # as `encoded`, which costs a step in each call
        return write_reply(request, value)
    except BaseException as error:
        return unserializable(request, error)[0]


def outcome(method: Method, request: Request, error: BaseException) -> bytes:
    """Encode the reply to a call whose method raised, which for "nothing had to be done" is a
    value. Never raises."""
    if isinstance(error, AlreadyDoneError) and request.native:
        return encoded(request, error.value)
    return raised(method, request, error)[0]


def encoded(request: Request, value: Any) -> bytes:
    """Encode a result; one that cannot travel is an error. Never raises."""
    try:
        return write_reply(request, value)
    except BaseException as error:
        return unserializable(request, error)[0]


def result(request: Request, value: Any) -> tuple[bytes, int]:
    """Encode a result; it and its size, bytes. Raises as `write_reply`."""
    reply = write_reply(request, value)
    return reply, size_of(reply)


def accepted(request: Request, operation: str, state: str) -> bytes:
    """Encode the reply to a call that begins an operation and does not wait for its end."""
    return jsonrpc.reply(request.id, {"operation": operation, "state": state})


def unserializable(request: Request, error: BaseException) -> tuple[bytes, dict[str, Any]]:
    """Encode the reply that stands for a value which JSON, or a frame, cannot hold; the reply and
    its error object."""
    type_, code = type(error).__name__, Code.INTERNAL
    if isinstance(error, TooLargeError):
        text, code = error.text, Code.TOO_LARGE
    else:
        text = f"{request.target} returned what JSON cannot hold: {text_of(error)}"
    log.warning("%s", text)
    described = jsonrpc.error_object(code, type_, text)
    if request.native:
        return jsonrpc.failure(request.id, described), described
    return original.failure(type_, text), described


def raised(method: Method, request: Request, error: BaseException) -> tuple[bytes, dict[str, Any]]:
    """Encode the reply to a call whose method raised; the reply and its error object."""
    trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
    type_, text = type(error).__name__, text_of(error)
    entries: list[str] = []
    code = Code.APPLICATION
    if isinstance(error, RefusedError):
        code = Code.REFUSED
    elif isinstance(error, OperationAbortedError):
        code = Code.ABORTED
    elif isinstance(error, TypeError) and trace is None:
        code = Code.BAD_PARAMETERS  # raised by the call itself, not within it
        told = (
            method.signature if method.mark.keywords is None else "(NAME=VALUE, ...)"
        )  # too many to list
        text += f"; the signature is {method.name}{told}"
    else:
        entries = traceback.format_tb(trace)[-original.MAX_TRACEBACK :]
        shown = HIDDEN if method.secret else text  # which may repeat an argument
        log.info("%s raised %s: %s", request.target, type_, shown)
    if request.native and isinstance(error, SelfExplanatoryError):
        entries = []
    described = jsonrpc.error_object(code, type_, text, entries)
    if isinstance(error, NotInControlError):
        described["data"]["control"] = error.control
    if request.native:
        return jsonrpc.failure(request.id, described), described
    if isinstance(error, RefusedError) and error.original is not None:
        return original.reply(error.original), described
    if method.mark.refusal_pair and code in (Code.REFUSED, Code.ABORTED):
        return original.reply([False, text]), described
    return original.failure(type_, text, entries), described


def not_begun(request: Request, code: Code, type_: str, text: str) -> tuple[bytes, dict[str, Any]]:
    """Encode the reply to a call of which nothing was done; the reply and its error object."""
    described = jsonrpc.error_object(code, type_, text)
    if request.native:
        return jsonrpc.failure(request.id, described), described
    return original.failure(type_, text), described


def denied(request: Request, method: Method | None, error: AccessError) -> bytes:
    """Encode the reply to a call that its caller may not make; `method`: what is called, if it is
    known."""
    type_ = type(error).__name__
    if request.native:
        described = jsonrpc.error_object(Code.ACCESS, type_, error.text)
        return jsonrpc.failure(request.id, described)
    if method is not None and method.mark.refusal_pair:
        return original.reply([False, error.text])
    return original.failure(type_, error.text)


def kept(reply: bytes) -> tuple[bytes, int]:
    """Return a reply that nothing can change any more, and its size, bytes."""
    if isinstance(reply, Framed):
        reply = Framed(bytes(reply), tuple(bytes(frame) for frame in reply.frames))
    return reply, size_of(reply)


def told(reply: bytes) -> dict[str, Any]:
    """Return what a reply says: `result` or `error`."""
    decoded: dict[str, Any] = jsonrpc.read_reply(reply)
    return decoded


def again(reply: bytes, request: Request) -> bytes:
    """Make the reply to a native call that came before, of the reply that it got then."""
    said = told(reply)
    if said.get("id") == request.id:
        return reply
    if "error" in said:
        return jsonrpc.failure(request.id, said["error"])
    return encoded(request, said.get("result"))
