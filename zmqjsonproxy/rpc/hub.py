"""Calls to many servers over one ROUTER socket, from any number of threads.

A thread that calls while nobody reads the socket becomes the leader: it sends, receives, and hands
to the others what is theirs. The others leave their messages in the outbox and wait; when the
leader has its own answer, one of them takes over. Nobody holds a lock while waiting for the
network.

A connection is made when it is first needed, never by ZeroMQ behind our back: what was sent to a
server that went away is dropped with the connection and cannot reach its successor. Every
connection begins with a hello that tells whether the server is one of the original's generation,
which ends on anything but its own dialect.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Self

import zmq

from zmqjsonproxy.protocol.arrays import Framed, size_of
from zmqjsonproxy.rpc.connections import LOOK_EVERY, SLICE_MS, HubSettings
from zmqjsonproxy.rpc.futures import CallFuture
from zmqjsonproxy.rpc.lead import lets_go
from zmqjsonproxy.rpc.leading import LedCalls, cancelled
from zmqjsonproxy.rpc.many import (
    BATCH_MOST,
    CallRequest,
    CallResult,
    batch_results,
    in_batches,
    shared_calls,
)
from zmqjsonproxy.rpc.peer import BatchedCall, Call, Hello, Pending
from zmqjsonproxy.rpc.protocol import jsonrpc
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription, MethodDescription

__all__ = [
    "CallRequest",
    "CallResult",
    "HubSettings",
    "InterfaceDescription",
    "MethodDescription",
    "ThreadHub",
]


class ThreadHub(LedCalls):
    """One socket for calls to any number of servers; thread-safe.

    Args:
        ctx: ZeroMQ context; None: that of this package, which is nobody else's.
        settings: How servers are watched.
        locators: For URLs that are names; see `locating`.
    """

    @lets_go
    def call(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> Any:
        """Call a method and wait for its answer.

        Args:
            url: Server.
            object_name: Exposed object.
            method: Its method.
            args: Positional arguments.
            kwargs: Keyword arguments.
            timeout: s; it travels with the call.

        Raises:
            PeerLostError: Nobody there, or no longer; within 1 s.
            CallTimeoutError: No reply in time.
            RefusedError: The object refused.
            RemoteError: The call failed at the server.
        """
        begun = time.monotonic()
        connections = self._connections
        peer = self._peers.get(url)
        if (
            peer is None
            or not peer.is_ours
            or begun - connections.looked_at > LOOK_EVERY
            or timeout * 1000 < SLICE_MS
            or not self._lead.take()
        ):
            what = Call(object_name, method, args, kwargs, timeout)
            pending = Pending(connections.peer(url), what, begun, begun + timeout)
            self._finish((pending,), begun, begun + timeout)
        else:
            # As long as nothing but its result arrives, a call is made without the bookkeeping of
            # many. Written out here, it costs half: after a wait, each step of Python takes ten
            # times what it takes in a loop.
            number, sent, source, body = next(connections.numbers), False, None, b""
            try:
                try:
                    before, after = jsonrpc.request_around_id(
                        object_name, method, args, kwargs, timeout, peer.arrays
                    )
                    request = b"%b%d%b" % (before, number, after)
                    size = len(request)
                    if isinstance(after, Framed):
                        request = Framed(request, after.frames)
                        size = size_of(request)
                    if size > peer.most_bytes:
                        raise ValueError(
                            size
                        )  # what is the matter is said below, where it is submitted
                    connections.send(peer.envelope, request)
                    sent = True
                    connections.look()
                    source, body = connections.next_message()
                    if source is peer:
                        answer = jsonrpc.read_reply(body)
                        if (
                            type(answer) is dict
                            and answer.get("id") == number
                            and "result" in answer
                        ):
                            return answer["result"]
                except (TypeError, ValueError, RecursionError, zmq.ZMQError) as error:
                    if isinstance(error, zmq.ZMQError) and not sent:
                        connections.drop(peer, "connection lost")
                what = Call(object_name, method, args, kwargs, timeout)
                pending = Pending(peer, what, begun, begun + timeout)
                self._go_on(pending, number if sent else 0, source, body)
            except BaseException:  # Ctrl-C: it may have been sent
                connections.withdraw(peer, number)
                connections.mend()
                raise
            finally:  # as _hand_on
                self._lead.release()
                if self._followers or self._closed:
                    self._tell_followers()
                if self._outbox:
                    self._empty_outbox()
        if self._watched or not pending.done:  # there may be a callback to run
            self._finish((pending,), time.monotonic(), pending.deadline, begun=True)
        if pending.error is not None:
            raise pending.error
        return pending.value

    def call_many(self, requests: Sequence[CallRequest], timeout: float = 60.0) -> list[CallResult]:
        """Send all calls, then wait for all answers until one common deadline; raises for none of
        them."""
        begun = time.monotonic()
        until, peer = begun + timeout, self._connections.peer
        pendings = [
            Pending(peer(request.url), what, begun, until)
            for request, what in shared_calls(requests, timeout)
        ]
        return self._results(pendings, begun, begun + timeout)

    def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> list[CallResult]:
        """Make the same call to many servers, as `call_many`."""
        begun = time.monotonic()
        return self._call_each(
            urls, Call(object_name, method, args, kwargs, timeout), begun, begun + timeout
        )

    def begin_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        timeout: float,
        begun_by: str,
    ) -> list[CallResult]:
        """Begin an operation at many servers; each value says which it is. As `call_each`; for
        `Operation`."""
        begun = time.monotonic()
        return self._call_each(
            urls, Call(object_name, method, args, kwargs, timeout, begun_by), begun, begun + timeout
        )

    @lets_go
    def _call_each(
        self, urls: Iterable[str], what: Call, begun: float, until: float
    ) -> list[CallResult]:
        peers = list(map(self._connections.peer, urls))
        results: list[CallResult | None] = [None] * len(peers)
        pendings: list[Pending] = []
        are_asked = False
        if peers and until - begun > SLICE_MS / 1000 and self._lead.take():
            try:
                if are_asked := not self._closed:
                    self._connections.ask_each(peers, what, results, pendings, begun, until)
            except BaseException:
                self._withdraw(pendings)
                raise
            finally:
                self._lead.release()
                self._hand_on()
        if not are_asked:
            return self._results(
                [Pending(peer, what, begun, until) for peer in peers], begun, until
            )
        if pendings or self._watched:
            self._finish(pendings, time.monotonic(), until, begun=True)
        left = iter(pendings)
        return [r or CallResult((p := next(left)).value, p.error, p.ended - begun) for r in results]

    @lets_go
    def call_batch(
        self, url: str, object_name: str, calls: Sequence[BatchedCall], timeout: float = 60.0
    ) -> list[CallResult]:
        """Make calls of one object in one message, as a JSON-RPC batch; raises for none of them.

        A server of the original, or one that no connection is made to yet, gets them one by one.

        Args:
            url: Server.
            object_name: Exposed object.
            calls: Method, positional arguments, keyword arguments of each.
            timeout: For all of them, s.
        """
        begun = time.monotonic()
        connections = self._connections
        peer = connections.peer(url)
        if not peer.is_ours:
            requests = [CallRequest(url, object_name, *call) for call in calls]
            return self.call_many(requests, timeout)
        if (
            not 0 < len(calls) <= BATCH_MOST
            or begun - connections.looked_at > LOOK_EVERY
            or timeout * 1000 < SLICE_MS
            or not self._lead.take()
        ):
            batches = in_batches(object_name, calls, timeout)
            pendings = [Pending(peer, batch, begun, begun + timeout) for batch in batches]
            return batch_results(batches, self._results(pendings, begun, begun + timeout))
        # As `call`: the bookkeeping of many would cost as much as all else.
        first, sent, source, body = connections.take_numbers(len(calls)), False, None, b""
        try:
            try:
                request = jsonrpc.batch(object_name, calls, first, timeout, peer.arrays)
                if size_of(request) > peer.most_bytes:
                    raise ValueError(size_of(request))
                connections.send(peer.envelope, request)
                sent = True
                connections.look()
                source, body = connections.next_message()
                if source is peer:
                    values = jsonrpc.results_in_order(jsonrpc.read_reply(body), first, len(calls))
                    if values is not None:
                        return list(
                            map(CallResult, values, repeat(None), repeat(time.monotonic() - begun))
                        )
            except (TypeError, ValueError, RecursionError, zmq.ZMQError) as error:
                if isinstance(error, zmq.ZMQError) and not sent:
                    connections.drop(peer, "connection lost")
            (batch,) = batches = in_batches(object_name, calls, timeout)
            pending = Pending(peer, batch, begun, begun + timeout)
            self._go_on(pending, first if sent else 0, source, body)
        except BaseException:  # Ctrl-C: it may have been sent
            connections.withdraw(peer, first, len(calls))
            connections.mend()
            raise
        finally:
            self._lead.release()
            self._hand_on()
        if self._watched or not pending.done:
            self._finish((pending,), time.monotonic(), pending.deadline, begun=True)
        return batch_results(
            batches, [CallResult(pending.value, pending.error, pending.ended - begun)]
        )

    def begin(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> CallFuture:
        """Send a call and return at once; arguments as `call`. Any number may be under way."""
        peer, now = self._connections.peer(url), time.monotonic()
        pending = Pending(
            peer, Call(object_name, method, args, kwargs, timeout), now, now + timeout
        )
        try:
            self._leave(pending)
            return CallFuture(self, pending)
        except BaseException:
            self._withdraw((pending,))
            raise

    def cancel(self, pending: Pending) -> bool:
        """End a call that was begun, and tell its server; False if it has ended."""
        if pending.done:
            return False
        pending.ends_operation = True
        pending.fail(cancelled(pending, "cancelled by its caller"), time.monotonic())
        self._leave(pending)
        self._tell_followers()
        self._run_callbacks()
        return True

    def watch(self, future: CallFuture) -> None:
        """Run the callbacks of a future when its call has ended, in the thread that takes the
        answer."""
        self._watched.append(future)
        self._run_callbacks()

    def wait_for(self, pending: Pending, deadline: float) -> None:
        """Wait until a call that was begun has ended, or until `deadline`, s, monotonic."""
        self._finish((pending,), time.monotonic(), deadline, begun=True)

    def describe(self, url: str, object_name: str, timeout: float = 1.0) -> InterfaceDescription:
        """Ask a server what an object offers.

        Raises:
            NoSuchInterfaceError: There is no such object.
            PeerLostError, CallTimeoutError: As `call`.
        """
        (result,) = self.describe_many([url], object_name, timeout)
        if result.error is not None:
            raise result.error
        description: InterfaceDescription = result.value
        return description

    def describe_many(
        self, urls: Sequence[str], object_name: str, timeout: float = 1.0
    ) -> list[CallResult]:
        """Ask many servers what an object offers; each value is an InterfaceDescription. Raises for
        none of them."""
        begun = time.monotonic()
        what = Hello(object_name, self._connections.client)
        pendings = [
            Pending(self._connections.peer(url), what, begun, begun + timeout) for url in urls
        ]
        return self._results(pendings, begun, begun + timeout)

    def pause(self, seconds: float) -> None:
        """Wait between two looks at servers, by `time.sleep`, whatever that is then (a plan puts
        its own there)."""
        time.sleep(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
