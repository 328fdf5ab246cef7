"""Calls of many threads over one socket: one leads, the others follow; and whoever is interrupted
withdraws its calls.

See `hub.py` for the whole picture.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import zmq

from zmqjsonproxy.errors import CallCancelledError, PeerLostError
from zmqjsonproxy.locating import Locators
from zmqjsonproxy.process import LET_GO_WITHIN_S, OfOneProcess, own_context, watch_process
from zmqjsonproxy.rpc.connections import LOOK_EVERY, SLICE_MS, Connections, HubSettings
from zmqjsonproxy.rpc.futures import CallFuture
from zmqjsonproxy.rpc.knownservers import KnownServers
from zmqjsonproxy.rpc.lead import Lead, lets_go
from zmqjsonproxy.rpc.many import CallResult
from zmqjsonproxy.rpc.peer import Peer, Pending

__all__ = ["LedCalls", "cancelled"]


class LedCalls(OfOneProcess, KnownServers):
    """The part of a hub that brings calls to their end; arguments as those of Hub."""

    def __init__(
        self,
        ctx: zmq.Context[Any] | None = None,
        settings: HubSettings | None = None,
        locators: Locators | None = None,
    ) -> None:
        self.settings = settings or HubSettings()
        self._connections = Connections(
            own_context() if ctx is None else ctx, self.settings, locators
        )
        self._peers = self._connections.peers
        self._outbox: deque[Pending] = deque()
        self._watched: list[CallFuture] = []
        self._closed = False
        self._share()
        watch_process(self)

    def _share(self) -> None:
        self._lead = Lead()
        self._turn = threading.Condition()
        self._followers = 0

    @lets_go
    def close(self, within: float = math.inf) -> bool:
        """Close the socket; calls that are under way end with PeerLostError, and are withdrawn if
        they wait.

        Args:
            within: Whoever uses the socket is waited for so long, s.

        Returns:
            False if somebody still uses it then.
        """
        end = time.monotonic() + within
        with self._turn:
            if self._closed:
                return True
            self._closed = True
            self._connections.wake()
            while not self._lead.take():
                if time.monotonic() >= end:
                    return False
                self._turn.wait(0.1)
            while self._outbox:
                if (pending := self._outbox.popleft()).done:  # to be withdrawn
                    self._connections.submit(pending, time.monotonic())
                else:
                    self._close_all((pending,), time.monotonic())
            self._connections.close("the hub was closed")
            self._turn.notify_all()
            self._lead.release()
        return True

    def end_with_process(self) -> bool:
        """Close the socket, at the exit of the interpreter."""
        return self.close(LET_GO_WITHIN_S)

    def renew_after_fork(self) -> None:
        """Leave all connections to the parent, in a child of it; whoever calls first here makes
        others."""
        self._share()
        if self._closed:
            return
        self._watched.clear()
        self._connections.leave_to_parent()
        while self._outbox:
            pending = self._outbox.popleft()
            if not pending.done:
                pending.fail(
                    PeerLostError(pending.peer.url, pending.what.label, "the process was forked"),
                    0.0,
                )
        take = self._lead.take

        def open_and_take() -> bool:
            if not take():
                return False
            self._connections.open(own_context())
            self._lead.take = take
            return True

        self._lead.take = open_and_take

    def _leave(self, pending: Pending) -> None:
        """Send a call, or cancel it, or have that done by whoever leads."""
        if self._empty_outbox(pending):
            return
        if not pending.done:
            self._connections.prepare(pending)
        self._outbox.append(pending)
        self._empty_outbox()
        if self._outbox:
            with self._turn:
                if not self._closed:
                    self._connections.wake()

    def _run_callbacks(self) -> None:
        """Run the callbacks of calls that have ended; never in the lead, for they may make
        calls."""
        for future in [future for future in self._watched if future.has_ended]:
            try:
                self._watched.remove(future)
            except ValueError:  # another thread runs them
                continue
            future.run_callbacks()

    def _results(
        self, pendings: Sequence[Pending], now: float, deadline: float
    ) -> list[CallResult]:
        if pendings:
            self._finish(pendings, now, deadline)
        return [CallResult(p.value, p.error, p.ended - now) for p in pendings]

    @lets_go
    def _empty_outbox(self, own: Pending | None = None) -> bool:
        """Send what others have left, and a call of this thread, unless somebody leads; tell
        whether it was sent."""
        while (own or self._outbox) and self._lead.take():
            try:
                if own is not None:
                    self._outbox.append(own)
                    own = None
                now = time.monotonic()
                if not self._closed:
                    self._submit_outbox(now)
                while self._outbox:
                    self._close_all((self._outbox.popleft(),), now)
            finally:
                self._lead.release()
                if self._followers:  # one may have tried to take the lead meanwhile
                    self._tell_followers()
        return own is None

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

    def _finish(
        self, pendings: Sequence[Pending], now: float, deadline: float, begun: bool = False
    ) -> None:
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
    def _wait_until_ended(
        self, pendings: Sequence[Pending], now: float, deadline: float, begun: bool
    ) -> None:
        """Bring calls to their end, in the lead, or waiting for whoever leads; returns when
        callbacks are to be run."""
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
        """Bring a call that was begun alone to its end, in the lead; `number` is 0 if it could not
        be sent."""
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
        """Leave calls to whoever leads; False when all is done or time is over, True when the lead
        was taken over."""
        if not begun:
            for p in pendings:
                self._connections.prepare(p)
            self._outbox.extend(p for p in pendings if not p.done)
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
            if first == count or (
                self._watched and any(future.has_ended for future in self._watched)
            ):
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
                p.fail(
                    cancelled(
                        p, "the wait for it was interrupted; it was withdrawn, if it had not begun"
                    ),
                    now,
                )
            elif (
                p.error is not None or not p.what.begins
            ):  # else its caller does not know that it was accepted
                continue
            self._outbox.append(p)
        self._empty_outbox()

    def _close_all(self, pendings: Sequence[Pending], now: float) -> None:
        for p in pendings:
            if not p.done:
                p.fail(PeerLostError(p.peer.url, p.what.label, "the hub was closed"), now)


def cancelled(p: Pending, why: str) -> CallCancelledError:
    """Return the error of a call that its caller gave up."""
    return CallCancelledError("CallCancelledError", f"{p.what.label}: {why}", peer=p.peer.url)
