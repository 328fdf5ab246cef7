"""Relay: what Players publish, what becomes of jobs and what a network says, for each client as far as it
wants it.

Everything but `tell_job` runs in the loop of the endpoint. A message is encoded once; each client has a
bounded queue of its own, and a number for each sender.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.jobs import JobEvent
from gateways.difx.protocol.messages import EncodedMessage, MessageType
from gateways.difx.protocol.packets import Packet
from gateways.difx.protocol.publications import EVENTS, STATES, Publications, job_messages
from gateways.difx.protocol.relayqueue import RelayMessage, RelayQueue
from zmqjsonproxy.channels import Event, EventKind, LinkSettings, Subscription, Update
from zmqjsonproxy.resolver import Resolvers
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["BATCH_BYTES", "Relay", "RelayClient", "RelaySettings"]

log = logging.getLogger(__name__)

BATCH_BYTES = 16 * 1024
"""Packets that wait together are written together, up to so much."""
_MAX_NEWEST = 10_000
_MAX_HANDED = 10_000
"""Events that wait for the loop; those that no policy leaves out come beside them."""
_MAX_COMPLAINTS = 1000
_PRESENT = frozenset({MessageType.LOAD, MessageType.MARK5_STATUS, MessageType.STATUS})

Send = Callable[[bytes], Awaitable[object]]
Passes = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Settings of a relay.

    Attributes:
        name: Of the gateway: `from` of messages on its jobs, and of reports of losses.
        players: Names of Players whose publications are relayed -> URL.
        queue: Messages that wait for a client at most.
        ping_every: Of a Player, s.
        timeout: A Player that says nothing for so long is told as lost, s.
    """

    name: str
    players: Mapping[str, str]
    queue: int = 1000
    ping_every: float = 4.0
    timeout: float = 15.0


class RelayClient:
    """One client of the relay. Use `run`, and `close` it.

    Args:
        relay: Has it.
        queue: Its messages.
    """

    def __init__(self, relay: Relay, queue: RelayQueue) -> None:
        self._relay, self._queue = relay, queue
        self._there = asyncio.Event()

    @property
    def lost(self) -> int:
        """Messages that were left out so far."""
        return self._queue.lost

    def offer(self, message: RelayMessage) -> None:
        """Take a message, if it is selected; at once, whatever the client does."""
        self._queue.offer(message)
        self._there.set()

    async def run(self, send: Send) -> None:
        """Send what comes, until it is cancelled.

        Args:
            send: Takes RELAY packets, one or several, and returns when little of what it took waits;
                what it raises ends this.
        """
        while True:
            while packets := self._packets():
                await send(packets)
            self._there.clear()
            due = self._queue.report_at
            if due is None:
                await self._there.wait()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(due - time.monotonic(), 0)):
                    await self._there.wait()

    def _packets(self) -> bytes:
        now, packets, size = time.monotonic(), [], 0
        while size < BATCH_BYTES and (document := self._queue.take(now)) is not None:
            packets.append(pack_frame(Packet.RELAY, document))
            size += len(document)
        return b"".join(packets)

    def close(self) -> None:
        """Hear nothing more; may be called twice."""
        self._relay.leave(self)


