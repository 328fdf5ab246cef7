"""The call engine: what objects export, and what becomes of each call of it.

Queries are answered in the thread that brings them (handing over costs more than most of them),
unless they were slow, or would have to wait there; commands and operations wait for their turn in
the command queue of their object. Knows no socket and no dialect: what came of a call becomes a
reply by `Replies`.
"""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from groundwork.errors import text_of
from groundwork.values import JsonObject
from zmqjsonproxy.caller import OF_THE_ORIGINAL, Caller, begin_calling, calling, end_calling
from zmqjsonproxy.channels.properties import has_properties, table_of
from zmqjsonproxy.channels.propertymethods import PropertyMethods
from zmqjsonproxy.engine.builtinmethods import BuiltinMethods
from zmqjsonproxy.engine.callrecords import CallRecord
from zmqjsonproxy.engine.calltable import CallTable, KnownCall
from zmqjsonproxy.engine.commandqueues import CommandQueue, CommandQueues, QueuedCall
from zmqjsonproxy.engine.gate import Gate
from zmqjsonproxy.engine.replies import Replies
from zmqjsonproxy.errors import AlreadyDoneError, OutcomeUnknownError, RefusedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Interface, Method, MethodKind, hidden_by_proxies, running
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState, OperationTable
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rights import Role

__all__ = ["TOO_LATE", "CallEngine", "ServedCall", "due_at"]

log = logging.getLogger(__name__)

_HOOKS_WITHIN_S = 1.0
"""Time that `stop` and its like wait for the hooks of the operation that they abort."""
# To look one up in its enumeration takes as long as ten other steps.
_QUERY, _OPERATION = MethodKind.QUERY, MethodKind.OPERATION
TOO_LATE = Code.DEADLINE, "DeadlineError", "the caller's time was over; not begun"
R = TypeVar("R")
Failed = tuple[R, JsonObject]
"""A reply, and the JSON-RPC error object of what it tells."""
_Ran = tuple[R, JsonObject | None, object, int]
"""Outcome of a method: the reply for its caller; the error, as JSON-RPC tells it, or None; the
value; bytes of its reply."""


