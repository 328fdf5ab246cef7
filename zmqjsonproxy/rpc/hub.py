"""Calls to many servers over one ROUTER socket, from any number of threads.

A thread that calls while nobody reads the socket becomes the leader: it sends, receives, and hands
to the others what is theirs. The others leave their calls in the mailbox and wait; when the leader
has its own answer, one of them takes over. Nobody holds a lock while waiting for the network.
Whoever is interrupted withdraws its calls.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, TypeVarTuple, Unpack

import zmq

from groundwork.closing import Closing
from zmqjsonproxy.process import LET_GO_WITHIN_S, own_context, watch_process
from zmqjsonproxy.resolver import Resolvers
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.rpc.callresults import CallRequest, CallResult
from zmqjsonproxy.rpc.connections import SLICE_MS, Connections
from zmqjsonproxy.rpc.core import LOOK_EVERY, CallGroup, HubSettings
from zmqjsonproxy.rpc.futures import CallFuture
from zmqjsonproxy.rpc.knownservers import AskingHub
from zmqjsonproxy.rpc.peer import PendingCall
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription, MethodDescription

__all__ = [
    "CallRequest",
    "CallResult",
    "HubSettings",
    "InterfaceDescription",
    "MethodDescription",
    "ThreadHub",
]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_NOBLOCK = int(zmq.NOBLOCK)
_TOGETHER_S = 0.001
"""Time for answers that have come behind the awaited one, s."""
INTERRUPTED = "the wait for it was interrupted; it was withdrawn, if it had not begun"


class LeaderLock:
    """Leader lock: its owner alone uses the sockets. It survives Ctrl-C.

    Attributes:
        take: Take it without waiting; whether it was free, or this thread's own (whom a signal
            handler interrupts).
        release: Release it; RuntimeError: it is not this thread's.
        is_ours: Tell whether this thread has it.
        turn: What those wait for who follow; to be held while `followers` is changed.
        followers: Threads that wait for the lock, or for what its owner does for them.
    """

    def __init__(self) -> None:
        lock = threading.RLock()  # the lock that knows its owner
        self.take: Callable[[], bool] = partial(lock.acquire, False)
        self.release: Callable[[], None] = lock.release
        self.is_ours: Callable[[], bool] = lock._is_owned  # type: ignore[attr-defined]  # what a Condition asks
        self.turn, self.followers = threading.Condition(), 0

    def tell_followers(self) -> None:
        """Have those who follow look at what they wait for."""
        with self.turn:
            self.turn.notify_all()

    def lead(
        self, take: Callable[[], bool], work: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> T | None:
        """Return what `work(*args)` returns, done with the lock; None: another thread has it.

        Args:
            take: `self.take`, or what calls it.
            work: What to do.
            *args: Its arguments.
        """
        is_within = self.is_ours()
        try:
            if take():
                try:
                    return work(*args)
                finally:
                    self.release()  # here, for Ctrl-C may end a function before its first line
                    if self.followers:  # who say so before they try to take it
                        self.tell_followers()
        except BaseException:
            if not is_within and self.is_ours():  # Ctrl-C, just behind `take`
                while self.is_ours():
                    self.release()
                self.tell_followers()
            raise
        return None


class ThreadHub(AskingHub[Any, list[CallResult], InterfaceDescription, CallFuture], Closing):
    """One socket for calls to any number of servers; thread-safe.

    Args:
        ctx: ZeroMQ context; None: that of this package, which is nobody else's.
        settings: How servers are watched.
        resolvers: For URLs that are names; see `zmqjsonproxy.resolver`.
        keys: Of this client; None: it calls all servers without keys.
    """

    def __init__(
        self,
        ctx: zmq.Context[Any] | None = None,
        settings: HubSettings | None = None,
        resolvers: Resolvers | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        self.settings = settings or HubSettings()
        context = own_context() if ctx is None else ctx
        self._connections = Connections(context, self.settings, resolvers, keys=keys)
        self._core = self._connections.core
        self._mailbox: deque[PendingCall] = deque()
        self._told: deque[CallFuture] = deque()
        self._closed = False
        self._share()
        watch_process(self)

    def _share(self) -> None:
        self._lead = LeaderLock()

    def pause(self, seconds: float) -> None:
        """Wait between two looks at servers, by `time.sleep`, whatever that is then (a plan puts
        its own there)."""
        time.sleep(seconds)

    def close(self, within: float = math.inf) -> bool:
        """Close the socket; calls that are under way end with PeerLostError, and are withdrawn if
        they wait.

        Args:
            within: Whoever uses the socket is waited for so long, s.

        Returns:
            False if somebody still uses it then.
        """
        end = time.monotonic() + within
        with self._lead.turn:
            if self._closed:
                return True
            self._closed = True
            self._lead.followers += 1
            self._connections.wake()
            while not self._lead.lead(self._lead.take, self._close):
                if time.monotonic() >= end:
                    return False
                self._lead.turn.wait(0.1)
        return True

    def _close(self) -> bool:
        self._empty_mailbox(None)
        self._connections.close("the hub was closed")
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
        self._connections.leave_to_parent()
        while self._mailbox:
            self._mailbox.popleft().lose("the process was forked", 0.0)
        self._told.clear()
        take = self._lead.take

        def open_and_take() -> bool:
            if not take():
                return False
            self._connections.open(own_context())
            self._lead.take = take
            return True

        self._lead.take = open_and_take

    # what is asked of servers

    def _begin(self, pending: PendingCall) -> CallFuture:
        try:
            if self._mailbox or not self._lead.lead(
                self._lead.take, self._connections.send_call, pending
            ):
                self._leave(pending)
            return CallFuture(self, pending)
        except BaseException:
            self._withdraw((pending,))
            raise

    def cancel(self, pending: PendingCall) -> bool:
        """End a call that was begun, and tell its server; False if it has ended."""
        if pending.done:
            return False
        pending.ends_operation = True
        pending.cancel("cancelled by its caller", time.monotonic())
        self._leave(pending)
        self._lead.tell_followers()
        self._run_callbacks()
        return True

    def watch(self, future: CallFuture, pending: PendingCall) -> None:
        """Run the callbacks of a future when its call has ended, in the thread that takes the
        answer."""
        pending.on_end = partial(self._told.append, future)
        if pending.done:
            pending.on_end()
        self._run_callbacks()

    def wait_for(self, pending: PendingCall, deadline: float) -> None:
        """Wait until a call that was begun has ended, or until `deadline`, s, monotonic."""
        self._finish((pending,), deadline)

    def _ask(self, group: CallGroup, read: Callable[[CallGroup], T]) -> T:
        try:
            if group.deadline - group.begun >= SLICE_MS / 1000 and group.peers:
                self._lead.lead(self._lead.take, self._connections.ask, group)
                if self._mailbox:
                    self._deliver()
            if group.left or self._told:
                is_begun = bool(group.pending)
                if not is_begun:
                    group.make_pending()
                self._finish(group.pending, group.deadline, is_begun=is_begun)
        except BaseException:
            self._withdraw(group.pending)
            raise
        return read(group)

    # waiting

    def _finish(
        self, calls: Sequence[PendingCall], deadline: float, *, is_begun: bool = True
    ) -> None:
        """Bring calls to their end, and run the callbacks of others meanwhile."""
        try:
            self._wait_until_ended(calls, deadline, is_begun)
            while self._told:
                self._run_callbacks()
                if time.monotonic() >= deadline or all(call.done for call in calls):
                    return
                self._wait_until_ended(calls, deadline, True)
        except BaseException:
            self._withdraw(calls)
            raise

    def _wait_until_ended(
        self, calls: Sequence[PendingCall], deadline: float, is_begun: bool
    ) -> None:
        """Bring calls to their end, in the lead, or waiting for whoever leads; returns when
        callbacks are to be run."""
        if not self._lead.lead(self._lead.take, self._bring_to_end, calls, deadline, is_begun):
            follow = partial(self._follow, calls, deadline, is_begun)
            self._lead.lead(follow, self._bring_to_end, calls, deadline, True)
        self._deliver()

    def _follow(self, calls: Sequence[PendingCall], deadline: float, is_begun: bool) -> bool:
        """Leave calls to whoever leads; False when all is done or time is over, True when the lead
        was taken over."""
        if not is_begun:
            for call in calls:
                self._connections.prepare(call)
            self._mailbox.extend(call for call in calls if not call.done)
        with self._lead.turn:
            if not self._closed:
                self._connections.wake()  # under the lock: one at a time
            self._lead.followers += 1
            try:
                while not all(call.done for call in calls):
                    if self._lead.take():
                        return True
                    self._lead.turn.wait(min(max(deadline - time.monotonic(), 0.001), 1.0))
                    now = time.monotonic()
                    self._expire(calls, now)
                    if is_begun and now >= deadline:
                        break
            finally:
                self._lead.followers -= 1
        return False

    def _bring_to_end(self, calls: Sequence[PendingCall], deadline: float, is_begun: bool) -> bool:
        """Send calls, unless that was begun, and bring them to their end, in the lead."""
        now = time.monotonic()
        try:
            if not is_begun and not self._closed:
                self._connections.submit(calls, now)
            for call in calls:
                while not (call.done or self._closed or self._told):
                    now = self._take_messages(call, now, deadline)
                    if now >= deadline:  # who waits for a call that goes on waits no longer
                        self._expire(calls, now)
                        return True
        except BaseException:
            self._connections.mend()
            raise
        for call in calls if self._closed else ():
            call.lose("the hub was closed", now)
        return True

    def _take_messages(self, awaited: PendingCall, now: float, deadline: float) -> float:
        """Take messages until a call has ended, and those that have come with its answer, or until
        there is something else to do; the time."""
        connections, core = self._connections, self._core
        if self._mailbox or core.actions:  # what an interrupted leader left
            self._empty_mailbox(None)
        if now - core.looked_at >= LOOK_EVERY:
            connections.look_at_events(now)
        left_ms = 1000 * (deadline - now)  # may be infinite
        connections.set_wait(SLICE_MS if left_ms > SLICE_MS else max(int(left_ms) + 1, 0))
        flags, told, lead, look_at = 0, self._told, self._lead, core.looked_at + LOOK_EVERY
        receive, take = connections.next_message, connections.take
        try:
            while not told and now < look_at:
                if awaited.done:
                    if not awaited.peer.numbered or now - awaited.ended > _TOGETHER_S:
                        break
                    flags = _NOBLOCK  # its server has more to answer, which is asked for next
                peer, body = receive(flags)
                if peer is not None:
                    now = take(peer, body)
                    if lead.followers:
                        lead.tell_followers()
                elif body == connections.wake_id:
                    break
        except zmq.Again:
            now = time.monotonic()
        if self._lead.followers:  # whose servers may be lost
            self._lead.tell_followers()
        return now

    def _deliver(self) -> None:
        """Send what was left in the mailbox, unless somebody leads, who will do it."""
        while self._mailbox:
            if not self._lead.lead(self._lead.take, self._empty_mailbox, None):
                return

    def _leave(self, call: PendingCall) -> None:
        """Send a call, or cancel it, or have that done by whoever leads."""
        if self._lead.lead(self._lead.take, self._empty_mailbox, call):
            return
        if not call.done:
            self._connections.prepare(call)
        self._mailbox.append(call)
        self._deliver()
        if self._mailbox:
            with self._lead.turn:
                if not self._closed:
                    self._connections.wake()

    def _empty_mailbox(self, own: PendingCall | None) -> bool:
        """Send all that others have left, and a call of this thread, in the lead; if the hub was
        closed, only what is to be withdrawn."""
        now, call = time.monotonic(), own
        if own is not None:
            self._mailbox.append(own)
        try:
            while self._mailbox:
                call = self._mailbox.popleft()
                if self._closed:
                    call.lose("the hub was closed", now)
                self._core.submit(call, now)
            self._connections.carry_out(now)
        except BaseException:  # Ctrl-C, which is nothing to whose call it is
            if call is not None and (call.done or not call.is_on_its_way):
                self._mailbox.appendleft(call)
            self._connections.mend()
            raise
        return True

    def _expire(self, calls: Sequence[PendingCall], now: float) -> None:
        for call in calls:
            if not call.done and now >= call.deadline:
                call.time_out(now)
                self._mailbox.append(call)

    def _withdraw(self, calls: Sequence[PendingCall]) -> None:
        """End calls whose caller was interrupted, by Ctrl-C, and tell their servers."""
        for call in calls:
            # one that was accepted is withdrawn, too: its caller does not know that
            if not call.done or (call.error is None and call.what.begins):
                call.cancel(INTERRUPTED, time.monotonic())
                self._mailbox.append(call)
        self._deliver()

    def _run_callbacks(self) -> None:
        """Run the callbacks of calls that have ended; never in the lead, for they may make
        calls."""
        with suppress(IndexError):  # another thread runs the last one
            while self._told:
                self._told.popleft().run_callbacks()
