"""Calls to many servers over one ROUTER socket, from any number of threads.

A thread that calls while nobody reads the socket becomes the leader: it sends, receives, and hands to the others what
is theirs. The others leave their messages in the outbox and wait; when the leader has its own answer, one of them
takes over. Nobody holds a lock while waiting for the network.

A connection is made when it is first needed, never by ZeroMQ behind our back: what was sent to a server that went
away is dropped with the connection and cannot reach its successor. Every connection begins with a hello that tells
whether the server is one of the original's generation, which ends on anything but its own dialect.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Self

import zmq

from zmqjsonproxy.errors import CallCancelledError, PeerLostError
from zmqjsonproxy.protocol.arrays import Framed, size_of
from zmqjsonproxy.rpc.connections import LOOK_EVERY, SLICE_MS, Connections, HubSettings, KnownServers
from zmqjsonproxy.rpc.futures import CallFuture
from zmqjsonproxy.rpc.lead import Lead, lets_go
from zmqjsonproxy.rpc.locating import Locators
from zmqjsonproxy.rpc.many import BATCH_MOST, CallRequest, CallResult, batch_results, in_batches, shared_calls
from zmqjsonproxy.rpc.peer import BatchedCall, Call, Hello, Peer, Pending
from zmqjsonproxy.rpc.protocol import jsonrpc
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription, MethodDescription

__all__ = ["CallRequest", "CallResult", "Hub", "HubSettings", "InterfaceDescription", "MethodDescription"]


class Hub(KnownServers):
    """One socket for calls to any number of servers; thread-safe.

    Args:
        ctx: ZeroMQ context; None: the process's own.
        settings: How servers are watched.
        locators: For URLs that are names; see `locating`.
    """

    def __init__(
        self, ctx: zmq.Context[Any] | None = None, settings: HubSettings | None = None, locators: Locators | None = None
    ) -> None:
        self.settings = settings or HubSettings()
        context = ctx if ctx is not None else zmq.Context.instance()
        self._connections = Connections(context, self.settings, locators)
        self._peers = self._connections.peers
        self._lead = Lead()
        self._turn = threading.Condition()
        self._followers = 0
        self._outbox: deque[Pending] = deque()
        self._watched: list[CallFuture] = []
        self._closed = False

    # what callers use

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
            # As long as nothing but its result arrives, a call is made without the bookkeeping of many. Written out
            # here, it costs half: after a wait, each step of Python takes ten times what it takes in a loop.
            number, sent, source, body = next(connections.numbers), False, None, b""
            try:
                try:
                    before, after = jsonrpc.request_around_id(object_name, method, args, kwargs, timeout, peer.arrays)
                    request = b"%b%d%b" % (before, number, after)
                    size = len(request)
                    if isinstance(after, Framed):
                        request = Framed(request, after.frames)
                        size = size_of(request)
                    if size > peer.most_bytes:
                        raise ValueError(size)  # what is the matter is said below, where it is submitted
                    connections.send(peer.envelope, request)
                    sent = True
                    connections.look()
                    source, body = connections.next_message()
                    if source is peer:
                        answer = jsonrpc.read_reply(body)
                        if type(answer) is dict and answer.get("id") == number and "result" in answer:
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
        """Send all calls, then wait for all answers until one common deadline; raises for none of them."""
        begun = time.monotonic()
        until, peer = begun + timeout, self._connections.peer
        pendings = [Pending(peer(request.url), what, begun, until) for request, what in shared_calls(requests, timeout)]
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
        return self._call_each(urls, Call(object_name, method, args, kwargs, timeout), begun, begun + timeout)

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
        """Begin an operation at many servers; each value says which it is. As `call_each`; for `Operation`."""
        begun = time.monotonic()
        return self._call_each(urls, Call(object_name, method, args, kwargs, timeout, begun_by), begun, begun + timeout)

    @lets_go
    def _call_each(self, urls: Iterable[str], what: Call, begun: float, until: float) -> list[CallResult]:
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
            return self._results([Pending(peer, what, begun, until) for peer in peers], begun, until)
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
                        return list(map(CallResult, values, repeat(None), repeat(time.monotonic() - begun)))
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
        return batch_results(batches, [CallResult(pending.value, pending.error, pending.ended - begun)])

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
        pending = Pending(peer, Call(object_name, method, args, kwargs, timeout), now, now + timeout)
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
        pending.fail(_cancelled(pending, "cancelled by its caller"), time.monotonic())
        self._leave(pending)
        self._tell_followers()
        self._run_callbacks()
        return True

    def watch(self, future: CallFuture) -> None:
        """Run the callbacks of a future when its call has ended, in the thread that takes the answer."""
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

    def describe_many(self, urls: Sequence[str], object_name: str, timeout: float = 1.0) -> list[CallResult]:
        """Ask many servers what an object offers; each value is an InterfaceDescription. Raises for none of them."""
        begun = time.monotonic()
        what = Hello(object_name, self._connections.client)
        pendings = [Pending(self._connections.peer(url), what, begun, begun + timeout) for url in urls]
        return self._results(pendings, begun, begun + timeout)

    @lets_go
    def close(self) -> None:
        """Close the socket; calls that are under way end with PeerLostError, and are withdrawn if they wait."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._connections.wake()
            while not self._lead.take():
                self._turn.wait(0.1)
            while self._outbox:
                if (pending := self._outbox.popleft()).done:  # to be withdrawn
                    self._connections.submit(pending, time.monotonic())
                else:
                    self._close_all((pending,), time.monotonic())
            self._connections.close("the hub was closed")
            self._turn.notify_all()
            self._lead.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # leading and following

    def _leave(self, pending: Pending) -> None:
        """Have a call sent, or cancelled, by whoever leads."""
        self._outbox.append(pending)
        self._empty_outbox()
        if self._outbox:
            with self._turn:
                if not self._closed:
                    self._connections.wake()

    def _run_callbacks(self) -> None:
        """Run the callbacks of calls that have ended; never in the lead, for they may make calls."""
        for future in [future for future in self._watched if future.has_ended]:
            try:
                self._watched.remove(future)
            except ValueError:  # another thread runs them
                continue
            future.run_callbacks()

    def _results(self, pendings: Sequence[Pending], now: float, deadline: float) -> list[CallResult]:
        if pendings:
            self._finish(pendings, now, deadline)
        return [CallResult(p.value, p.error, p.ended - now) for p in pendings]

    @lets_go
    def _empty_outbox(self) -> None:
        """Send what others have left, unless somebody leads, who then will."""
        while self._outbox and self._lead.take():
            try:
                now = time.monotonic()
                if not self._closed:
                    self._submit_outbox(now)
                while self._outbox:
                    self._close_all((self._outbox.popleft(),), now)
            finally:
                self._lead.release()
                if self._followers:  # one may have tried to take the lead meanwhile
                    self._tell_followers()

    def _submit_outbox(self, now: float) -> None:
        outbox, submit = self._outbox, self._connections.submit
        while outbox:
            pending = outbox.popleft()
            try:
                submit(pending, now)
            except BaseException:  # Ctrl-C, which is nothing to whose call it is
                if pending.done or (not pending.number and pending not in pending.peer.waiting):
                    outbox.appendleft(pending)
                self._connections.mend()
                raise

    def _finish(self, pendings: Sequence[Pending], now: float, deadline: float, begun: bool = False) -> None:
        """Bring calls to their end, and run the callbacks of others meanwhile."""
        try:
            self._wait_until_ended(pendings, now, deadline, begun)
            while self._watched:
                self._run_callbacks()
                now = time.monotonic()
                if now >= deadline or all(p.done for p in pendings):
                    return
                self._wait_until_ended(pendings, now, deadline, True)
        except BaseException:
            self._withdraw(pendings)
            raise

    @lets_go
    def _wait_until_ended(self, pendings: Sequence[Pending], now: float, deadline: float, begun: bool) -> None:
        """Bring calls to their end, in the lead, or waiting for whoever leads; returns when callbacks are to be run."""
        leads = False
        try:
            leads = self._lead.take()
            if not leads:
                leads = self._follow(pendings, deadline, begun)
            elif not self._closed and not begun:
                for p in pendings:
                    self._connections.submit(p, now)
            if self._closed:
                self._close_all(pendings, now)
            elif leads:
                self._bring_to_end(pendings, now, deadline)
        except BaseException:
            if leads:
                self._connections.mend()
            raise
        finally:
            if leads:
                self._lead.release()
                self._hand_on()
            elif self._outbox:
                self._empty_outbox()

    def _hand_on(self) -> None:
        # After the release: a follower says that it is one before it tries to take the lead.
        if self._followers or self._closed:
            self._tell_followers()
        if self._outbox:
            self._empty_outbox()

    def _go_on(self, pending: Pending, number: int, source: Peer | None, body: bytes) -> None:
        """Bring a call that was begun alone to its end, in the lead; `number` is 0 if it could not be sent."""
        now = time.monotonic()
        try:
            if number:
                pending.peer.expect(pending, number)
            else:
                self._connections.submit(pending, now)
            if source is not None:
                now = self._connections.take(source, body)
                if self._followers:  # it may be one's answer
                    self._tell_followers()
            self._bring_to_end((pending,), now, pending.deadline)
        except BaseException:
            self._withdraw((pending,))
            raise

    def _follow(self, pendings: Sequence[Pending], deadline: float, begun: bool) -> bool:
        """Leave calls to whoever leads; False when all is done or time is over, True when the lead was taken over."""
        if not begun:
            self._outbox.extend(pendings)
        with self._turn:
            if not self._closed:
                self._connections.wake()  # under the lock: one at a time
            self._followers += 1
            try:
                while not all(p.done for p in pendings):
                    if self._lead.take():
                        return True
                    self._turn.wait(min(max(deadline - time.monotonic(), 0.001), 1.0))
                    now = time.monotonic()
                    self._expire(pendings, now)
                    if begun and now >= deadline:
                        break
            finally:
                self._followers -= 1
        return False

    def _bring_to_end(self, pendings: Sequence[Pending], now: float, deadline: float) -> None:
        connections, outbox = self._connections, self._outbox
        if now - connections.looked_at > LOOK_EVERY:
            connections.look_at_events(now)
        first, count = 0, len(pendings)
        while True:
            if outbox:
                self._submit_outbox(now)
            while first < count and pendings[first].done:
                first += 1
            if first == count or (self._watched and any(future.has_ended for future in self._watched)):
                return
            awaited = pendings[first]
            left_ms = 1000 * (deadline - now)  # may be infinite
            wait_ms = SLICE_MS if left_ms > SLICE_MS else max(int(left_ms) + 1, 0)
            connections.set_wait(wait_ms)
            try:
                while not awaited.done and now - connections.looked_at < LOOK_EVERY:
                    peer, body = connections.next_message()
                    if peer is not None:
                        now = connections.take(peer, body)
                        if self._followers:
                            self._tell_followers()
                        if self._watched:
                            break
                    elif body == connections.wake_id:
                        break
            except zmq.Again:
                now = time.monotonic()
            if now - connections.looked_at >= LOOK_EVERY:
                connections.look_at_events(now)
            if now >= deadline:
                self._expire(pendings, now)
            if self._closed:
                self._close_all(pendings, now)
            if self._followers:
                self._tell_followers()
            if now >= deadline:  # who waits for a call that goes on waits no longer
                return

    def _tell_followers(self) -> None:
        with self._turn:
            self._turn.notify_all()

    def _expire(self, pendings: Sequence[Pending], now: float) -> None:
        for p in pendings:
            if not p.done and now >= p.deadline:
                p.time_out(now)
                self._outbox.append(p)

    def _withdraw(self, pendings: Sequence[Pending]) -> None:
        """End calls whose caller was interrupted, by Ctrl-C, and tell their servers."""
        now = time.monotonic()
        for p in pendings:
            if not p.done:
                p.fail(_cancelled(p, "the wait for it was interrupted; it was withdrawn, if it had not begun"), now)
            elif p.error is not None or not p.what.begins:  # else its caller does not know that it was accepted
                continue
            self._outbox.append(p)
        self._empty_outbox()

    def _close_all(self, pendings: Sequence[Pending], now: float) -> None:
        for p in pendings:
            if not p.done:
                p.fail(PeerLostError(p.peer.url, p.what.label, "the hub was closed"), now)


def _cancelled(p: Pending, why: str) -> CallCancelledError:
    return CallCancelledError("CallCancelledError", f"{p.what.label}: {why}", peer=p.peer.url)
