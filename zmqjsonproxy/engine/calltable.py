"""Outcomes of commands by the identities of their calls: one that comes again is answered, and not
carried out a second time.

An identity belongs to a client (its key, or its run) and to one set of arguments. What was carried
out is remembered within bounds; of what was forgotten the numbers are known, so that it is not done
again either. Knows no socket and no dialect.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from groundwork.values import JsonObject
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.engine.callrecords import shown_arguments
from zmqjsonproxy.errors import OutcomeUnknownError, RefusedError
from zmqjsonproxy.interface import Method
from zmqjsonproxy.protocol.request import Request

__all__ = ["MAX_WAITING", "CallTable", "KnownCall", "TableLimits"]

R = TypeVar("R")
Answer = Callable[[R], None]
_Owner = tuple[str, str]
"""Key of a client, and identity of its run; each may be empty."""
_SHOWN_BYTES = 2000
"""Of calls whose arguments take less the arguments are remembered, to be shown."""
_CALL_BYTES = 1000
"""Memory that is taken by a call of which nothing else is remembered, about."""
MAX_WAITING = 100
"""Times that one call may come again while it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLimits:
    """Limits of what is remembered.

    Attributes:
        of_a_client: Calls of a client that have ended.
        clients: Clients.
        bytes: Of memory that all calls take that have ended, about: replies, and small arguments.
        reply_bytes: Of one reply.
    """

    of_a_client: int = 500
    clients: int = 1000
    bytes: int = 32 * 2**20
    reply_bytes: int = 2**20


@dataclass(slots=True, eq=False)
class KnownCall(Generic[R]):
    """A call that came once.

    Attributes:
        owner: Whose it is.
        call_id: Its identity.
        number: Among those of its run; -1: it has none.
        digest: Of its method and arguments.
        request: It, as it came first, if it is small.
        size: Bytes of memory that it takes, about.
        operation: Identity of its operation; empty: it has none.
        is_over: It is answered.
        reply: What it was answered; None: nothing yet, or too much to be kept.
        waiting: Calls that came again and wait for the answer.
    """

    owner: _Owner
    call_id: str
    number: int
    digest: bytes
    request: Request | None
    size: int
    operation: str = ""
    is_over: bool = False
    reply: R | None = None
    waiting: list[tuple[Request, Answer[R]]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Client(Generic[R]):
    calls: dict[str, KnownCall[R]] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)  # of those, the oldest first
    forgotten: int = -1  # the highest number of those that were forgotten
    size: int = 0  # of those that have ended, bytes


