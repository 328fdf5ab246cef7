"""The server: one ROUTER socket, one thread that serves it, command queues for what takes time.

Queries are answered in the socket's thread (handing over costs more than most of them), unless they
were slow, or would have to wait there; commands and operations go through the command queue of their object.
Workers never touch the socket: they leave their replies in a queue and wake its thread over an
inproc connection to the very ROUTER, so that one blocking `recv` waits for all there is.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import zmq

from groundwork.addresses import split_url
from groundwork.errors import text_of
from groundwork.watching import watch
from zmqjsonproxy import wirejson
from zmqjsonproxy.caller import (
    OF_THE_ORIGINAL,
    Caller,
    KnownCallers,
    begin_calling,
    calling,
    end_calling,
)
from zmqjsonproxy.errors import AlreadyDoneError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Interface, Kind, Method, hidden_by_proxies, running
from zmqjsonproxy.process import LET_GO_WITHIN_S, OfOneProcess, watch_process
from zmqjsonproxy.protocol.arrays import join, size_of
from zmqjsonproxy.protocol.operations import OperationTable, State
from zmqjsonproxy.rpc.commandqueues import SMALL, CommandQueues, Job
from zmqjsonproxy.rpc.descriptors import Listening
from zmqjsonproxy.rpc.errands import Errands
from zmqjsonproxy.rpc.frames import receiver
from zmqjsonproxy.rpc.inbox import Inbox
from zmqjsonproxy.rpc.offers import answer_unknown
from zmqjsonproxy.rpc.outbox import IN_SOCKET_MOST, Outbox
from zmqjsonproxy.rpc.outcomes import carry_out, encoded, not_begun, outcome, raised, unspeakable
from zmqjsonproxy.rpc.ownmethods import OwnMethods
from zmqjsonproxy.rpc.protocol import dialect, jsonrpc
from zmqjsonproxy.rpc.protocol.dialect import Limits, Malformed, Request, read_failure
from zmqjsonproxy.rpc.protocol.jsonrpc import Code
from zmqjsonproxy.rpc.settings import ServerSettings
from zmqjsonproxy.rpc.underway import CallsUnderWay, Gathering, UnderWay, due_at
from zmqjsonproxy.waiting import WouldWaitError, not_waiting

__all__ = ["ServerSettings", "ZMQJSONProxyServer"]

log = logging.getLogger(__name__)

_HOOKS_WITHIN_S = 1.0
"""How long `stop` and its like wait for the hooks of the operation that they abort."""
_POLLIN = int(zmq.POLLIN)
_PAUSE_S = 0.0005
"""Between the queries of a long batch, so that whoever waits for a lock that they take gets it."""
_TAKEN_AT_ONCE = 1000
"""Messages that are taken off the socket before a large one is decoded."""
Reply = Callable[[bytes], None]


class ZMQJSONProxyServer(OfOneProcess):
    """Serves objects to clients of both dialects; binds at once, serves while `run_loop` runs.

    Args:
        ctx: ZeroMQ context.
        URL: Where to bind; `tcp://127.0.0.1:*` takes a free port, see `url`.
        settings: Limits.
        name: What the server calls itself in logs.

    Raises:
        zmq.ZMQError: The address cannot be bound (EADDRINUSE: the port is taken).
    """

    def __init__(
        self,
        ctx: zmq.Context[Any],
        URL: str,  # noqa: N803 (as programs call it)
        settings: ServerSettings | None = None,
        *,
        name: str = "",
    ) -> None:
        self.settings = settings or ServerSettings()
        self.instance = secrets.token_hex(8)
        self.interfaces: dict[str, Interface] = {}
        self._limits = Limits(
            max_bytes=self.settings.max_message_bytes,
            max_json_bytes=self.settings.max_json_bytes,
            max_values=self.settings.max_values,
            max_parts=self.settings.max_parts,
            max_depth=self.settings.max_depth,
            max_batch=self.settings.max_batch,
        )
        self._methods: dict[str, Method] = {}
        self._quick: dict[str, Method] = {}  # queries that are answered in the socket's thread
        self._fast_again: dict[str, int] = {}  # slow queries: how often in turn they were fast
        self._operations = OperationTable(self.instance)
        self._under_way = CallsUnderWay()
        self._callers = KnownCallers()
        self._message = (b"", 1)  # the one being served, and its calls
        self._ended, self._closed = threading.Event(), threading.Event()
        self._loop: threading.Thread | None = None
        self._quit = False
        self._may_wait = True
        self._inner_id = secrets.token_bytes(16)  # a stranger cannot guess it
        self._inner_lock = threading.Lock()
        self._errands = Errands()
        self._router: zmq.Socket[bytes] = ctx.socket(zmq.ROUTER)
        self._inner: zmq.Socket[bytes] = ctx.socket(zmq.DEALER)
        self._router.linger = self._inner.linger = 0
        self._listening = Listening(self._router)
        self._router.set(zmq.MAXMSGSIZE, 4 * self.settings.max_message_bytes)
        self._router.set(zmq.RCVHWM, 0)  # see Inbox
        self._router.set(zmq.SNDHWM, IN_SOCKET_MOST)
        self._router.set(
            zmq.ROUTER_MANDATORY, 1
        )  # what the socket does not take waits in the outbox
        # A client that vanished without a word is dropped after 30 s. By TCP: clients with libzmq
        # below 4.2 do not answer ZeroMQ's heartbeats, and would lose the connection in the middle
        # of a long call.
        self._router.set(zmq.TCP_KEEPALIVE, 1)
        self._router.set(zmq.TCP_KEEPALIVE_IDLE, 10)
        self._router.set(zmq.TCP_KEEPALIVE_INTVL, 5)
        self._router.set(zmq.TCP_KEEPALIVE_CNT, 4)
        self._outbox = Outbox(
            self._router, self._wake, self.settings.max_waiting_bytes, name or URL
        )
        self._send = self._outbox.send
        self._inbox = Inbox(self.settings.max_unread_bytes)
        self._inner.set(zmq.IDENTITY, self._inner_id)
        self._inner.sndhwm = 0
        try:
            inner_url = f"inproc://zmqjsonproxy-{self.instance}"
            self._router.bind(inner_url)
            self._inner.connect(inner_url)
            self._bind(URL)
            self.url: str = self._router.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        except BaseException:
            self.close()
            raise
        self.name = name or self.url
        self._queues = CommandQueues(self.settings.max_queued_calls, self.name)
        self._receive, self._trust = receiver(self._router)
        self._trust(self._inner_id)
        own = OwnMethods(self.name, self.interfaces, self._queues, self._operations)
        for method in Interface.of("rpc", own).methods.values():
            self._methods[f"rpc.{method.name}"] = method
            if method.kind is Kind.QUERY:
                self._quick[f"rpc.{method.name}"] = method
        watch_process(self)

    # what is exposed

    def expose(self, name: str, obj: object, *, queue: str | None = None) -> Interface:
        """Expose an object's marked methods (or all public ones, if none is marked) under `name`.

        Args:
            name: By convention dotted: `bank`, `bank.roach`.
            obj: The object; None exposes an interface without methods.
            queue: Objects of one command queue share one queue of commands; the text before the first dot by
                default.
        """
        if not name or name == "rpc":
            raise ValueError(f"{name!r}: an interface needs a name, and `rpc` is the server's own")
        interface = Interface.of(name, obj, queue=queue)
        for old in self.interfaces.get(name, Interface(name)).methods:
            self._methods.pop(f"{name}.{old}", None)
            self._quick.pop(f"{name}.{old}", None)
        if hidden := hidden_by_proxies(name, interface.methods):
            log.warning("%s: %s", self.name, hidden)
        self.interfaces[name] = interface
        self._methods.update({f"{name}.{key}": method for key, method in interface.methods.items()})
        self._quick.update(
            {f"{name}.{key}": m for key, m in interface.methods.items() if m.kind is Kind.QUERY}
        )
        return interface

    # the loop

    def run_loop(self, watchdogfn: Callable[[], None] | None = None) -> None:
        """Serve until `quit_loop`; blocks. The socket is closed at the end.

        Args:
            watchdogfn: Called each second in a thread of its own, so that a long call does not
                delay it.
        """
        if watchdogfn is not None:
            barks = partial(
                watch, watchdogfn, self._ended, name=self.name, every=self.settings.watchdog_every
            )
            threading.Thread(target=barks, name=f"watchdog {self.name}", daemon=True).start()
        self._loop = threading.current_thread()
        try:
            with not_waiting():
                while not self._quit:
                    self._serve_next()
        finally:
            self._end()

    def fileno(self) -> int:
        """Return the descriptor that is readable when there may be something for
        `serve_waiting`."""
        return int(self._router.get(zmq.FD))

    def serve_waiting(self) -> None:
        """Handle what has arrived, and wait for nothing; instead of `run_loop`, in a thread that
        has many servers.

        To be called whenever `fileno()` is readable, from one thread. A query of one delays the
        others.
        """
        ask: Callable[[int], Any] = self._router.get
        while not self._quit and (self._inbox.waiting or ask(zmq.EVENTS) & _POLLIN):
            if (
                self._may_wait
            ):  # what is there may be no more than the frame too many of a strange peer
                self._may_wait, self._router.rcvtimeo = False, 0
            with not_waiting():
                self._serve_next()

    def _serve_next(self) -> None:
        """Wait for a message and handle it. Never raises: nothing that arrives may end a daemon's
        outermost loop."""
        try:
            if not self._inbox.waiting:
                frames = self._receive()
                if self._is_soon_read(frames[-1]):
                    self._handle(frames)
                    return
                self._inbox.put(frames)
            if not self._is_soon_read(self._inbox.waiting[0][-1]):
                self._take_what_has_arrived()
            self._handle(self._inbox.take())
        except zmq.ContextTerminated:
            self._quit = True
        except zmq.Again:
            pass
        except zmq.ZMQError as error:
            if error.errno == zmq.ENOTSOCK:
                self._quit = True
            else:
                log.warning("%s: %s", self.name, error)
        except Exception:  # MemoryError while it was received
            with contextlib.suppress(Exception):
                log.exception("%s: a message could not be received", self.name)

    def _handle(self, frames: list[bytes]) -> None:
        """Handle a message; raises what the socket raises."""
        try:
            if frames[0] == self._inner_id:
                self._outbox.flush()
                if self._errands:
                    self._errands.do()
            else:
                self._serve(frames)
        except zmq.ZMQError:
            raise
        except Exception as error:  # MemoryError and SystemError among them
            with contextlib.suppress(Exception):
                log.exception("%s: a message could not be handled", self.name)
                self._send(frames, read_failure(dialect.not_handled(self._message[0], error)))

    def _is_soon_read(self, body: bytes) -> bool:
        return not SMALL < len(body) <= self.settings.max_json_bytes

    def _take_what_has_arrived(self) -> None:
        """Take messages off the socket, and wait for none: small ones are served at once, unless
        something of their client waits; others wait, or are refused."""
        patience, self._router.rcvtimeo = self._router.rcvtimeo, 0
        try:
            for _ in range(_TAKEN_AT_ONCE):
                frames = self._receive()
                size = len(frames[-1])
                is_small = size <= SMALL and not self._inbox.has(frames[0])
                if is_small or size > self.settings.max_json_bytes:  # which is refused by its size
                    self._handle(frames)
                elif not self._inbox.put(frames):
                    self._send(frames[:-1], read_failure(dialect.too_many_unread(frames[-1])))
        except zmq.Again:
            pass
        finally:
            self._router.rcvtimeo = patience

    def bind_also(self, url: str) -> None:
        """Serve at a further address, too; from another thread, while `run_loop` runs; zmq.ZMQError
        as at first."""
        self._errands.leave(partial(self._bind, url), self._wake, 5.0)

    def _bind(self, url: str) -> None:
        if url.startswith("tcp://"):  # ZeroMQ takes 99999 for 34463
            split_url(url)
        self._router.set(
            zmq.IPV6, "[" in url
        )  # where it is set, IPv4 addresses are told in the form of IPv6
        self._listening.bind(partial(self._router.bind, url), self._outbox.name)

    def quit_loop(self) -> None:
        """End `run_loop`; usable from any thread and from a signal handler. Returns at once."""
        self._quit = True
        threading.Thread(target=self._wake, name=f"quit {self.name}", daemon=True).start()

    def _wake(self) -> None:
        with contextlib.suppress(zmq.ZMQError), self._inner_lock:
            self._inner.send(b"")

    def _end(self) -> None:
        self._ended.set()
        self._queues.end(self.settings.end_within)
        with contextlib.suppress(zmq.ZMQError):
            self._outbox.flush()
        self._router.linger = 100  # ms: the answer to the call that ended us
        self.close()

    def close(self) -> None:
        """Close the sockets; not while `run_loop` runs: use `quit_loop`."""
        self._ended.set()
        self._outbox.close()
        self._listening.close()
        with self._inner_lock:
            self._inner.close()
        self._router.close()
        self._closed.set()

    def end_with_process(self) -> bool:
        """End the loop, in whichever thread it runs, and close the sockets, at the exit of the
        interpreter."""
        if self._loop is not None and self._loop.is_alive():
            self._quit = True
            self._wake()
        else:
            self.close()
        return self._closed.wait(self.settings.end_within + LET_GO_WITHIN_S)

    def renew_after_fork(self) -> None:
        """Leave the sockets to the parent, in a child of it; they serve there."""
        self._inner_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # one message

    def _serve(self, frames: list[bytes]) -> None:
        body = frames.pop()
        self._message = body, 1
        request = dialect.read_or_batch(body, self._limits)
        self._message = body, len(request) if isinstance(request, list) else 1
        if self._outbox.is_full(frames[0]) and not (
            isinstance(request, Request) and request.notification
        ):
            request = dialect.too_full(request, body)
        if not isinstance(request, Request):
            if isinstance(request, list):
                self._serve_batch(request, frames)
            else:
                self._send(frames, read_failure(request))
            return
        query = self._quick.get(request.target)
        if query is None or not request.native:
            if request.extra is not None and not request.native:  # the hello of one of our callers
                self._trust(frames[0])
                self._callers.take(frames[0], request.extra.get("client"))
            reply = self._call(request, frames)
            if reply is not None:
                self._send(frames, reply)
            return
        # As `_call`, in fewer steps: of all calls these are the most, and the shortest.
        begun = time.perf_counter()
        try:
            answer = carry_out(query, request)
        except WouldWaitError:
            busy = self._hand_over(query, request, partial(self._outbox.post, frames), frames[0])
            if busy is not None:
                self._send(frames, busy)
            return
        if not request.notification:
            self._send(frames, answer)
        if time.perf_counter() - begun > self.settings.slow_query_s:
            self._set_aside(request.target, time.perf_counter() - begun)

    def _serve_batch(self, batch: list[Any], envelope: list[bytes]) -> None:
        gathering: Gathering | None = None  # what is not answered here and now
        results: list[dict[str, Any]] = []  # of queries without arrays, encoded all at once
        replies: list[bytes] = []
        rest: list[tuple[Method, Request]] = []  # of queries, when these have taken long enough
        size, most = 0, self.settings.max_batch_reply_bytes
        simple, quick, slow, clock = (
            jsonrpc.SIMPLE,
            self._quick,
            self.settings.slow_query_s,
            time.perf_counter,
        )
        shared, now = dialect.shared_extra(batch), clock()
        limit = now + slow
        for message in batch:
            # most are queries with a number and a list of parameters, and need no more looking at
            try:
                method, params, number = message["method"], message["params"], message["id"]
                query = quick[method] if message["jsonrpc"] == "2.0" else None
            except (TypeError, KeyError):
                query = None
            if query is None or type(params) is not list or type(number) is not int:
                gathering = gathering or self._gathering(envelope)
                part = dialect.read_part(message, shared)
                late = (
                    quick.get(part.target)
                    if isinstance(part, Request) and (now > limit or size > most)
                    else None
                )
                if late is None or not isinstance(part, Request):
                    self._serve_part(part, envelope, gathering)
                elif not part.notification:  # a query that nobody wants an answer to has no effect
                    gathering.expect()
                    rest.append((late, part))
                now = clock()
                continue
            if now > limit or size > most:
                gathering = gathering or self._gathering(envelope)
                gathering.expect()
                rest.append((query, dialect.read_good_part(message, shared)))
                continue
            begun = now
            try:
                if type(value := query.function(*params)) in simple:
                    results.append({"jsonrpc": "2.0", "id": number, "result": value})
                    size += len(value) if type(value) is str else 0
                else:
                    replies.append(encoded(dialect.read_good_part(message, shared), value))
                    size += size_of(replies[-1])
            except WouldWaitError:
                gathering = gathering or self._gathering(envelope)
                self._serve_part(dialect.read_part(message, shared), envelope, gathering)
            except BaseException as error:
                replies.append(outcome(query, dialect.read_good_part(message, shared), error))
            now = clock()
            if now > limit and now - begun > slow:  # one comparison for most
                self._set_aside(method, now - begun)
        if rest and gathering is not None:
            self._carry_out_rest(rest, envelope[0], gathering)
        if results:
            try:
                replies.append(wirejson.dumps(results)[1:-1])
            except ValueError:  # an integer of more digits than Python writes: one fails, not all
                replies += [
                    encoded(Request("", [], {}, True, r["id"]), r["result"]) for r in results
                ]
        if gathering is not None:
            gathering.close(replies, size)
        elif replies:
            self._send(envelope, join(replies))

    def _carry_out_rest(
        self, rest: list[tuple[Method, Request]], client: bytes, gathering: Gathering
    ) -> None:
        """Carry out beside the socket's thread what is left of the queries of a batch."""

        def run() -> None:
            for query, request in rest:
                gathering.add(request, gathering.without(request) or carry_out(query, request))
                time.sleep(_PAUSE_S)

        if not self._queues.named("batches").put(Job(run, client=client, size=self._weight())):
            for _, request in rest:
                gathering.add(request, self._busy(request, "batches")[0])

    def _gathering(self, envelope: list[bytes]) -> Gathering:
        inline = threading.current_thread()

        def send(whole: bytes) -> None:
            (self._send if threading.current_thread() is inline else self._outbox.post)(
                envelope, whole
            )

        return Gathering(send, self.settings.max_batch_reply_bytes)

    def _serve_part(
        self, request: Request | Malformed, envelope: list[bytes], gathering: Gathering
    ) -> None:
        if isinstance(request, Malformed):
            gathering.expect()
            gathering.add(request, read_failure(request))
            return
        if not request.notification:
            gathering.expect()
        body = self._call(request, envelope, partial(gathering.add, request))
        if body is not None:
            gathering.add(request, body)

    def _call(
        self, request: Request, envelope: list[bytes], later: Reply | None = None
    ) -> bytes | None:
        """Carry out a query, or hand a command over; the reply, or None if there is none (yet)."""
        method = self._methods.get(request.target)
        if method is None or (not request.native and method.queue == "rpc"):
            if request.target == jsonrpc.CANCEL and request.native:
                return self._under_way.answer_cancel(request, envelope[0])
            return answer_unknown(
                request, self.interfaces, self.instance, self.settings.max_message_bytes
            )
        if request.target in self._quick:
            begun = time.perf_counter()
            of_the_original = (
                contextlib.nullcontext() if request.native else calling(OF_THE_ORIGINAL)
            )
            with contextlib.suppress(WouldWaitError), of_the_original:
                body = carry_out(method, request)
                if time.perf_counter() - begun > self.settings.slow_query_s:
                    self._set_aside(request.target, time.perf_counter() - begun)
                return None if request.notification else body
        reply = partial(self._outbox.post, envelope) if later is None else later
        return self._hand_over(method, request, reply, envelope[0])

    def _set_aside(self, query: str, taken: float) -> None:
        self._quick.pop(query, None)
        log.warning(
            "%s: query %s took %.0f ms; it runs beside the socket's thread",
            self.name,
            query,
            1e3 * taken,
        )

    def _carry_out_beside(self, method: Method, request: Request) -> bytes:
        """Carry out what runs beside the socket's thread; a query that is fast again goes back
        there."""
        begun = time.perf_counter()
        body = carry_out(method, request)
        if method.kind is Kind.QUERY:
            target, is_fast = (
                request.target,
                time.perf_counter() - begun <= self.settings.slow_query_s,
            )
            count = self._fast_again[target] = self._fast_again.get(target, 0) + 1 if is_fast else 0
            if count >= self.settings.fast_again_after and self._methods.get(target) is method:
                self._fast_again[target] = 0
                self._quick[target] = method
        return body

    # calls

    def _operate(self, method: Method, request: Request, handle: OperationHandle) -> bytes:
        """As `_carry_out`, and keep the record of the operation."""
        try:
            handle.check()  # an abort may have come while it waited
            handle.begin()
            with running(handle):
                value = method.function(*request.args, **request.kwargs)
        except BaseException as error:
            if not (isinstance(error, AlreadyDoneError) and request.native):
                failed, error_object = raised(method, request, error)
                state = State.ABORTED if error_object["code"] == Code.ABORTED else State.FAILED
                handle.finish(state, error=error_object)
                return failed
            value = error.value
        try:
            body = dialect.write_reply(request, value)
            handle.finish(State.DONE, value=value, size=size_of(body))
        except BaseException as error:
            failed, error_object = unspeakable(request, error)
            handle.finish(State.FAILED, error=error_object)
            return failed
        return body

    def _hand_over(
        self, method: Method, request: Request, answer: Reply, client: bytes
    ) -> bytes | None:
        mark, extra = method.mark, request.extra or {}
        caller = self._callers.find(client, extra.get("client"), request.native)
        call: UnderWay | None = None

        def reply(body: bytes) -> None:
            if call is not None:
                self._under_way.end(call)
            answer(body)

        due = due_at(extra.get("deadline_s"))
        handle: OperationHandle | None = None
        answered = request.notification
        if mark.kind is Kind.OPERATION:
            accept = partial(self._accept, request, reply) if mark.answers_when_accepted else None
            answered = answered or (request.native and extra.get("wait") == "accepted")
            record = self._operations.new(request.target, time.time(), caller.name)
            handle = OperationHandle(record, None if answered else accept)
            if (
                mark.admit is not None
                and (refusal := self._admit(method, request, handle, caller)) is not None
            ):
                return None if request.notification else refusal

        def run() -> None:
            try:
                carry_through()
            except BaseException as failure:  # not even what came of it could be said
                log.exception("%s: a call could not be carried out", self.name)
                text = f"{request.target} may have been carried out in part: {text_of(failure)}"
                body, error = not_begun(request, Code.INTERNAL, type(failure).__name__, text)
                if handle is not None:
                    handle.finish(State.FAILED, error=error)
                if not answered:
                    reply(body)

        def carry_through() -> None:
            if call is not None and call.accepted:
                self._under_way.end(call)
            if call is not None and call.cancelled and handle is None:
                body, _ = not_begun(
                    request, Code.CANCELLED, "CallCancelledError", "cancelled before it was begun"
                )
                reply(body)
                return
            if hooks is not None:
                hooks.join(_HOOKS_WITHIN_S)
            if not answered and self._outbox.is_full(client):
                body, error = not_begun(request, Code.BUSY, "BusyError", dialect.TOO_FULL)
                if handle is not None:
                    handle.finish(State.FAILED, error=error)
            elif due is not None and time.monotonic() > due:
                text = "the caller's time was over; not begun"
                body, error = not_begun(request, Code.DEADLINE, "DeadlineError", text)
                if handle is not None:
                    handle.finish(State.FAILED, error=error)
            else:
                called = begin_calling(caller)
                try:
                    if handle is None:
                        body = self._carry_out_beside(method, request)
                    else:
                        body = self._operate(method, request, handle)
                finally:
                    end_calling(called)
            if not answered and (handle is None or handle.close_acceptance()):
                reply(body)

        queue, job = self._queues.of(method), Job(run, handle, client, self._weight())
        hooks = None
        if mark.aborts and queue.takes(client, job.size):
            hooks = self._queues.abort_operations(method, caller)
        if handle is not None:
            handle.on_leave = queue.leave
        if request.native and request.id is not None:
            call = UnderWay((client, request.id), queue, job, accepted=answered)
            self._under_way.add(call)
        try:
            taken, busy = queue.put(job), ""
        except RuntimeError as scarce:  # no more threads
            taken, busy = False, str(scarce)
        if not taken:
            if call is not None:
                self._under_way.end(call)
            body, error = self._busy(request, method.queue, busy)
            if (
                handle is not None
            ):  # whoever asks too often must not push the others' operations out of the table
                handle.finish(State.FAILED, error=error)
                self._operations.forget(handle.id)
            return None if request.notification else body
        if handle is not None and answered and not request.notification:
            return jsonrpc.reply(
                request.id, {"operation": handle.id, "state": handle.record.state.value}
            )
        return None

    def _admit(
        self, method: Method, request: Request, handle: OperationHandle, caller: Caller
    ) -> bytes | None:
        """Ask the object whether an operation may wait for its turn; the reply that refuses it,
        else None."""
        assert method.mark.admit is not None
        error: BaseException
        try:
            inspect.signature(method.function).bind(*request.args, **request.kwargs)
            with calling(caller):
                method.mark.admit(method.owner, handle, *request.args, **request.kwargs)
        except TypeError as mismatch:
            error = TypeError(f"{method.name}(): {mismatch}")
        except BaseException as refusal:
            error = refusal
        else:
            return None
        body, described = raised(method, request, error)
        handle.finish(State.FAILED, error=described)
        self._operations.forget(handle.id)
        return body

    def _accept(self, request: Request, reply: Reply, value: Any) -> None:
        try:
            body = dialect.write_reply(request, value)
        except Exception as error:  # the operation goes on; only its caller hears of this
            body, _ = unspeakable(request, error)
        reply(body)

    def _weight(self) -> int:
        """Bytes of memory that a part of the message being served takes, about."""
        body, parts = self._message
        return (
            size_of(body) + wirejson.decoded_size(body) if len(body) > SMALL else size_of(body)
        ) // parts

    def _busy(self, request: Request, queue: str, why: str = "") -> tuple[bytes, dict[str, Any]]:
        full = f"{self.settings.max_queued_calls} calls of this client are waiting already, or too many bytes"
        return not_begun(
            request, Code.BUSY, "BusyError", f"{queue}: {why or full}; nothing was done"
        )