@dataclass(slots=True, eq=False, kw_only=True)
class ServedCall(QueuedCall, Generic[R]):
    """A call that was handed to a command queue.

    Attributes:
        method: What is called.
        request: The call.
        caller: Whose it is.
        engine: Carries it out.
        answer: Takes its reply, in whichever thread.
        due: When nobody waits for it any more, s, monotonic; None: no such time was given.
        is_answered: Nobody waits for its end: a notification, an operation that was accepted.
        is_cancelled: It was taken out of its queue, and only has to say so.
        is_over: What came of it is told, though its queue may not have looked for the next one yet.
        queue: Where it waits or runs.
        hooks: What has to end before it begins.
        known: Itself, among those that are not carried out twice; None: it has no identity.
    """

    method: Method
    request: Request
    caller: Caller
    engine: CallEngine[R]
    answer: Callable[[R], None]
    due: float | None
    is_answered: bool
    queue: CommandQueue
    is_cancelled: bool = False
    is_over: bool = False
    hooks: threading.Thread | None = None
    known: KnownCall[R] | None = None

    def carry_out(self) -> None:
        """Carry it out, or say why it is not begun. Never raises."""
        operation, request = self.operation, self.request
        try:
            self._carry_out()
        except BaseException as failure:  # not even what came of it could be said
            log.exception("%s: a call could not be carried out", self.engine.name)
            text = f"{request.target} may have been carried out in part: {text_of(failure)}"
            reply, told = self.engine.replies.not_begun(
                request, Code.INTERNAL, type(failure).__name__, text
            )
            self._remember(reply)
            self._end(reply, told)
        finally:
            if operation is not None:
                operation.close_acceptance()  # it knows this call, and this call it

    def _carry_out(self) -> None:
        replies = self.engine.replies
        if self.is_cancelled and self.operation is None:
            self._refuse(Code.CANCELLED, "CallCancelledError", "cancelled before it was begun")
            return
        if self.hooks is not None:
            self.hooks.join(_HOOKS_WITHIN_S)
        if not self.is_answered and self.engine.is_full(self.client):
            self._refuse(Code.BUSY, "BusyError", replies.TOO_FULL)
        elif self.due is not None and time.monotonic() > self.due:
            self._refuse(*TOO_LATE)
        elif (refusal := self.engine.refusal(self.method, self.request, self.caller)) is not None:
            self._end(*refusal)
        else:
            called = begin_calling(self.caller)
            try:
                if self.operation is not None:
                    reply = self._operate(self.operation)
                elif self.engine.on_command is None or not self.method.mark.journaled:
                    reply = self.engine.carry_out_beside(self.method, self.request)
                else:
                    reply = self._command()
            finally:
                end_calling(called)
            if not self.is_answered:
                self._remember(reply)
            self._reply(reply)

    def _remember(self, reply: R) -> None:
        """Keep the reply for the same call, should it come again."""
        if self.known is not None and self.engine.once is not None:
            self.engine.once.finish(self.known, reply)

    def _command(self) -> R:
        """Carry a command out, and tell of it when it begins and when it has ended."""
        record = self.engine.tell_begun(self)
        reply, error, _, _ = self._run()
        self.engine.tell_ended(record, error)
        return reply

    def _operate(self, operation: OperationHandle) -> R:
        """Run it, and keep its record."""
        record = self.engine.tell_begun(self)
        reply, error, value, size = self._run(operation)
        if error is None:
            try:
                operation.finish(OperationState.DONE, value=value, size=size)
            except BaseException as failure:  # of what it is made of no copy can be kept
                reply, error = self.engine.replies.unserializable(self.request, failure)
        if error is not None:
            is_aborted = error.get("code") == Code.ABORTED
            operation.finish(
                OperationState.ABORTED if is_aborted else OperationState.FAILED, error=error
            )
        self.engine.tell_ended(record, error)
        return reply

    def _run(self, operation: OperationHandle | None = None) -> _Ran[R]:
        """Call the method, and make the reply. Never raises."""
        replies, method, request = self.engine.replies, self.method, self.request
        try:
            if operation is None:
                value = method.function(*request.args, **request.kwargs)
            else:
                operation.check()  # an abort may have come while it waited
                operation.begin()
                with running(operation):
                    value = method.function(*request.args, **request.kwargs)
        except BaseException as error:
            if not (isinstance(error, AlreadyDoneError) and request.native):
                return *replies.raised(method, request, error), None, 0
            value = error.value
        try:
            reply, size = replies.result(request, value)
        except BaseException as error:
            return *replies.unserializable(request, error), None, 0
        return reply, None, value, size

    def accept(self, value: object) -> None:
        """Answer with a value now; the operation goes on."""
        try:
            reply, _ = self.engine.replies.result(self.request, value)
        except Exception as error:  # only its caller hears of this
            reply, _ = self.engine.replies.unserializable(self.request, error)
        self.is_answered = True
        self._remember(reply)
        self.answer(reply)

    def _refuse(self, code: Code, type_: str, text: str) -> None:
        self._end(*self.engine.replies.not_begun(self.request, code, type_, text))

    def _end(self, reply: R, error: JsonObject) -> None:
        """End what is not carried out."""
        self.engine.tell_not_begun(self.method, self.request, self.caller, error)
        if self.operation is not None:
            self.operation.finish(OperationState.FAILED, error=error)
        if self.known is not None and self.engine.once is not None:
            self.engine.once.forget(self.known, reply)
        self._reply(reply)

    def _reply(self, reply: R) -> None:
        self.is_over = True
        if not self.is_answered and (self.operation is None or self.operation.close_acceptance()):
            self.answer(reply)


