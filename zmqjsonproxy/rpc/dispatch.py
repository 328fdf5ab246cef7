"""From the bytes of a client's message to its replies: dialects, batches, limits, what is unknown.

Above the call engine, below the socket of a server. A message of a client is `frames`: its
envelope, which begins with the routing id, and the body.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from time import perf_counter as clock
from typing import Any

from zmqjsonproxy import wirejson
from zmqjsonproxy.caller import KnownCallers
from zmqjsonproxy.channels.publisher import Publisher
from zmqjsonproxy.controllog import control
from zmqjsonproxy.engine import CallEngine
from zmqjsonproxy.engine.calls import TOO_LATE, due_at
from zmqjsonproxy.engine.commandqueues import SMALL, QueuedCall
from zmqjsonproxy.errors import AccessError
from zmqjsonproxy.interface import Method, MethodKind
from zmqjsonproxy.protocol.arrays import join, size_of
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rights import KnownKey, Role
from zmqjsonproxy.rpc.admission import ADMIN, TOKEN, Admission, Grant
from zmqjsonproxy.rpc.batchreply import BatchReply
from zmqjsonproxy.rpc.connectionmethods import BEAT, ConnectionMethods
from zmqjsonproxy.rpc.introspection import answer_unknown, refuse_hello
from zmqjsonproxy.rpc.protocol import dialect, jsonrpc
from zmqjsonproxy.rpc.protocol.dialect import (
    Malformed,
    MessageLimits,
    decoded,
    read_failure,
    write_native_reply,
)
from zmqjsonproxy.rpc.protocol.handshakes import check_version
from zmqjsonproxy.rpc.replyencoding import denied, encoded, not_begun, outcome, unserializable
from zmqjsonproxy.rpc.settings import ServerSettings
from zmqjsonproxy.waiting import WouldWaitError

__all__ = ["Dispatcher"]

_PAUSE_S = 0.0005
"""Between the queries of a long batch, so that whoever waits for a lock that they take gets it."""
Envelope = Sequence[bytes]
Answer = Callable[[bytes], None]
_NO_HOLD = nullcontext()
_TOKEN = f'"{TOKEN}"'.encode()


class Dispatcher:
    """Reads messages, has their calls carried out, and answers; for the thread of a socket.

    Args:
        engine: Carries calls out.
        settings: Limits.
        send: Sends a reply; called in the thread that calls `serve`.
        post: Sends a reply from any thread.
        on_hello: Told the routing id of a client that is one of ours.
        publisher: Subscribes clients; None: nothing is published.
        hold: Keeps updates back until what is done meanwhile is answered.
        admission: Says what clients may do; None: the same as without keys.
    """

    def __init__(
        self,
        engine: CallEngine[bytes],
        settings: ServerSettings,
        send: Callable[[Envelope, bytes], object],
        post: Callable[[Envelope, bytes], None],
        on_hello: Callable[[bytes], None] = lambda _client: None,
        publisher: Publisher | None = None,
        hold: AbstractContextManager[None] = _NO_HOLD,
        admission: Admission | None = None,
    ) -> None:
        self._engine, self._settings, self._hold = engine, settings, hold
        self._send, self._post, self._on_hello = send, post, on_hello
        self._callers = KnownCallers()
        self._connection_methods = ConnectionMethods(engine, publisher, self._callers)
        self._admission = admission or Admission(None, settings.original_role)
        self._is_held = False
        self._key: KnownKey | None = None  # of the message being served
        self._has_token = False
        self._body, self._parts = b"", 1  # of the message being served, and its calls
        self._limits = MessageLimits(
            max_bytes=settings.max_message_bytes,
            max_json_bytes=settings.max_json_bytes,
            max_values=settings.max_values,
            max_parts=settings.max_parts,
            max_depth=settings.max_depth,
            max_batch=settings.max_batch,
        )

    def serve_with_keys(self, frames: list[bytes]) -> None:
        """Serve a message of a connection that may have proven a key; as `serve`."""
        try:
            self._key = self._admission.key_of(frames[0])
        except AccessError as error:
            self._refuse_all(frames, error)
            return
        self._has_token = _TOKEN in frames[-1]
        if self._has_token:  # each call is looked at
            body = self._body = frames.pop()
            self._parts = 1
            self._serve_any(decoded(body, self._limits), frames)
        else:
            self.serve(frames)

    def _refuse_all(self, frames: list[bytes], error: AccessError) -> None:
        """Refuse a message, whatever it asks."""
        body = self._body = frames.pop()
        request: object = None
        if size_of(body) <= SMALL:  # whoever may ask nothing must not have much work done
            request = dialect.read_decoded(decoded(body, self._limits), body, self._limits)
        if not isinstance(request, Request):
            self._send(frames, read_failure(dialect.denied(body, error)))
            return
        self._tell_denied(request, frames[0], error, self._admission.known_as(frames[0]))
        if not request.notification:
            self._send(frames, self._denied(request, error))

    def _tell_denied(
        self, request: Request, client: bytes, error: AccessError, grant: Grant
    ) -> None:
        """Tell whoever keeps records that somebody tried a command that he may not call."""
        method = self._engine.methods.get(request.target)
        if method is None or method.kind is MethodKind.QUERY:
            return
        named = (request.extra or {}).get("client")
        caller = grant.dress(self._callers.find(client, named, request.native))
        described = jsonrpc.error_object(Code.ACCESS, type(error).__name__, error.text)
        self._engine.tell_not_begun(method, request, caller, described)

    def _denied(self, request: Request, error: AccessError) -> bytes:
        if not request.native and request.extra is not None:
            described = jsonrpc.error_object(Code.ACCESS, type(error).__name__, error.text)
            most = self._settings.max_message_bytes
            return refuse_hello(described, self._engine.operations.instance, most)
        return denied(request, self._engine.methods.get(request.target), error)

    def _granted(self, request: Request) -> Grant:
        """Return the rights of a request.

        Raises:
            AccessError: They are too few for it.
        """
        extra, key, admission = request.extra, self._key, self._admission
        if key is None and request.native and (extra is None or TOKEN not in extra):
            return ADMIN
        grant = admission.grant(request, key)
        method = self._engine.methods.get(request.target)
        admission.check(grant, Role.OBSERVE if method is None else method.mark.needs)
        return grant

    def _is_granted(self, request: Request) -> bool:
        try:
            self._granted(request)
        except AccessError:
            return False
        return True

    def serve(self, frames: list[bytes]) -> None:
        """Serve a message; what the socket raises is raised.

        Most are queries with a number, a list of parameters and a member `dealer`. A Request, and
        the steps of `call`, take longer than a small one.
        """
        body = self._body = frames.pop()
        engine, message, self._parts = self._engine, decoded(body, self._limits), 1
        if type(message) is list:  # the exception below takes longer
            self._serve_any(message, frames)
            return
        try:
            target, params, number = message["method"], message["params"], message["id"]
            extra, query = message["dealer"], engine.quick.get(target)
            is_plain = message["jsonrpc"] == "2.0" and type(number) is int
        except (TypeError, KeyError):
            query = None
        if (
            query is None
            or not is_plain
            or type(params) is not list
            or type(extra) is not dict
            or engine.is_full(frames[0])
        ):
            self._serve_any(message, frames)
            return
        begun = clock()
        try:
            value = query.function(*params)
        except WouldWaitError:
            self._serve_any(message, frames, hand_over=True)
            return
        except BaseException as error:
            reply = outcome(query, dialect.read_good_part(message, None), error)
        else:
            try:
                reply = write_native_reply(target, number, value, extra.get("arrays"))
            except BaseException as error:
                reply = unserializable(dialect.read_good_part(message, None), error)[0]
        if (taken := clock() - begun) > engine.slow_query_s:
            engine.set_aside(target, taken)
        self._send(frames, reply)

    def _serve_any(self, message: Any, frames: list[bytes], *, hand_over: bool = False) -> None:
        """Serve a message that was decoded, whatever it is.

        Args:
            message: What `dialect.decoded` has made of it.
            frames: Its envelope.
            hand_over: It is a query that is to be carried out beside this thread.
        """
        body = self._body
        request = dialect.read_decoded(message, body, self._limits)
        if self._engine.is_full(frames[0]) and not (
            isinstance(request, Request) and (request.notification or request.target == BEAT)
        ):  # a subscriber for whom updates wait is alive
            request = dialect.too_full(request, body)
        if isinstance(request, Request):
            if not request.native and request.extra is not None:  # the hello of one of our callers
                self._on_hello(frames[0])
                self._callers.take(frames[0], request.extra.get("client"))
                control.note("hello of %s", request.extra.get("client"))
            if hand_over:
                query, grant = self._engine.quick[request.target], self._granted(request)
                reply = self._hand_over(query, request, frames, grant)
            else:
                reply = self.call(request, frames)
            if reply is not None:
                self._send(frames, reply)
        elif isinstance(request, list):
            self._parts = len(request)
            try:
                self._serve_batch(request, frames)
            finally:
                if self._is_held:
                    self._is_held = False
                    self._hold.__exit__(None, None, None)
        else:
            self._send(frames, read_failure(request))

    def refuse(self, frames: list[bytes], error: Exception) -> None:
        """Answer a message that could not be handled, of which `serve` has taken the body."""
        self._send(frames, read_failure(dialect.not_handled(self._body, error)))

    def call(
        self, request: Request, envelope: Envelope, later: Answer | None = None
    ) -> bytes | None:
        """Carry out a query, or hand a command over.

        Args:
            request: A call.
            envelope: Of its client.
            later: Takes the reply if it comes later; None: it is posted.

        Returns:
            The reply; None: there is none, or none yet.
        """
        engine, target = self._engine, request.target
        try:
            grant = self._granted(request)
            if not request.native and request.extra is not None:
                check_version(request.extra)
        except AccessError as error:
            grant = self._admission.tried(request, self._key)
            self._tell_denied(request, envelope[0], error, grant)
            return None if request.notification else self._denied(request, error)
        query = engine.quick.get(target)
        if query is not None and (request.native or query.queue != "rpc"):
            try:
                reply = engine.answer_query(query, request)
            except WouldWaitError:
                return self._hand_over(query, request, envelope, grant, later)
            return None if request.notification else reply
        method = engine.methods.get(target)
        if method is not None and (request.native or method.queue != "rpc"):
            return self._hand_over(method, request, envelope, grant, later)
        if request.native:
            with self._hold:
                own = self._connection_methods.answer(request, envelope[0])
            if own is not None and later is not None and not self._is_held:
                self._is_held = True  # to the end of the batch: the answer may tell of a stream
                self._hold.__enter__()
            if own is not None:
                return None if request.notification else own
        most = self._settings.max_message_bytes
        return answer_unknown(request, engine.interfaces, engine.operations.instance, most)

    def _hand_over(
        self,
        method: Method,
        request: Request,
        envelope: Envelope,
        grant: Grant,
        later: Answer | None = None,
    ) -> bytes | None:
        named = (request.extra or {}).get("client")
        return self._engine.hand_over(
            method,
            request,
            later or partial(self._post, envelope),
            grant.dress(self._callers.find(envelope[0], named, request.native)),
            envelope[0],
            self._weight(),
        )

    def _weight(self) -> int:
        """Bytes of memory that a part of the message being served takes, about."""
        body = self._body
        if len(body) <= SMALL:
            return size_of(body) // self._parts
        return (size_of(body) + wirejson.decoded_size(body)) // self._parts

    # batches

    def _serve_batch(self, batch: list[Any], envelope: Envelope) -> None:
        engine, gathered = self._engine, None  # what is not answered here and now
        results: list[dict[str, Any]] = []  # of queries without arrays, encoded all at once
        replies: list[bytes] = []
        rest: list[tuple[Method, Request]] = []  # queries that this thread has no time for
        size, most = 0, self._settings.max_batch_reply_bytes
        simple, clock = jsonrpc.SIMPLE, time.perf_counter
        quick = {} if self._has_token else engine.quick
        slow = engine.slow_query_s
        shared, now, is_over = dialect.shared_extra(batch), clock(), False
        limit = now + slow
        for message in batch:
            # most are queries with a number and a list of parameters, and need no more looking at
            try:
                method, params, number = message["method"], message["params"], message["id"]
                query = quick[method] if message["jsonrpc"] == "2.0" else None
            except (TypeError, KeyError):
                query = None
            if is_over or query is None or type(params) is not list or type(number) is not int:
                gathered = gathered or self._batch_reply(envelope)
                part = dialect.read_part(message, shared)
                left = self._left_query(part, is_over)
                if left is None or not isinstance(part, Request):
                    self._serve_part(part, envelope, gathered)
                elif not part.notification:  # a query that nobody wants an answer to has no effect
                    gathered.expect()
                    rest.append((left, part))
                now = clock()
                is_over = is_over or now > limit
                continue
            begun = now
            try:
                if type(value := query.function(*params)) in simple:
                    results.append({"jsonrpc": "2.0", "id": number, "result": value})
                    if type(value) is str:
                        size += len(value)
                else:
                    replies.append(encoded(dialect.read_good_part(message, shared), value))
                    size += size_of(replies[-1])
            except WouldWaitError:
                gathered = gathered or self._batch_reply(envelope)
                gathered.expect()
                rest.append((query, dialect.read_good_part(message, shared)))
            except BaseException as error:
                replies.append(outcome(query, dialect.read_good_part(message, shared), error))
            now = clock()
            if now > limit or size > most:
                is_over = True
                if now - begun > slow:
                    engine.set_aside(method, now - begun)
        if rest and gathered is not None:
            self._carry_out_rest(rest, envelope[0], gathered)
        if results:
            replies += _all_at_once(results)
        if gathered is not None:
            gathered.close(replies, size)
        elif replies:
            self._send(envelope, join(replies))

    def _left_query(self, part: Request | Malformed, is_over: bool) -> Method | None:
        """Return the method of a query that is to be carried out beside the socket's thread, with
        the others of its batch: as calls of their own they would be too many."""
        if isinstance(part, Malformed) or not (is_over or part.target not in self._engine.quick):
            return None
        method = self._engine.methods.get(part.target)
        if method is None or method.kind is not MethodKind.QUERY or not self._is_granted(part):
            return None
        return method

    def _carry_out_rest(
        self, rest: list[tuple[Method, Request]], client: bytes, gathered: BatchReply
    ) -> None:
        """Carry out beside the socket's thread what is left of the queries of a batch, in turn with
        those of other clients."""
        engine, queue = self._engine, self._engine.queues.named("batches")
        left = deque((*each, due_at((each[1].extra or {}).get("deadline_s"))) for each in rest)

        def run() -> None:
            while left:
                query, request, due = left.popleft()
                if due is not None and time.monotonic() > due:
                    reply = not_begun(request, *TOO_LATE)[0]
                else:
                    reply = gathered.without(request) or engine.carry_out_beside(query, request)
                gathered.add(request, reply)
                time.sleep(_PAUSE_S)
                if left and queue.put_back(job):
                    return

        job = QueuedCall(run, client=client, size=self._weight())
        if not queue.put(job):
            for _, request in rest:
                gathered.add(request, engine.busy(request, "batches")[0])

    def _batch_reply(self, envelope: Envelope) -> BatchReply:
        inline = threading.current_thread()

        def send(whole: bytes) -> None:
            (self._send if threading.current_thread() is inline else self._post)(envelope, whole)

        return BatchReply(send, self._settings.max_batch_reply_bytes)

    def _serve_part(
        self, part: Request | Malformed, envelope: Envelope, gathered: BatchReply
    ) -> None:
        if isinstance(part, Malformed):
            gathered.expect()
            gathered.add(part, read_failure(part))
            return
        if not part.notification:
            gathered.expect()
        reply = self.call(part, envelope, partial(gathered.add, part))
        if reply is not None:
            gathered.add(part, reply)


def _all_at_once(results: list[dict[str, Any]]) -> list[bytes]:
    """Encode results, as what stands between the brackets of a batch."""
    try:
        return [wirejson.dumps(results)[1:-1]]
    except ValueError:  # an integer of more digits than Python writes: one fails, not all
        return [encoded(Request("", [], {}, True, r["id"]), r["result"]) for r in results]