class Relay:
    """The relay of a gateway.

    Args:
        settings: Of it.
        resolvers: For URLs of Players that are names.
        on_message: Told of each message that is made here, in the loop: the bridge to a network; None: nobody
            is.
        keys: By which Players are reached; None: without keys.

    Attributes:
        left_out: Events of jobs that were left out because the loop was busy.
    """

    def __init__(
        self,
        settings: RelaySettings,
        resolvers: Resolvers | None = None,
        on_message: Callable[[EncodedMessage], object] | None = None,
        *,
        keys: ClientKeys | None = None,
    ) -> None:
        self._settings, self.on_message = settings, on_message
        link = LinkSettings(ping_every=settings.ping_every, timeout=settings.timeout)
        self._subscriptions = Subscriptions(resolvers, link, keys)
        self._publications = Publications(gateway=settings.name)
        self._clients: set[RelayClient] = set()
        self._newest: OrderedDict[tuple[str, str, str], EncodedMessage] = OrderedDict()
        self._tasks: list[asyncio.Task[None]] = []
        self._there: set[str] = set()
        self._complained: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._handed: list[Callable[[], None]] = []
        self._is_rung = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.left_out = 0

    def open(self) -> None:
        """Follow the Players from now on, which need not be there; in the loop."""
        self._loop = asyncio.get_running_loop()
        tellers = (self._tell_event, None)  # both are of the same connections
        for names, tell in zip((STATES, EVENTS), tellers, strict=True):
            if self._settings.players:
                subscription = self._subscriptions.begin(
                    self._settings.players, "bank", names, on_event=tell
                )
                self._tasks.append(asyncio.create_task(self._follow(subscription)))

    async def close(self) -> None:
        """Follow nothing more; may be called twice."""
        self._loop = None
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._subscriptions.close)

    def join(self, passes: Passes) -> RelayClient:
        """Return a new client, which hears first how hosts, units and running jobs stand.

        Args:
            passes: Tells of a type of messages whether the client has selected it; asked of each message.
        """
        client = RelayClient(self, RelayQueue(self._settings.queue, passes, self._settings.name))
        for message in self._newest.values():
            client.offer(message)
        self._clients.add(client)
        return client

    def leave(self, client: RelayClient) -> None:
        """Tell a client nothing more."""
        self._clients.discard(client)

    def publish(self, message: EncodedMessage) -> None:
        """Tell a message to all clients; in the loop."""
        if message.header.type in _PRESENT:
            self._keep(message)
        for client in self._clients:
            client.offer(message)
        if self.on_message is not None:
            self.on_message(message)

    def _keep(self, message: EncodedMessage) -> None:
        header = message.header
        key = header.sender, header.type, header.identifier
        self._newest.pop(key, None)
        if not message.is_final:
            self._newest[key] = message
            if len(self._newest) > _MAX_NEWEST:
                self._newest.popitem(last=False)

    async def _follow(self, subscription: Subscription) -> None:
        with contextlib.closing(subscription):
            async for update in subscription:
                self._take(update)

    def _take(self, update: Update) -> None:
        try:
            messages = self._publications.read(
                update.source, update.name, update.value, update.time
            )
        except Exception as error:  # a value of a stranger: the others' are relayed all the same
            key = update.source, update.name
            if key not in self._complained and len(self._complained) < _MAX_COMPLAINTS:
                self._complained.add(key)
                log.warning("%s of %s is not relayed: %s", update.name, update.source, error)
            return
        self._publish_all(messages)

    def _note(self, event: Event) -> None:
        """Tell of a Player that is lost, or back."""
        source, told = event.source, self._publications
        if event.kind is EventKind.STALE and source in self._there:
            self._there.remove(source)
            self._publish_all(told.lost(source, event.text))
        elif event.kind in (EventKind.OPENED, EventKind.REOPENED):
            self._there.add(source)
            if event.kind is EventKind.REOPENED:
                self._publish_all(told.back(source))

    def _publish_all(self, messages: Iterable[EncodedMessage]) -> None:
        for message in messages:
            self.publish(message)

    # for any thread

    def tell_job(self, name: str, path: str, event: JobEvent) -> None:
        """Take an event of a job of this gateway; in any thread, at once.

        Args:
            name: Of the job.
            path: Of its input file, as clients see it.
            event: What happened.
        """
        self._hand_over(
            lambda: self._publish_all(job_messages(self._settings.name, name, path, event)),
            may_be_omitted=event.may_be_omitted,
        )

    def _tell_event(self, event: Event) -> None:
        self._hand_over(lambda: self._note(event), may_be_omitted=False)

    def _hand_over(self, call: Callable[[], None], *, may_be_omitted: bool) -> None:
        """Have something called in the loop."""
        with self._lock:
            loop = self._loop
            if loop is None:
                return
            if may_be_omitted and len(self._handed) >= _MAX_HANDED:
                self.left_out += 1
                return
            self._handed.append(call)
            if self._is_rung:
                return
            self._is_rung = True
        with contextlib.suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(self._take_handed)

    def _take_handed(self) -> None:
        with self._lock:
            calls, self._handed, self._is_rung = self._handed, [], False
        for call in calls:
            call()
