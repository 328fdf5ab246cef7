"""The server: one ROUTER socket, and the thread that serves it.

What is called is carried out by a call engine, of which other threads never touch the socket: they
leave their replies in a queue and wake the socket's thread over an inproc connection to the very
ROUTER, so that one blocking `recv` waits for all there is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

import zmq

from groundwork.addresses import split_url
from groundwork.closing import Closing
from groundwork.values import JsonObject
from groundwork.watchdog import watch
from zmqjsonproxy.channels.properties import has_properties, table_of
from zmqjsonproxy.channels.protocol.notices import write_refused
from zmqjsonproxy.channels.publisher import Publisher
from zmqjsonproxy.engine import CallEngine, CommandQueues
from zmqjsonproxy.engine.calltable import CallTable
from zmqjsonproxy.engine.commandqueues import SMALL
from zmqjsonproxy.errors import AccessError, RevokedKeyError
from zmqjsonproxy.interface import Interface
from zmqjsonproxy.process import LET_GO_WITHIN_S, OfOneProcess, watch_process
from zmqjsonproxy.protocol.operations import OperationRecord, OperationTable
from zmqjsonproxy.rights import ServerKeys
from zmqjsonproxy.rpc import replyencoding
from zmqjsonproxy.rpc.admission import Admission
from zmqjsonproxy.rpc.authenticator import admit, admit_no_more
from zmqjsonproxy.rpc.curve import needs_keys, serve_plain, serve_with_keys
from zmqjsonproxy.rpc.descriptors import Listening
from zmqjsonproxy.rpc.dispatch import Dispatcher
from zmqjsonproxy.rpc.frames import frame_sender, proven_receiver, readiness, receiver
from zmqjsonproxy.rpc.inbox import Inbox
from zmqjsonproxy.rpc.lookschedule import LookSchedule
from zmqjsonproxy.rpc.protocol.dialect import read_failure, too_many_unread
from zmqjsonproxy.rpc.sendqueues import MAX_IN_SOCKET, SendQueues
from zmqjsonproxy.rpc.settings import ServerSettings
from zmqjsonproxy.waiting import not_waiting

__all__ = ["ServerSettings", "ZMQJSONProxyServer"]

log = logging.getLogger(__name__)

_POLLIN = int(zmq.POLLIN)
_BIND_WITHIN_S = 5.0
_RING = b"."
"""Wakes the socket's thread; behind an empty one it would look for more frames."""
_HANDSHAKE_WITHIN_MS = 3000
"""Time after which a client that says nothing is dropped; an honest one needs some ms."""
_KEYS_EVERY_S = 0.5
"""The keys of subscribers are looked at so often: updates go to them without a word of theirs."""
_MAX_UNREAD = 4000
"""Messages of one connection that ZeroMQ has taken in, and that wait to be read: so many that nobody who
waits for answers has them. A connection with more stands still until half of them are served; it
answers no heartbeats then, see Inbox, but its client gets answers, which count as such. To take in
more of a flood keeps ZeroMQ's thread from the messages of others."""
_sched_yield: Callable[[], object] = getattr(os, "sched_yield", partial(time.sleep, 0))
"""Lets other threads run; not every system has the call."""
_TAKEN_AT_ONCE = 1000
"""Messages that are taken off the socket before a large one is decoded."""


def _nobody(_client: bytes) -> None:
    """Nothing: where there are keys no client is trusted to send no frame too many."""


