"""Subscription: the queue between a subscriber's thread and whoever reads updates."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Protocol, TypedDict, TypeVar

from groundwork.closing import Closing
from groundwork.values import RemoteValue
from zmqjsonproxy.channels.protocol.limits import Limits, read_limits
from zmqjsonproxy.channels.protocol.patterns import read_patterns
from zmqjsonproxy.channels.settings import QueuePolicy
from zmqjsonproxy.channels.updates import Event, EventKind, Update
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.process import OfOneProcess

__all__ = ["ReaderOptions", "Subscription", "SubscriptionEndedError"]

log = logging.getLogger(__name__)

T = TypeVar("T")
_CALLED_BACK_AT_ONCE = 100
"""Updates that a callback may get after others were dropped."""

_MAX_EVENTS = 1000
"""Events that are kept; what they counted is in the numbers of the subscription in any case."""
_MAX_NAMES = 50_000
"""Properties of which the newest update is kept; beyond, it is forgotten of the one that came first."""


class SubscriptionEndedError(ProxyError):
    """Nothing comes of the subscription any more; the text says why."""


class ReaderOptions(TypedDict, total=False):
    """Keyword arguments of a Subscription, as those who make one for others pass them on."""

    policy: str
    most: int
    most_bytes: int
    callback: Callable[[Update], object] | None
    on_event: Callable[[Event], object] | None


class _Owner(Protocol):
    def end(self, subscription: Subscription) -> None: ...
    def reconnect(self, subscription: Subscription) -> None: ...
    def modify(
        self, subscription: Subscription, patterns: Sequence[str], limits: Limits | None
    ) -> None: ...


class Subscription(OfOneProcess, Closing):
    """Updates of properties that were subscribed to: iterate over it, in a thread or a task, ask
    `latest()`, or give it a callback.

    Use as a context manager, or `close()` it.

    Args:
        owner: Has it.
        label: What is subscribed to, for people.
        policy: What becomes of updates that are not taken in time.
        most: So many wait at most.
        most_bytes: So many bytes of arrays and texts wait at most, about.
        callback: Called with each update, in a thread of its own; what it raises is logged.
        on_event: Called with each event, likewise.

    Attributes:
        received: Updates that arrived.
        lost: Updates that did not, as far as is known; arrived and lost ones together are what was
            sent.
        dropped: Updates that arrived and were not taken in time.
        reopened: How often the connection was made anew.
    """

    def __init__(
        self,
        owner: _Owner,
        label: str,
        *,
        policy: str = QueuePolicy.DROP_OLDEST,
        most: int = 10_000,
        most_bytes: int = 64 * 2**20,
        callback: Callable[[Update], object] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        if most < 1 or most_bytes < 1:
            raise ValueError(f"most: {most}, most_bytes: {most_bytes}: at least 1 of each")
        for name, function in (("callback", callback), ("on_event", on_event)):
            if function is not None and not callable(function):
                raise ValueError(f"{name}: {str(function)[:80]!r} is no function")
        if policy not in list(QueuePolicy):
            raise ValueError(f"policy: {str(policy)[:40]!r} is not one of {', '.join(QueuePolicy)}")
        self._owner, self._label = owner, label
        self._policy, self._most, self._most_bytes = QueuePolicy(policy), most, most_bytes
        self._callback, self._on_event = callback, on_event
        self.received = self.lost = self.dropped = self.reopened = 0
        self._events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._waiting: OrderedDict[object, tuple[Update, int]] = OrderedDict()  # with its bytes
        self._to_tell: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._size = 0
        self._latest: dict[str, dict[str, Update]] = {}  # by name and source
        self._stale: dict[str, str] = {}
        self._absent: dict[str, str] = {}  # what was said first of each source
        self._ended, self._is_closed = "", False
        self._turn = threading.Condition()
        self._wakers: list[Callable[[], object]] = []
        self._thread: threading.Thread | None = None
        if callback is not None or on_event is not None:
            self._thread = threading.Thread(
                target=self._call_back, name=f"updates of {label}", daemon=True
            )
            self._thread.start()

    # for the subscriber's thread

    def take(self, updates: Sequence[Update]) -> None:
        """Take updates. Never waits for a reader."""
        with self._turn:
            if self._ended:
                return
            self._keep(updates)
            self._put(updates)
            gives_up = self._policy is QueuePolicy.DISCONNECT and self._is_too_full()
            while self._is_too_full() and not gives_up:
                self._pop()
                self.dropped += 1
            self._wake()
        if gives_up:
            self.end(f"{self._label}: its reader took too little; it was ended, as was asked")
            self._owner.end(self)

    def _keep(self, updates: Sequence[Update]) -> None:
        """Keep the newest of each property."""
        newest = {(update.name, update.source): update for update in updates}
        for (name, source), update in newest.items():
            if self._absent:
                self._absent.pop(source, None)
            of_name = self._latest.get(name)
            if of_name is None:
                if len(self._latest) >= _MAX_NAMES:
                    del self._latest[next(iter(self._latest))]
                of_name = self._latest[name] = {}
            of_name[source] = update

    def _put(self, updates: Sequence[Update]) -> None:
        keeps_latest, waiting = self._policy is QueuePolicy.LATEST, self._waiting
        received, all_bytes = self.received, self._size
        for update in updates:
            received += 1
            size = 8 if type(update.value) in _SMALL else _size_of(update.value)
            key: object = received
            if keeps_latest:
                key = update.source, update.name
                if key in waiting:
                    all_bytes -= waiting[key][1]
                    self.dropped += 1
            waiting[key] = update, size
            all_bytes += size
        self.received, self._size = received, all_bytes

    def _is_too_full(self) -> bool:
        waiting = len(self._waiting)
        return waiting > self._most or (self._size > self._most_bytes and waiting > 1)

    def note(self, event: Event) -> None:
        """Take an event."""
        with self._turn:
            self.lost += event.lost
            if event.kind is EventKind.STALE:
                self._stale[event.source] = event.text
            elif event.kind in (EventKind.OPENED, EventKind.REOPENED):
                self._stale.pop(event.source, None)
                self._absent.pop(event.source, None)  # it is said anew
            elif event.kind is EventKind.ABSENT:
                self._absent.setdefault(event.source, event.text)
            self.reopened += event.kind is EventKind.REOPENED
            self._events.append(event)
            self._to_tell.append(event)
            if event.kind is EventKind.ENDED:
                self._stale[event.source] = event.text
            self._wake()

    def end(self, why: str) -> None:
        """Take no more; readers get what is there, and then SubscriptionEndedError."""
        with self._turn:
            self._end(why)
            self._wake()

    def forked(self, why: str) -> None:
        """End it in a child of its process, where nobody else has its lock."""
        self._turn = threading.Condition()
        self.end(why)

    def _end(self, why: str) -> None:
        self._ended = self._ended or why

    def _wake(self) -> None:
        self._turn.notify_all()
        for wake in self._wakers:
            wake()

    # for readers

    def next(self, timeout: float | None = None) -> Update:
        """Wait for the next update.

        Args:
            timeout: s; None: as long as it takes.

        Raises:
            TimeoutError: None came in time.
            SubscriptionEndedError: None will come any more.
        """
        update = self._next(None if timeout is None else time.monotonic() + timeout)
        if update is None:
            raise TimeoutError(f"{self._label}: no update within {timeout:g} s{self._silence()}")
        return update

    def _next(self, end: float | None) -> Update | None:
        """Wait for the next update; None: none came until `end`, s, monotonic."""
        with self._turn:
            while (update := self._pop()) is None:
                if self._ended:
                    raise SubscriptionEndedError(self._ended)
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._turn.wait(left)
        return update

    def _silence(self) -> str:
        """Say of whom nothing is heard, and why."""
        with self._turn:
            stale, absent = list(self._stale.items())[:5], list(self._absent.items())[:5]
        silent = [f"{source}: {why}" for source, why in stale]
        told = f"; nothing is heard of {'; '.join(silent)}" if silent else ""
        return told + "".join(f"; {source}: {why}" for source, why in absent)

    def _pop(self) -> Update | None:
        if not self._waiting:
            return None
        _, (update, size) = self._waiting.popitem(last=False)
        self._size -= size
        return update

    def wait_for(self, is_it: Callable[[Update], object], timeout: float | None = None) -> Update:
        """Take updates until one is wanted, the present values first; raises as `next`.

        Args:
            is_it: Tells whether an update is the wanted one.
            timeout: s; None: as long as it takes.
        """
        end = None if timeout is None else time.monotonic() + timeout
        others = 0
        while True:
            update = self._next(end)
            if update is None:
                text = f"{self._label}: the update that was waited for did not come within"
                raise TimeoutError(f"{text} {timeout:g} s; others: {others}{self._silence()}")
            if is_it(update):
                return update
            others += 1

    def __iter__(self) -> Iterator[Update]:
        """Yield updates until the subscription is closed."""
        while True:
            try:
                yield self.next()
            except SubscriptionEndedError:
                return

    async def __aiter__(self) -> AsyncIterator[Update]:
        """Yield updates, in a task, until the subscription is closed."""
        loop, there = asyncio.get_running_loop(), asyncio.Event()
        is_rung = False

        def wake() -> None:
            nonlocal is_rung
            if not is_rung:
                is_rung = True
                with contextlib.suppress(RuntimeError):  # the loop was closed
                    loop.call_soon_threadsafe(there.set)

        with self._turn:
            self._wakers.append(wake)
        try:
            while True:
                there.clear()
                with self._turn:
                    is_rung = False
                    update, ended = self._pop(), self._ended
                if update is not None:
                    yield update
                elif ended:
                    return
                else:
                    await there.wait()
        finally:
            with self._turn:
                self._wakers.remove(wake)

    def latest(self, name: str | None = None, source: str | None = None) -> Update | None:
        """Return the newest update, of a property and a source if that is said; None: there is none
        yet. `is_stale` tells whether it may be out of date."""
        with self._turn:
            names = self._latest if name is None else [name]
            found = [
                update
                for each in names
                for its_source, update in self._latest.get(each, {}).items()
                if source in (None, its_source)
            ]
        return max(found, key=lambda update: update.time, default=None)

    @property
    def events(self) -> tuple[Event, ...]:
        """Events that came lately and were not taken, the oldest first."""
        with self._turn:
            return tuple(self._events)

    def take_events(self) -> tuple[Event, ...]:
        """Return the events that came since they were taken last, and forget them; of very many the
        newest."""
        with self._turn:
            taken = tuple(self._events)
            self._events.clear()
        return taken

    @property
    def stale(self) -> dict[str, str]:
        """Sources of which nothing is heard now, and why."""
        with self._turn:
            return dict(self._stale)

    @property
    def is_stale(self) -> bool:
        """Tell whether nothing is heard of some of its sources, so that values may be out of date."""
        return bool(self._stale)

    def reconnect(self) -> None:
        """Try at once to connect to sources that are not there, also to those that were given
        up."""
        self._owner.reconnect(self)

    def modify(self, *patterns: str, **limits: object) -> None:
        """Subscribe to other properties, or with other limits, while it is open; what is on its way
        still comes.

        Args:
            *patterns: Names of properties, or patterns; none: as before.
            **limits: `rate`, `dead_band`, `width`, `window`, `error`, `compress`, as of `subscribe`;
                those that are not given are none then. None of them: as before.

        Raises:
            ValueError: One of these is none.
        """
        wanted = read_patterns(patterns) if patterns else ()
        self._owner.modify(self, wanted, read_limits(limits) if limits else None)

    def close(self) -> None:
        """End the subscription; may be called in its callbacks, which get nothing more, and by a
        finaliser."""
        self._is_closed = True
        self._end(f"{self._label}: it was closed")
        if self._turn.acquire(blocking=False):  # never waited for: a finaliser runs anywhere
            try:
                self._wake()
            finally:
                self._turn.release()
        self._owner.end(self)  # which wakes readers in any case

    def __repr__(self) -> str:
        stale = self.stale
        state = self._ended or (f"stale: {', '.join(stale)}" if stale else "open")
        return f"<Subscription {self._label}: {self.received} received, {self.lost} lost, {state}>"

    def _call_back(self) -> None:
        at_once = 1 if self._policy is QueuePolicy.LATEST else _CALLED_BACK_AT_ONCE
        takes = self._callback is not None
        while True:
            with self._turn:
                while not (self._to_tell or self._ended or (takes and self._waiting)):
                    self._turn.wait()
                events = list(self._to_tell)
                self._to_tell.clear()
                count = min(len(self._waiting), at_once) if takes else 0
                updates = [update for _ in range(count) if (update := self._pop()) is not None]
                if self._is_closed or (self._ended and not (events or updates)):
                    return
            if self._on_event is not None:
                self._call(self._on_event, events)
            if self._callback is not None:
                self._call(self._callback, updates)

    def _call(self, function: Callable[[T], object], told: Sequence[T]) -> None:
        for each in told:
            if self._is_closed:
                return
            try:
                function(each)
            except Exception:
                log.exception("%s: a callback raised", self._label)


_SMALL = frozenset({float, int, bool, type(None)})
_FRAME = frozenset({"data", "x_start", "x_delta"})


def _size_of(value: RemoteValue) -> int:
    """Return the bytes of a value, about."""
    if type(value) is dict and value.keys() == _FRAME:  # as most that are large
        nbytes = getattr(value["data"], "nbytes", None)
        if isinstance(nbytes, int):
            return nbytes
    size, parts = 0, [value]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            parts.extend(part.values())
            size += sum(map(len, part))
        elif isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, (str, bytes)):
            size += len(part)
        else:
            nbytes = getattr(part, "nbytes", None)
            size += nbytes if isinstance(nbytes, int) else 8
    return size