@dataclass(kw_only=True)
class CallEngine(Generic[R]):
    """Exposed objects, and the calls of their methods.

    `answer_query` and `hand_over` are for one thread at a time, all else is for any.

    Attributes:
        name: Of the server, in logs.
        replies: What came of calls, for those who called.
        slow_query_s: A query that took longer is carried out in its queue from then on, s.
        fast_again_after: One that was slow comes back when it was fast so many times in turn.
        queues: Where commands wait.
        operations: What is known of operations; has the identity of the process.
        handle: Makes the inside view of an operation.
        served: Class of the calls that wait for their turn.
        is_full: Whether so many replies wait for a client that it must take some first.
        gate: Asked whether something may be changed now; None: it always may.
        once: Knows which commands came before; None: each is carried out whenever it comes.
        interfaces: What is exposed, by name.
        methods: The methods of that, by `object.method`.
        quick: Those of them that are queries to be answered at once.
        on_command: Told of each command and operation, when it begins and once more at its end, or
            once if it is not begun; in whichever thread. It returns at once, and never raises.
    """

    name: str
    replies: Replies[R]
    slow_query_s: float = 0.05
    fast_again_after: int = 100
    queues: CommandQueues
    operations: OperationTable
    handle: Callable[[OperationRecord, Callable[[object], None] | None], OperationHandle] = (
        OperationHandle
    )
    served: type[ServedCall[R]] = ServedCall
    is_full: Callable[[bytes], bool] = lambda _client: False
    gate: Gate | None = None
    once: CallTable[R] | None = None
    interfaces: dict[str, Interface] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    quick: dict[str, Method] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    on_command: Callable[[CallRecord], object] | None = None

    def __post_init__(self) -> None:
        self._fast_again: dict[str, int] = {}  # slow queries: how often in turn they were fast
        own = self.name, self.interfaces, self.queues, self.operations, self.endpoints
        known = () if self.once is None else (self.once.tell,)
        self._offer(Interface.of("rpc", BuiltinMethods(*own, *known)))

    def expose(self, name: str, obj: object, *, queue: str | None = None) -> Interface:
        """Expose an object; arguments as of `ZMQJSONProxyServer.expose`. Again: in its place."""
        if not name or name == "rpc":
            raise ValueError(f"{name!r}: an interface needs a name, and `rpc` is the server's own")
        interface = Interface.of(name, obj, queue=queue)
        if has_properties(obj):
            interface = interface.with_methods_of(PropertyMethods(table_of(obj)))
        for old in self.interfaces.get(name, Interface(name)).methods:
            self.methods.pop(f"{name}.{old}", None)
            self.quick.pop(f"{name}.{old}", None)
        if hidden := hidden_by_proxies(name, interface.methods):
            log.warning("%s: %s", self.name, hidden)
        self.interfaces[name] = interface
        self._offer(interface)
        return interface

    def _offer(self, interface: Interface) -> None:
        for method in interface.methods.values():
            self.methods[f"{interface.name}.{method.name}"] = method
            if _may_be_quick(method):
                self.quick[f"{interface.name}.{method.name}"] = method

    # records

    def tell_begun(self, served: ServedCall[R]) -> CallRecord | None:
        """Tell that a command or an operation begins; its record, if anybody keeps it."""
        if self.on_command is None or not served.method.mark.journaled:
            return None
        operation = "" if served.operation is None else served.operation.id
        call_id = None if served.known is None else served.known.call_id
        record = CallRecord.of(served.method, served.request, served.caller, operation, call_id)
        self.on_command(record)
        return record

    def tell_ended(self, record: CallRecord | None, error: JsonObject | None) -> None:
        """Tell that it has ended; with an error, as JSON-RPC tells it."""
        if record is not None and self.on_command is not None:
            record.end_with(error)
            self.on_command(record)

    def tell_not_begun(
        self, method: Method, request: Request, caller: Caller, error: JsonObject
    ) -> None:
        """Tell that a command or an operation was refused before it began."""
        if self.on_command is not None and method.mark.journaled:
            record = CallRecord.of(method, request, caller)
            record.end_with(error)
            record.duration_s = None
            self.on_command(record)

    # calls

    def answer_query(self, method: Method, request: Request) -> R:
        """Carry out a query in this thread.

        Raises:
            WouldWaitError: It is to be handed over, for this thread must not wait.
        """
        begun = time.perf_counter()
        if request.native:  # queries are not told whose they are
            reply = self.replies.call(method, request)
        else:
            with calling(OF_THE_ORIGINAL):
                reply = self.replies.call(method, request)
        if time.perf_counter() - begun > self.slow_query_s:
            self.set_aside(request.target, time.perf_counter() - begun)
        return reply

    def set_aside(self, query: str, taken: float) -> None:
        """Carry a query out beside this thread from now on: it took so long, s."""
        self.quick.pop(query, None)
        text = "%s: query %s took %.0f ms; it runs beside the socket's thread"
        log.warning(text, self.name, query, 1e3 * taken)

    def carry_out_beside(self, method: Method, request: Request) -> R:
        """Carry out what runs in a command queue; a query that is fast again is `quick` again."""
        begun = time.perf_counter()
        reply = self.replies.call(method, request)
        if method.mark.kind is _QUERY:
            target, is_fast = request.target, time.perf_counter() - begun <= self.slow_query_s
            count = self._fast_again[target] = self._fast_again.get(target, 0) + 1 if is_fast else 0
            is_again = count >= self.fast_again_after and self.methods.get(target) is method
            if is_again and _may_be_quick(method):
                self._fast_again[target] = 0
                self.quick[target] = method
        return reply

    def hand_over(
        self,
        method: Method,
        request: Request,
        answer: Callable[[R], None],
        caller: Caller,
        client: bytes = b"",
        size: int = 0,
    ) -> R | None:
        """Put a call into its command queue.

        Args:
            method: What `methods` has for the request.
            request: The call.
            answer: Takes the reply if it comes later, in another thread.
            caller: Whose call it is.
            client: Of what connection: clients take turns.
            size: Bytes of memory that it takes while it waits, about.

        Returns:
            The reply; None: there is none, or none yet.
        """
        if (control := (request.extra or {}).get("control")) is not None:
            caller = caller.with_control(control)
        call = method, request, answer, caller, client, size
        once = self.once
        if once is None or method.mark.kind is _QUERY:
            return self._begin(*call)
        try:
            begun = once.begin(method, request, caller.key, size, answer)
            if begun is None:
                return self._begin(*call)
            known, is_new = begun
            if not is_new:
                return once.reply(known, request)
        except RefusedError as refusal:
            return self.replies.raised(method, request, refusal)[0]
        except OutcomeUnknownError as error:
            name = type(error).__name__
            return self.replies.not_begun(request, Code.UNKNOWN, name, text_of(error))[0]
        try:
            reply = self._begin(*call, known)
        except BaseException as error:
            unserializable, _ = self.replies.unserializable(request, error)
            once.finish(known, unserializable)
            raise
        if reply is not None:  # of what was accepted it is kept already
            once.forget(known, reply)
        return reply

    def _begin(
        self,
        method: Method,
        request: Request,
        answer: Callable[[R], None],
        caller: Caller,
        client: bytes,
        size: int,
        known: KnownCall[R] | None = None,
    ) -> R | None:
        """Put a call into its command queue that has not come before, as far as anybody knows; as
        `hand_over`."""
        extra, mark = request.extra or {}, method.mark
        if (refused := self.refusal(method, request, caller)) is not None:
            self.tell_not_begun(method, request, caller, refused[1])
            return None if request.notification else refused[0]
        is_operation, queue = mark.kind is _OPERATION, self.queues.of(method)
        served = self.served(
            method=method,
            request=request,
            caller=caller,
            engine=self,
            answer=answer,
            due=due_at(extra.get("deadline_s")),
            is_answered=request.notification
            or (is_operation and request.native and extra.get("wait") == "accepted"),
            client=client,
            size=size,
            queue=queue,
            known=known,
        )
        refusal = self._make_operation(served) if is_operation else None
        if refusal is None:
            if mark.aborts and queue.takes(client, size):
                served.hooks = self.queues.abort_operations(method, caller)
            refusal = self._put(served)
        if refusal is not None:
            return None if request.notification else refusal
        handle = served.operation
        if handle is not None and served.is_answered and not request.notification:
            reply = self.replies.accepted(request, handle.id, handle.record.state.value)
            if known is not None and self.once is not None:
                self.once.finish(known, reply)
            return reply
        return None

    def refusal(self, method: Method, request: Request, caller: Caller) -> Failed[R] | None:
        """Make the reply that a call must not be carried out now; None: it may."""
        if self.gate is not None and method.mark.kind is not _QUERY:
            try:
                self.gate.admit(method, caller)
            except RefusedError as refusal:
                return self.replies.raised(method, request, refusal)
        return None

    def _make_operation(self, served: ServedCall[R]) -> R | None:
        """Give a call its operation; the reply if its object refuses that it waits for its
        turn."""
        method, request, mark = served.method, served.request, served.method.mark
        record = self.operations.new(request.target, time.time(), str(served.caller))
        is_accepting = mark.answers_when_accepted and not served.is_answered
        handle = self.handle(record, served.accept if is_accepting else None)
        handle.on_leave = served.queue.leave
        served.operation = handle
        if served.known is not None:
            served.known.operation = handle.id
        if mark.admit is None:
            return None
        error: BaseException
        try:
            inspect.signature(method.function).bind(*request.args, **request.kwargs)
            with calling(served.caller):
                mark.admit(method.owner, handle, *request.args, **request.kwargs)
        except TypeError as mismatch:
            error = TypeError(f"{method.name}(): {mismatch}")
        except BaseException as refusal:
            error = refusal
        else:
            return None
        reply, described = self.replies.raised(method, request, error)
        self.tell_not_begun(method, request, served.caller, described)
        return self._without(handle, reply, described)

    def _put(self, served: ServedCall[R]) -> R | None:
        try:
            if served.queue.put(served):
                return None
            why = self.queues.full
        except RuntimeError as scarce:  # no more threads
            why = str(scarce)
        busy = self.busy(served.request, served.method.queue, why)
        self.tell_not_begun(served.method, served.request, served.caller, busy[1])
        return busy[0] if served.operation is None else self._without(served.operation, *busy)

    def busy(self, request: Request, queue: str, why: str = "") -> Failed[R]:
        """Make the reply that a queue takes no more."""
        text = f"{queue}: {why or self.queues.full}; nothing was done"
        return self.replies.not_begun(request, Code.BUSY, "BusyError", text)

    def _without(self, handle: OperationHandle, reply: R, error: JsonObject) -> R:
        """Forget an operation: whoever asks too often must not push the others' out of the
        table."""
        handle.finish(OperationState.FAILED, error=error)
        handle.close_acceptance()
        self.operations.forget(handle.id)
        return reply

    def cancel(
        self,
        client: bytes,
        number: object,
        only_waiting: bool = False,
        reason: str = "its caller cancelled the call",
    ) -> str:
        """Cancel a call of a client.

        Args:
            client: Its connection.
            number: Of the call.
            only_waiting: What has been begun goes on, an operation too.
            reason: For those who ask what became of an operation.

        Returns:
            "not begun": it was waiting, and is answered that it was cancelled. "aborting": an
            operation is asked to end. "running": it goes on. "unknown": there is none (any more),
            or an operation that was accepted, which only `only_waiting` withdraws.
        """
        served = self._find(client, number)
        if served is None or (served.is_answered and not only_waiting):
            return "unknown"
        operation = served.operation
        if operation is not None and not only_waiting:
            asked = served.queue.abort_operations(reason, operation.id)
            return "aborting" if asked.count else "running"
        if not served.queue.withdraw(served):
            return "running"
        if operation is not None:
            operation.abort(reason)  # has no hooks: it was not begun
        served.is_cancelled = True
        served.carry_out()
        return "not begun"

    def _find(self, client: bytes, number: object) -> ServedCall[R] | None:
        """Return a call of a client that waits or runs."""

        def is_meant(job: QueuedCall) -> bool:
            if not isinstance(job, ServedCall) or job.is_over or not job.request.native:
                return False
            return job.request.id == number and not job.request.notification

        for queue in self.queues.values():
            found = queue.find(client, is_meant)
            if isinstance(found, ServedCall):
                return found
        return None


def _may_be_quick(method: Method) -> bool:
    """Tell whether all callers may have it answered at once: nobody looks at their roles there."""
    return method.kind is MethodKind.QUERY and method.mark.needs is Role.OBSERVE


def due_at(deadline_s: object) -> float | None:
    """Return when nobody waits for a call any more, s, monotonic; None: no such time was given."""
    if not isinstance(deadline_s, (int, float)):
        return None
    try:
        return time.monotonic() + deadline_s
    except OverflowError:  # JSON's integers have no end
        return None