class ZMQJSONProxyServer(OfOneProcess, Closing):
    """Serves objects to clients of both dialects; binds at once, serves while `run_loop` runs.

    Args:
        ctx: ZeroMQ context.
        URL: Where to bind; `tcp://127.0.0.1:*` takes a free port, see `url`.
        settings: Limits.
        name: What the server calls itself in logs.
        keys: Its own key, and those that clients need who are not of this host; None: nobody needs
            one.

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
        keys: ServerKeys | None = None,
    ) -> None:
        self.settings, self.keys = settings or ServerSettings(), keys
        self.instance = secrets.token_hex(8)
        self._ended, self._closed = threading.Event(), threading.Event()
        self._loop: threading.Thread | None = None
        self._quit = False
        self._looks = LookSchedule()
        self._last_client: bytes | None = None
        self._may_wait = True
        self._inner_id = secrets.token_bytes(16)  # a stranger cannot guess it
        self._inner_lock = threading.Lock()
        self._to_bind: deque[tuple[str, Future[None]]] = deque()
        self._router: zmq.Socket[bytes] = ctx.socket(zmq.ROUTER)
        self._inner: zmq.Socket[bytes] = ctx.socket(zmq.DEALER)
        self._router.linger = self._inner.linger = 0
        self._context, self._domain = ctx, self.instance.encode()
        self._looks_at_keys = False
        self._router.set(zmq.HANDSHAKE_IVL, _HANDSHAKE_WITHIN_MS)
        self._listening = Listening(self._router)
        self._router.set(zmq.MAXMSGSIZE, 4 * self.settings.max_message_bytes)
        self._router.set(zmq.RCVHWM, _MAX_UNREAD)
        self._router.set(zmq.SNDHWM, MAX_IN_SOCKET)
        self._router.set(
            zmq.ROUTER_MANDATORY, 1
        )  # what the socket does not take waits in its send queue
        # A client that vanished without a word is dropped after 30 s. By TCP: clients with libzmq
        # below 4.2 do not answer ZeroMQ's heartbeats, and would lose the connection in the middle
        # of a long call.
        self._router.set(zmq.TCP_KEEPALIVE, 1)
        self._router.set(zmq.TCP_KEEPALIVE_IDLE, 10)
        self._router.set(zmq.TCP_KEEPALIVE_INTVL, 5)
        self._router.set(zmq.TCP_KEEPALIVE_CNT, 4)
        self._send_queues = SendQueues(
            self._router, self._wake, self.settings.max_waiting_bytes, name or URL
        )
        self.publisher = Publisher(
            self._send_queues.post_update, self.instance, waiting=self._send_queues.waiting
        )
        self._inbox = Inbox(self.settings.max_unread_bytes)
        self._inner.set(zmq.IDENTITY, self._inner_id)
        self._ring = frame_sender(self._inner)
        self._inner.sndhwm = 0
        try:
            inner_url = f"inproc://zmqjsonproxy-{self.instance}"
            self._router.bind(inner_url)
            self._inner.connect(inner_url)
            if keys is not None:
                admit(ctx, self._domain, keys.find)
            self._bind(URL)
            self.url: str = self._router.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        except BaseException:
            self.close()
            raise
        self.name = name or self.url
        self.engine = CallEngine(
            name=self.name,
            replies=replyencoding,
            slow_query_s=self.settings.slow_query_s,
            fast_again_after=self.settings.fast_again_after,
            queues=CommandQueues(self.settings.max_queued_calls, self.name),
            operations=OperationTable(self.instance),
            is_full=self._send_queues.is_full,
            once=CallTable(
                self.instance, replyencoding.kept, replyencoding.again, replyencoding.told
            ),
        )
        self.interfaces = self.engine.interfaces
        self._is_readable = readiness(self._router)
        self._receive, trust = receiver(self._router)
        trust(self._inner_id)
        if keys is not None:
            self._receive, trust = proven_receiver(self._router), _nobody
        self._admission = Admission(keys, self.settings.original_role)
        self._dispatcher = Dispatcher(
            self.engine,
            self.settings,
            self._send_queues.send,
            self._send_queues.post,
            trust,
            self.publisher,
            self._send_queues.hold,
            self._admission,
        )
        self._serve = self._dispatcher.serve
        if keys is not None:
            self._serve = self._dispatcher.serve_with_keys
            self._watch(self._have_keys_looked_at, "keys", _KEYS_EVERY_S)
        watch_process(self)

    def expose(self, name: str, obj: object, *, queue: str | None = None) -> Interface:
        """Expose an object's marked methods (or all public ones, if none is marked) under `name`.

        Args:
            name: By convention dotted: `bank`, `bank.roach`.
            obj: The object; None exposes an interface without methods.
            queue: Objects of one command queue share one queue of commands; the text before the
                first dot by default.
        """
        interface = self.engine.expose(name, obj, queue=queue)
        if has_properties(obj):
            self.publisher.add(name, table_of(obj))
        return interface

    def tell_endpoints(self, urls: Mapping[str, str]) -> None:
        """Let `rpc.ping` tell of further ways in, name -> URL."""
        self.engine.endpoints.update(urls)

    def watch_operations(self, tell: Callable[[JsonObject], object]) -> None:
        """Have each change of an operation told: asked for, begun, further, ended.

        Args:
            tell: Called with what `rpc.operation` tells, without the result, in the thread that
                changes it; returns soon, and calls nothing of that operation.
        """

        def changed(record: OperationRecord) -> None:
            try:
                tell(record.describe(time.time(), with_value=False))
            except Exception:  # of anybody's code, and the operation is not to blame
                log.exception("%s: a change of %s could not be told", self.name, record.method)

        self.engine.operations.on_change = changed

    # the loop

    def run_loop(self, watchdogfn: Callable[[], None] | None = None) -> None:
        """Serve until `quit_loop`; blocks. The socket is closed at the end.

        Args:
            watchdogfn: Called each second in a thread of its own, so that a long call does not
                delay it.
        """
        if watchdogfn is not None:
            self._watch(watchdogfn, "watchdog", self.settings.watchdog_every)
        self._loop = threading.current_thread()
        try:
            with not_waiting():
                while not self._quit:
                    self._serve_some()
        finally:
            self._end()

    def _watch(self, function: Callable[[], None], what: str, every: float) -> None:
        """Call a function each `every` s, in a thread of its own, as long as the server lives."""
        watches = partial(watch, function, self._ended, name=self.name, every=every)
        threading.Thread(target=watches, name=f"{what} {self.name}", daemon=True).start()

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
        if self._may_wait:  # what is there may be no more than the frame too many of a strange peer
            self._may_wait, self._router.rcvtimeo = False, 0
        with not_waiting():
            self._serve_next()  # most come one by one, and to look for one costs three frames
            while not self._quit and (self._inbox.waiting or ask(zmq.EVENTS) & _POLLIN):
                self._serve_next()

    def _serve_some(self) -> None:
        """Serve until it is time to look for others, or to end."""
        for _ in range(self._looks.every):  # counts in no step of its own
            self._serve_next()
            if self._quit:
                return
        self._look_for_others()

    def _serve_next(self) -> None:
        """Wait for a message and handle it. Never raises: nothing that arrives may end a daemon's
        outermost loop."""
        try:
            if not self._inbox.waiting:
                frames = self._receive()
                if not SMALL < len(frames[-1]) <= self.settings.max_json_bytes:  # is soon read
                    self._handle(frames)
                    return
                self._inbox.put(frames)
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

    def _look_for_others(self) -> None:
        """Have ZeroMQ look for messages of clients that were silent, and let its threads read if it
        is time."""
        try:
            is_crowded = self._is_readable()
        except zmq.ZMQError:  # it is closed, as who serves next will find
            return
        if self._looks.on_look(is_crowded, time.monotonic()):
            _sched_yield()

    def _handle(self, frames: list[bytes]) -> None:
        """Handle a message; raises what the socket raises."""
        try:
            client = frames[0]
            if client == self._last_client:
                self._serve(frames)
            elif client == self._inner_id:
                self._send_queues.flush()
                self._bind_what_is_wanted()
                if self._looks_at_keys:
                    self._looks_at_keys = False
                    self._cut_off_revoked()
            else:
                if self._last_client is not None:
                    self._looks.changed_at = time.monotonic()
                self._last_client = client
                self._serve(frames)
        except zmq.ZMQError:
            raise
        except Exception as error:  # MemoryError and SystemError among them
            with contextlib.suppress(Exception):
                log.exception("%s: a message could not be handled", self.name)
                self._dispatcher.refuse(frames, error)

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
                    self._send_queues.send(frames[:-1], read_failure(too_many_unread(frames[-1])))
        except zmq.Again:
            pass
        finally:
            self._router.rcvtimeo = patience

    def _have_keys_looked_at(self) -> None:
        """Have the keys of subscribers looked at, who may be silent for long."""
        if self.publisher.clients:
            self._looks_at_keys = True
            self._wake()

    def _cut_off_revoked(self) -> None:
        for client in self.publisher.connections():
            try:
                self._admission.key_of(client)
            except RevokedKeyError as error:
                self.publisher.forget(client, error.text)
                self._send_queues.send((client,), write_refused(error))
            except AccessError:  # it could not be looked up, which says nothing about it
                pass

    def bind_also(self, url: str) -> None:
        """Serve at a further address, too; from another thread, while `run_loop` runs; zmq.ZMQError
        as at first."""
        done: Future[None] = Future()
        self._to_bind.append((url, done))
        self._wake()
        done.result(_BIND_WITHIN_S)

    def _bind_what_is_wanted(self) -> None:
        while self._to_bind:
            url, done = self._to_bind.popleft()
            try:
                self._bind(url)
            except Exception as error:  # it is for whoever wanted it
                done.set_exception(error)
            else:
                done.set_result(None)

    def _bind(self, url: str) -> None:
        if url.startswith("tcp://"):  # ZeroMQ takes 99999 for 34463
            split_url(url)
        if self.keys is not None:
            if needs_keys(url, self.keys):
                serve_with_keys(self._router, self.keys, self._domain)
            else:
                serve_plain(self._router, self._domain)
        self._router.set(
            zmq.IPV6, "[" in url
        )  # where it is set, IPv4 addresses are told in the form of IPv6
        self._listening.bind(partial(self._router.bind, url), self._send_queues.name)

    def quit_loop(self) -> None:
        """End `run_loop`; usable from any thread and from a signal handler. Returns at once."""
        self._quit = True
        threading.Thread(target=self._wake, name=f"quit {self.name}", daemon=True).start()

    def _wake(self) -> None:
        try:
            with self._inner_lock:
                self._ring(_RING)
        except zmq.ZMQError:  # it is closed
            pass

    def _end(self) -> None:
        self._ended.set()
        self.engine.queues.end(self.settings.end_within)
        with contextlib.suppress(zmq.ZMQError):
            self._send_queues.flush()
        self._router.linger = 100  # ms: the answer to the call that ended us
        self.close()

    def close(self) -> None:
        """Close the sockets; not while `run_loop` runs: use `quit_loop`."""
        self._ended.set()
        self.publisher.close()
        self._send_queues.close()
        self._listening.close()
        with self._inner_lock:
            self._inner.close()
        self._router.close()
        if self.keys is not None:
            admit_no_more(self._context, self._domain)
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
        self.publisher.leave_to_parent()