class CallTable(Generic[R]):
    """Calls of commands of one server, for any thread.

    Args:
        instance: Identity of the server.
        kept: Returns a reply as it is remembered, and its size, bytes.
        again: Makes the reply to a call that came again.
        told: Returns a reply as `result` or `error` of JSON-RPC.
        limits: Of what is remembered.
    """

    def __init__(
        self,
        instance: str,
        kept: Callable[[R], tuple[R, int]],
        again: Callable[[R, Request], R],
        told: Callable[[R], JsonObject],
        limits: TableLimits | None = None,
    ) -> None:
        self.instance, self._kept, self._again, self._told = instance, kept, again, told
        self._limits = limits or TableLimits()
        self._clients: dict[_Owner, _Client[R]] = {}
        self._bytes = 0
        self._has_forgotten_clients = False
        self._lock = threading.Lock()

    def begin(
        self, method: Method, request: Request, key: str, size: int, answer: Answer[R]
    ) -> tuple[KnownCall[R], bool] | None:
        """Take a call; True: it is new, and its `finish` or `forget` follows.

        One that is not new is either over, or its answer will be given to `answer`.

        Args:
            method: What it calls.
            request: It.
            key: Name of its client's key; empty: it has none.
            size: Bytes of memory that it takes, about.
            answer: Takes its reply.

        Returns:
            None: it has no identity.

        Raises:
            RefusedError: A call of the same identity has other arguments.
            OutcomeUnknownError: Whether it was carried out is not known, or it came too often.
        """
        call_id = request.call_id
        if not call_id:
            return None
        owner, number = _owner(key, call_id)
        digest = _digest(request)
        sent_before = (request.extra or {}).get("instance")
        with self._lock:
            client = self._clients.pop(owner, None)
            if client is not None:
                self._clients[owner] = client  # the last one in the order
            known = None if client is None else client.calls.get(call_id)
            if known is None:
                if sent_before is not None and sent_before != self.instance:
                    raise OutcomeUnknownError(
                        f"{request.target}: call {call_id} was sent to another run of this server; "
                        "whether it was carried out there is not known, and nothing was done here"
                    )
                is_lost = self._has_forgotten_clients and client is None
                forgotten = -1 if client is None else client.forgotten
                if 0 <= number <= forgotten or (sent_before is not None and is_lost):
                    raise OutcomeUnknownError(
                        f"{request.target}: call {call_id} is too old to be known; nothing was done"
                    )
                kept, size = (request, size) if size <= _SHOWN_BYTES else (None, 0)
                known = KnownCall(owner, call_id, number, digest, kept, _CALL_BYTES + size)
                self._clients.setdefault(owner, _Client()).calls[call_id] = known
                self._forget_clients()
                return known, True
            if known.digest == digest:
                if not known.is_over:
                    self._let_wait(known, request, answer)
                return known, False
        raise RefusedError(
            f"call {call_id} came with other arguments than before: {_shown(method, request)}; "
            f"before: {_shown(method, known.request)}; nothing was done"
        )

    def reply(self, known: KnownCall[R], request: Request) -> R | None:
        """Return the reply to a call that came again and is over; None: it will be answered.

        Raises:
            OutcomeUnknownError: It was carried out, and its result was too large to be kept.
        """
        with self._lock:
            if not known.is_over:
                return None
            reply = known.reply
        if reply is None:
            raise OutcomeUnknownError(
                f"{request.target}: call {known.call_id} was carried out; its result was too large "
                "to be kept"
            )
        return self._again(reply, request)

    def finish(self, known: KnownCall[R], reply: R) -> None:
        """Remember what a call was answered, and answer those that wait for it; no effect on one
        that is over."""
        kept, size = self._kept(reply)
        with self._lock:
            if known.is_over:
                return
            known.is_over = True
            if size <= self._limits.reply_bytes:
                known.reply, known.size = kept, known.size + size
            client = self._clients.get(known.owner)
            if client is not None and client.calls.get(known.call_id) is known:
                client.ended[known.call_id] = None
                client.size += known.size
                self._bytes += known.size
                if len(client.ended) > self._limits.of_a_client:
                    self._forget_oldest(client)
            if self._bytes > self._limits.bytes:
                self._forget_bytes()
            waiting, known.waiting = known.waiting, []
        self._answer(waiting, reply)

    def forget(self, known: KnownCall[R], reply: R) -> None:
        """Forget a call of which nothing was done: it may come again. Those that wait for it get the
        reply, too."""
        with self._lock:
            if known.is_over:
                return
            known.is_over = True
            client = self._clients.get(known.owner)
            if client is not None and client.calls.get(known.call_id) is known:
                del client.calls[known.call_id]
            waiting, known.waiting = known.waiting, []
        self._answer(waiting, reply)

    def tell(self, key: str, call_id: str) -> JsonObject | None:
        """Return what became of a call of a client, whose key has this name: `state` (running, done,
        failed), `value`, `error` or `text`, and the identity of its `operation`; None: it is not
        known (any more)."""
        owner, _ = _owner(key, call_id)
        with self._lock:
            client = self._clients.get(owner)
            known = None if client is None else client.calls.get(call_id)
            if known is None:
                return None
            is_over, reply, operation = known.is_over, known.reply, known.operation
        if operation:
            return {"operation": operation}
        if not is_over:
            return {"state": "running"}
        if reply is None:
            return {"state": "done", "value": None, "text": "the result was too large to be kept"}
        told = self._told(reply)
        if "error" in told:
            return {"state": "failed", "error": told["error"]}
        return {"state": "done", "value": told.get("result")}

    def _let_wait(self, known: KnownCall[R], request: Request, answer: Answer[R]) -> None:
        """Have a call answered that came again, without its arguments, which nobody needs."""
        if len(known.waiting) >= MAX_WAITING:
            raise OutcomeUnknownError(
                f"{request.target}: call {known.call_id} runs, and came {MAX_WAITING} times "
                "meanwhile; ask outcome_of what became of it"
            )
        known.waiting.append((replace(request, args=[], kwargs={}), answer))

    def _answer(self, waiting: list[tuple[Request, Answer[R]]], reply: R) -> None:
        for request, answer in waiting:
            answer(self._again(reply, request))

    def _forget_oldest(self, client: _Client[R]) -> None:
        call_id = next(iter(client.ended))
        del client.ended[call_id]
        known = client.calls.pop(call_id)
        client.forgotten = max(client.forgotten, known.number)
        client.size -= known.size
        self._bytes -= known.size

    def _forget_bytes(self) -> None:
        """Forget calls of whoever has the most bytes, until there are few enough."""
        while self._bytes > self._limits.bytes:
            self._forget_oldest(max(self._clients.values(), key=lambda client: client.size))

    def _forget_clients(self) -> None:
        """Forget the client that was not heard of for longest, if there are too many; none whose
        calls go on."""
        if len(self._clients) <= self._limits.clients:
            return
        for owner, client in self._clients.items():
            if len(client.calls) == len(client.ended):
                self._bytes -= client.size
                self._has_forgotten_clients = True
                del self._clients[owner]
                return


def _owner(key: str, call_id: str) -> tuple[_Owner, int]:
    """Return whose a call is, and its number in the run of its client; -1: it has none."""
    run, dash, number = call_id.rpartition("-")
    if dash and run and number.isascii() and number.isdigit() and len(number) < 19:
        return (key, run), int(number)
    return (key, ""), -1


def _digest(request: Request) -> bytes:
    """Return what calls of one method with equal arguments share, and no others."""
    what = [request.target, request.args, request.kwargs]
    try:
        return hashlib.sha256(wirejson.dumps(what)).digest()
    except TypeError:  # arrays, or bytes
        body, described, frames, _ = ndarray.dumps(what, arrays=True)
        made = hashlib.sha256(body)
        for part in (described, *frames):
            made.update(part)
        return made.digest()


def _shown(method: Method, request: Request | None) -> str:
    """Return a call as people read it, without secrets."""
    if request is None:
        return "(large arguments)"
    args, kwargs, _ = shown_arguments(method, request)
    words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    return f"{request.target}({', '.join(words)})"
