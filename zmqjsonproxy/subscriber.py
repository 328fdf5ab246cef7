"""Subscriber: one thread that serves the subscriptions of a process at any number of Players, over
one socket. Its connections are its own: calls never wait behind updates."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Unpack

import zmq

from groundwork.errors import text_of
from groundwork.extras import install_advice
from groundwork.freedmemory import keep_freed_memory
from groundwork.values import JsonObject
from zmqjsonproxy import ndarray
from zmqjsonproxy.channels.link import Link, LinkState, SubscriptionRequest, Verb, Wish
from zmqjsonproxy.channels.protocol.limits import WHOLE, Limits
from zmqjsonproxy.channels.protocol.notices import read_frames
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.subscription import ReaderOptions, Subscription
from zmqjsonproxy.errors import AccessError
from zmqjsonproxy.process import LET_GO_WITHIN_S, OfOneProcess, own_context, watch_process
from zmqjsonproxy.resolver import Resolvers, scheme_of
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.rpc.calls import Call, Hello
from zmqjsonproxy.rpc.connections import SLICE_MS, Connections
from zmqjsonproxy.rpc.core import LOOK_EVERY, HubSettings
from zmqjsonproxy.rpc.peer import ConnectionState, Peer, PendingCall

__all__ = ["Subscriber", "Target"]

log = logging.getLogger(__name__)

_TAKEN_AT_ONCE = 1000
"""Messages that are taken before requests of other threads are looked at."""
_HANDED_OVER_AT_ONCE = 50
_RESOLVE_EVERY_S = 1.0
"""Pause after an address could not be found."""


@dataclass(frozen=True, slots=True)
class Target:
    """Properties at one Player.

    Attributes:
        url: Of the Player.
        source: What updates say of where they are from.
        wishes: Object, pattern, limits of each.
    """

    url: str
    source: str
    wishes: tuple[Wish, ...]


@dataclass(slots=True, eq=False)
class _Connected:
    """A link with the server that it is to."""

    link: Link
    peer: Peer
    rid: bytes = b""
    """Routing id of the connection that the link takes for open."""


class Subscriber(OfOneProcess):
    """Subscriptions at any number of Players; for any thread.

    Args:
        settings: How Players are watched.
        resolvers: For URLs that are names.
        context: ZeroMQ context; None: that of this package.
        keys: Of this client; None: it subscribes at all Players without keys.
    """

    def __init__(
        self,
        settings: LinkSettings | None = None,
        resolvers: Resolvers | None = None,
        context: zmq.Context[Any] | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        self._settings = settings or LinkSettings()
        self._resolvers = resolvers or {}
        keep_freed_memory()
        self._connections = Connections(
            context or own_context(), HubSettings(), resolvers, keys=keys, streams=True
        )
        self._core = self._connections.core
        self._core.read_notice = read_frames
        self._core.client = self._settings.name or self._core.client
        self._links: dict[str, _Connected] = {}  # by URL
        self._requests: deque[Callable[[float], None]] = deque()
        self._asked: deque[PendingCall] = deque()  # by their deadlines
        self._told: deque[tuple[_Connected, SubscriptionRequest, PendingCall]] = deque()
        self._taking: dict[Link, None] = {}
        self._targets: dict[Subscription, Sequence[Target]] = {}
        self._waking = threading.Lock()
        self._is_closed = self._is_forked = False
        self._failure = ""  # of the thread
        self._thread = threading.Thread(target=self._run, name="subscriptions", daemon=True)
        self._thread.start()
        watch_process(self)

    def subscribe(
        self,
        targets: Sequence[Target],
        label: str,
        **reader: Unpack[ReaderOptions],
    ) -> Subscription:
        """Subscribe to properties of Players, which need not be there yet; other arguments as of
        Subscription."""
        for target in targets:
            for _, _, limits in target.wishes:
                _check_reducible(limits)
        made = Subscription(self, label, **reader)
        self._targets[made] = tuple(targets)
        if self._is_closed:  # asked now: from here on whoever closes it ends this one, too
            self._targets.pop(made, None)
            made.end(self._why_closed())
            raise RuntimeError(self._why_closed())
        self._post(partial(self._begin, made))
        return made

    def end(self, subscription: Subscription) -> None:
        """End a subscription; returns at once."""
        self._post(partial(self._end, subscription))

    def reconnect(self, subscription: Subscription) -> None:
        """Try at once to connect where a subscription has no connection; returns at once."""
        self._post(partial(self._reconnect, subscription))

    def modify(
        self, subscription: Subscription, patterns: Sequence[str], limits: Limits | None
    ) -> None:
        """Subscribe to other properties, or with other limits, without a gap; returns at once.

        Args:
            subscription: One of these.
            patterns: Of names; none: as before.
            limits: None: as before.
        """
        if limits is not None:
            _check_reducible(limits)
        self._post(partial(self._modify, subscription, tuple(patterns), limits))

    def close(self, within: float = 5.0) -> bool:
        """End all subscriptions, and close the socket; False: not within that time, s."""
        self._is_closed = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(within)
        return not self._thread.is_alive()

    def end_with_process(self) -> bool:
        """Close the socket, at the exit of the interpreter."""
        return self._is_forked or self.close(LET_GO_WITHIN_S)

    def renew_after_fork(self) -> None:
        """Leave all to the parent, in a child of it, where subscriptions are ended."""
        self._waking = threading.Lock()
        self._connections.leave_to_parent()
        self._is_closed = self._is_forked = True
        for subscription in list(self._targets):
            subscription.forked(self._why_closed())

    def _why_closed(self) -> str:
        if self._is_forked:
            return (
                "the subscription is the parent's, which was forked; subscribe in the child again"
            )
        return self._failure or "the connections were closed"

    def _post(self, request: Callable[[float], None]) -> None:
        """Leave a request for the thread; takes no lock that anybody holds for long, so that a
        finaliser may do it."""
        self._requests.append(request)
        self._wake()

    def _wake(self) -> None:
        if self._waking.acquire(blocking=False):  # else somebody wakes it right now
            try:
                self._connections.wake()
            except zmq.ZMQError:  # closed
                pass
            finally:
                self._waking.release()

    # in the thread

    def _run(self) -> None:
        try:
            while not self._is_closed:
                self._serve()
        except zmq.ContextTerminated:
            pass
        except Exception as error:
            log.exception("subscriptions ended")
            self._failure = f"the thread of subscriptions failed: {text_of(error)}"
        finally:
            self._is_closed = True
            for subscription in list(self._targets):
                subscription.end(self._why_closed())
            try:
                self._connections.close(self._why_closed())
            except zmq.ZMQError:
                pass

    def _serve(self) -> None:
        now = time.monotonic()
        while self._requests:
            try:
                self._requests.popleft()(now)
            except zmq.ContextTerminated:
                raise
            except Exception:
                log.exception("a request of a subscription failed")
        if now - self._core.looked_at >= LOOK_EVERY:
            self._connections.look_at_events(now)
        self._end_late(now)
        for connected in list(self._links.values()):
            try:
                self._look_after(connected, now)
            except zmq.ContextTerminated:
                raise
            except Exception as error:  # of one Player: others' subscriptions go on
                log.exception("%s cannot be watched", connected.link.source)
                connected.link.refuse(f"it cannot be watched: {text_of(error)}")
        self._connections.set_wait(SLICE_MS)
        has_more = self._connections.has_more
        try:
            for count in range(_TAKEN_AT_ONCE):
                peer, body = self._connections.next_message()
                if peer is None:
                    break
                now = self._connections.take(peer, body)
                if self._told:
                    self._deliver(now)
                if now - self._core.looked_at >= LOOK_EVERY:
                    break
                if self._taking and (count % _HANDED_OVER_AT_ONCE == 0 or not has_more()):
                    self._hand_over()
        except zmq.Again:
            pass
        self._hand_over()

    def _end_late(self, now: float) -> None:
        """End questions that are not answered in time."""
        while self._asked and (self._asked[0].done or now >= self._asked[0].deadline):
            pending = self._asked.popleft()
            if not pending.done:
                pending.time_out(now)
                self._connections.submit((pending,), now)  # which withdraws it

    def _look_after(self, connected: _Connected, now: float) -> None:
        """Tell a link what has become of its connection, and ask what it wants asked."""
        link, peer = connected.link, connected.peer
        if link.state is LinkState.OPEN and peer.rid != connected.rid:
            link.lost(peer.reason, now)
        if self._told:
            self._deliver(now)
        link.tick(now, peer.state is not ConnectionState.IDLE or now >= peer.retry_at)
        self._ask_more(connected, now)

    def _ask_more(self, connected: _Connected, now: float) -> None:
        while (ask := connected.link.next_ask()) is not None:
            self._ask(connected, ask, now)

    def _ask(self, connected: _Connected, ask: SubscriptionRequest, now: float) -> None:
        within = self._settings.timeout
        what: Hello | Call
        if ask.verb is Verb.OPEN:
            objects = (object_name for object_name, _, _ in connected.link.wishes)
            what = Hello(next(objects, "bank"), self._core.client)
        else:
            what = Call("rpc", ask.verb.value, ask.params(), None, within)
        pending = PendingCall(connected.peer, what, now, now + within)
        pending.on_end = partial(self._told.append, (connected, ask, pending))
        self._asked.append(pending)
        if ask.verb is Verb.OPEN and scheme_of(connected.peer.url) in self._resolvers:
            resolving = partial(self._resolve, pending)  # which may take long
            threading.Thread(target=resolving, name="resolver", daemon=True).start()
        else:
            self._connections.submit((pending,), now)

    def _resolve(self, hello: PendingCall) -> None:
        """Find the address of a Player, in a thread of its own: others' updates do not wait."""
        self._connections.prepare(hello)
        self._post(partial(self._submit_resolved, hello))

    def _submit_resolved(self, hello: PendingCall, now: float) -> None:
        if hello.done:
            hello.peer.retry_at = now + _RESOLVE_EVERY_S
        self._connections.submit((hello,), now)

    def _deliver(self, now: float) -> None:
        """Give links the answers that came."""
        while self._told:
            connected, ask, pending = self._told.popleft()
            link, peer = connected.link, connected.peer
            if ask.verb is Verb.OPEN and link.state is LinkState.OPENING:
                self._take_hello(connected, pending, now)
            elif not self._take_answer(connected, ask, pending, now):
                self._core.drop(peer, link.reason, now)
                self._connections.carry_out(now)
            self._ask_more(connected, now)

    def _take_answer(
        self, connected: _Connected, ask: SubscriptionRequest, pending: PendingCall, now: float
    ) -> bool:
        """Give a link an answer; False: the connection is to be given up."""
        link = connected.link
        try:
            return link.answered(ask, pending.value, pending.error, now)
        except Exception as error:  # likewise
            link.lost(_untaken(link, error), now)
            return False

    def _take_hello(self, connected: _Connected, pending: PendingCall, now: float) -> None:
        link, peer = connected.link, connected.peer
        if isinstance(pending.error, AccessError):  # it would be denied again
            link.refuse(pending.error.text)
            self._core.drop(peer, link.reason, now)
            self._connections.carry_out(now)
        elif peer.state is not ConnectionState.READY:
            link.lost(str(pending.error or peer.reason), now)
            self._core.drop(peer, link.reason, now)
            self._connections.carry_out(now)
        elif not peer.is_ours:
            link.refuse(f"{peer.url}: a Player of the original, which publishes nothing")
        else:
            connected.rid = peer.rid
            link.opened(peer.instance, now)

    def _take_notice(self, connected: _Connected, notice: JsonObject, now: float) -> None:
        link = connected.link
        self._taking[link] = None
        if notice.get("method") == "rpc.refused":
            connected.peer.outdate()
        try:
            link.take(notice, now)
        except Exception as error:  # likewise
            self._core.drop(connected.peer, _untaken(link, error), now)

    def _hand_over(self) -> None:
        """Hand over what has come; not one by one, for that wakes its reader each time."""
        taking, self._taking = self._taking, {}
        for link in taking:
            link.hand_over()

    # requests

    def _connected(self, target: Target) -> _Connected:
        found = self._links.get(target.url)
        if found is None:
            link = Link(target.source, self._settings)
            found = self._links[target.url] = _Connected(link, self._core.peer(target.url))
            found.peer.takes = (("packed", "frames"),)
            found.peer.on_notice = partial(self._take_notice, found)
        return found

    def _begin(self, subscription: Subscription, now: float) -> None:
        for target in self._targets.get(subscription, ()):
            link = self._connected(target).link
            link.reconnect(now)
            for wish in target.wishes:
                link.subscribe(wish, subscription)

    def _end(self, subscription: Subscription, now: float) -> None:
        subscription.end("")  # wakes its readers
        for target in self._targets.pop(subscription, ()):
            connected = self._connected(target)
            connected.link.leave(subscription)
            if not connected.link.wishes:
                self._look_after(connected, now)
                del self._links[target.url]
                self._core.drop(connected.peer, "nothing is subscribed to there", now)
                self._connections.carry_out(now)

    def _reconnect(self, subscription: Subscription, now: float) -> None:
        for target in self._targets.get(subscription, ()):
            connected = self._connected(target)
            connected.link.reconnect(now)
            connected.peer.retry_at = 0.0

    def _modify(
        self,
        subscription: Subscription,
        patterns: Sequence[str],
        limits: Limits | None,
        now: float,
    ) -> None:
        before = self._targets.get(subscription)
        if before is None:
            return
        targets = [
            replace(target, wishes=tuple(_modified(target.wishes, patterns, limits)))
            for target in before
        ]
        self._targets[subscription] = targets
        for old, new in zip(before, targets, strict=True):
            self._connected(new).link.replace(old.wishes, new.wishes, subscription)


def _check_reducible(limits: Limits) -> None:
    """ModuleNotFoundError: frames are to be reduced, and what restores them is not there."""
    if limits.reduction != WHOLE and not ndarray.is_available():
        text = f"reduced frames (width, window, error, compress): {install_advice('numpy')}"
        raise ModuleNotFoundError(text, name="numpy")


def _untaken(link: Link, error: Exception) -> str:
    log.exception("what %s sent could not be taken", link.source)
    return f"what it sent could not be taken: {text_of(error)}"


def _modified(
    wishes: Sequence[Wish], patterns: Sequence[str], limits: Limits | None
) -> Iterator[Wish]:
    """Yield other wishes of the same object."""
    for object_name, pattern, before in wishes[:1] if patterns else wishes:
        for wanted in patterns or (pattern,):
            yield object_name, wanted, before if limits is None else limits
