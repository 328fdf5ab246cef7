"""One client: its packets read, its tasks, what is told to it. A fault in it ends it alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gateways.difx.capture import ClientCapture
from gateways.difx.endpointconfig import GuiServerEndpointConfig
from gateways.difx.errors import (
    ControlError,
    DifxError,
    DocumentError,
    FrameError,
    LinkError,
    PayloadError,
    RoleError,
    UnknownTypeError,
)
from gateways.difx.links import ChannelLink, TaskLink, TcpLink, connect_back, keep_alive
from gateways.difx.monitor import LiveMonitor
from gateways.difx.multicast import Membership
from gateways.difx.outbox import TURN_S, Outbox
from gateways.difx.protocol.channels import ClientChannels
from gateways.difx.protocol.frames import Frame, pack_frame
from gateways.difx.protocol.jobs import Severity
from gateways.difx.protocol.messages import Datagram
from gateways.difx.protocol.packets import Packet
from gateways.difx.protocol.session import (
    Chunk,
    RelaySwitch,
    Request,
    Session,
    VersionRequest,
    primary_reader,
)
from gateways.difx.relay import RelayClient
from gateways.difx.share import Share
from gateways.difx.tasks.context import Action, LinkedTask, TaskClient
from gateways.difx.tasks.registry import Task, arguments_of, task_of
from groundwork.printable import printable
from groundwork.roles import Role
from player.endpoints.changes import Changes
from zmqjsonproxy.engine.callrecords import CallOutcome
from zmqjsonproxy.errors import NotInControlError

if TYPE_CHECKING:
    from gateways.difx.bank import DifxService
    from player.bank import BankLog

__all__ = ["ClientOrigin", "ClientServer", "Connection"]

READ_BYTES = 256 * 1024
MAX_TEXT_BYTES = 4096
"""Of a packet of diagnostics."""
LOWEST_PORT = 1024
"""Ports below are of the system's own services, and no client listens there."""
_LINGER_S, _LINGER_BYTES = 1.0, 1 << 20
_TASKS_END_WITHIN_S = 5.0
_PACKETS = {Severity.INFO: Packet.INFORMATION, Severity.WARNING: Packet.WARNING}
_REQUESTS = frozenset(
    {
        Packet.RELAY_COMMAND,
        Packet.MULTICAST_SETTINGS,
        Packet.MESSAGE_SELECTION,
        Packet.DIFX_RUN_LABEL,
        Packet.GENERATE_FILELIST,
        Packet.GET_JOB_STATUS,
    }
)
"""Packets from clients whose size is not looked at elsewhere."""


class ClientServer(Protocol):
    """Server of a connection, which all clients of an endpoint share."""

    config: GuiServerEndpointConfig
    service: DifxService
    monitor: LiveMonitor
    log: BankLog
    changes: Changes

    def greet(self, role: Role) -> list[bytes]:
        """Return the packets of the handshake."""

    def join_relay(self, session: Session) -> RelayClient:
        """Return the messages for a client from now on."""

    def join_bridge(self, take: Callable[[Datagram], object]) -> Membership | None:
        """Return a client's bridge to a multicast network; None: there is none."""

    def note(self, level: int, text: str, *args: object) -> None:
        """Write a line in the log, if clients have not caused too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOrigin:
    """Origin and rights of a client.

    Attributes:
        number: Of the connection.
        address: Of its host.
        port: Of its socket.
        role: Its rights.
    """

    number: int
    address: str
    port: int
    role: Role

    @property
    def name(self) -> str:
        """Name for logs and jobs."""
        return f"client {self.number} at {self.place}"

    @property
    def place(self) -> str:
        """Its host and port."""
        return f"{self.address}:{self.port}"


class Connection:
    """A client.

    Args:
        around: What it shares with others.
        peer: Where it came from.
        reader: Of its connection.
        writer: Of its connection.
        share: Threads for what may wait.
        capture: Told of each packet; None: nobody is.
    """

    def __init__(
        self,
        around: ClientServer,
        peer: ClientOrigin,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        share: Share,
        capture: ClientCapture | None = None,
    ) -> None:
        config = around.config
        self.peer = peer
        self._around, self._config, self._share = around, config, share
        self._reader, self._writer, self._capture = reader, writer, capture
        self.outbox = Outbox(
            writer, most=config.max_queued, tap=None if capture is None else capture.sent
        )
        self._frames = primary_reader(config.max_packet)
        self._session = Session(around.service.profiles, max_document=config.max_document)
        self._channels = ClientChannels(most_bytes=config.max_queued, most_early=config.max_tasks)
        self._links: dict[int, ChannelLink] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_action: asyncio.Task[None] | None = None
        self._bridge = around.join_bridge(self._take_datagram)
        self._relay: tuple[RelayClient, asyncio.Task[None]] | None = None
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_task(self._until_closed())
        self.heard_at = self._loop.time()
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(connection)

    async def run(self) -> None:
        """Serve the client to its end."""
        reason = "by the client"
        try:
            await self._read()
            await self._finish()
        except FrameError as error:
            reason = str(error)
            self.say(Severity.ERROR, reason)
            await self._part()
        except (LinkError, OSError) as error:
            reason = str(error)
        except Exception as error:  # of this client alone
            self._around.log.exception("%s failed", self.peer.name)
            reason = f"{type(error).__name__}: {error}"
        finally:
            await self._end(self.outbox.fault or reason)

    @property
    def held(self) -> int:
        """Bytes that are kept for it: halves of packets, chunks, what it does not take."""
        return self._frames.pending + self._channels.waiting + self.outbox.waiting

    # what the client sends

    async def _read(self) -> None:
        """Read packets to the end of what the client sends; other clients have their turn."""
        while data := await self._reader.read(READ_BYTES):
            self.heard_at = began = self._loop.time()
            for frame in self._frames.feed(data):
                if self._capture is not None:
                    self._capture.received(frame.id, frame.payload)
                await self._take(frame)
                if self._loop.time() - began > TURN_S:
                    await asyncio.sleep(0)
                    began = self._loop.time()

    async def _take(self, frame: Frame) -> None:
        try:
            self._check_size(frame)
            request = self._session.take(frame)
        except UnknownTypeError as error:
            self.say(Severity.WARNING, str(error))
        except (DocumentError, PayloadError) as error:
            self.say(Severity.ERROR, str(error))
        else:
            if request is not None:
                await self._do(request)
        if self.outbox.waiting > self._config.max_queued // 2:  # of answers to questions
            await self.outbox.drain()

    def _check_size(self, frame: Frame) -> None:
        if frame.id in _REQUESTS and len(frame.payload) > self._config.max_document:
            raise PayloadError(
                f"{Packet(frame.id).name}: {len(frame.payload)} bytes are more than the"
                f" {self._config.max_document} of a request (max_document)"
            )

    async def _do(self, request: Request) -> None:
        match request:
            case Chunk():
                self._channels.receive(request.channel, request.data)
                if link := self._links.get(request.channel):
                    await link.on_chunk()
            case VersionRequest():
                for packet in self._around.greet(self.peer.role):
                    self.outbox.put(packet)
            case RelaySwitch():
                self._end_relay()
                if request.on:
                    relay = self._around.join_relay(self._session)
                    running = self._loop.create_task(self._run_relay(relay))
                    self._relay = relay, running
            case _:
                self._start(request)

    async def _run_relay(self, relay: RelayClient) -> None:
        with contextlib.suppress(LinkError):  # the connection has gone: its reader knows
            await relay.run(self.outbox.send)

    def _take_datagram(self, datagram: Datagram) -> None:
        """Relay what comes over the bridge."""
        if self._relay is not None:
            self._relay[0].offer(datagram)

    def _end_relay(self) -> None:
        if self._relay is not None:
            relay, running = self._relay
            self._relay = None
            running.cancel()
            relay.close()

    # tasks

    def _start(self, request: Any) -> None:
        """Begin the task of a request."""
        task, wanted = task_of(request)
        if len(self._tasks) >= self._config.max_tasks:
            self.say(
                Severity.ERROR,
                f"{task.name}: {len(self._tasks)} tasks of this client run already, and no more may"
                " (max_tasks); wait for the end of one",
            )
            return
        client = self._client()
        before = self._last_action
        if isinstance(task, Action):
            started = self._spawn(self._run_action(task, client, wanted, before))
            self._last_action = started
            return
        channel: ChannelLink | None = None
        if self._session.channel_mode:
            try:  # at once: the chunks behind the command are those of this task
                channel = self._open_channel(wanted.port)
            except LinkError as error:
                client.refuse(f"{task.name}: {error}")
                return
        self._spawn(self._run_linked(task, client, wanted, before, channel))

    def _client(self) -> TaskClient:
        """Return this client for one task."""
        faults: list[str] = []

        def say(severity: Severity, text: str) -> None:
            if severity is Severity.ERROR and not faults:
                faults.append(text)
            self.say(severity, text)

        return TaskClient(
            name=self.peer.name,
            role=self.peer.role,
            connected_to=self._writer.get_extra_info("sockname")[0],
            service=self._around.service,
            config=self._config,
            share=self._share,
            profile=self._session.profile,
            monitor=self._around.monitor,
            bridge=self._bridge,
            say=say,
            change=lambda name, wanted: self._changing(name, wanted, faults),
            drain=self.outbox.drain,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_action(
        self, action: Action, client: TaskClient, wanted: Any, before: asyncio.Task[None] | None
    ) -> None:
        await _after(before)
        try:
            await self._do_task(action, client, wanted)
        except DifxError as error:
            client.refuse(f"{action.name}: {error}")
        except Exception as error:
            self._tell_failure(action, error)

    async def _run_linked(
        self,
        task: LinkedTask,
        client: TaskClient,
        wanted: Any,
        before: asyncio.Task[None] | None,
        channel: ChannelLink | None,
    ) -> None:
        try:
            address = getattr(wanted, "address", "")  # the monitor names none
            link = channel or await self._connect(address, wanted.port)
        except LinkError as error:
            client.refuse(f"{task.name}: {error}")
            return
        try:
            await _after(before)
            await self._do_task(task, client, wanted, link)
        except LinkError as error:
            client.refuse(f"{task.name}: {error}")
        except DifxError as error:
            client.refuse(f"{task.name}: {error}")
            await self._bid_farewell(task, link)
        except Exception as error:
            self._tell_failure(task, error)
            await self._bid_farewell(task, link)
        finally:
            if self._links.get(link.port) is link:
                del self._links[link.port]
            await link.close()

    async def _do_task(self, task: Task, client: TaskClient, wanted: Any, *link: TaskLink) -> None:
        run: Callable[..., Awaitable[None]] = task.run
        if not task.changes:
            await run(client, wanted, *link)
            return
        with client.change(task.name, wanted):
            await run(client, wanted, *link)

    @contextlib.contextmanager
    def _changing(self, name: str, wanted: Any, faults: list[str]) -> Iterator[None]:
        """See `TaskClient.change`.

        Args:
            name: Of the command.
            wanted: Its document.
            faults: The first ERROR that its client is told, once it is: that is its outcome.
        """
        changes, asked = self._around.changes, (name, self.peer.place, arguments_of(wanted))
        if self.peer.role < Role.OPERATE:
            refusal = RoleError(
                "is for operators, and this client is an observer (peers: NETWORK=operate lets those"
                " of a network change things)"
            )
            changes.refuse(*asked, refusal)
            raise refusal
        try:
            with changes.change(*asked) as record:
                yield
                if faults:
                    record.end(CallOutcome.FAILED, DifxError.__name__, faults[0])
        except NotInControlError as refusal:
            raise ControlError(str(refusal)) from refusal

    def _tell_failure(self, task: Task, error: Exception) -> None:
        self._around.log.error("%s: %s failed", self.peer.name, task.name, exc_info=error)
        self.say(
            Severity.ERROR,
            f"{task.name}: failed inside the gateway, {type(error).__name__}; its log says more",
        )

    async def _bid_farewell(self, task: LinkedTask, link: TaskLink) -> None:
        with contextlib.suppress(LinkError):
            await link.send(*task.farewell)

    def _open_channel(self, number: int) -> ChannelLink:
        """Return the channel that a command names; LinkError: another task has it."""
        patience = self._config.takes_nothing
        link = ChannelLink(self._channels, number, self.outbox, self._share, patience)
        self._links[number] = link
        return link

    async def _connect(self, address: str, port: int) -> TcpLink:
        """Return the task connection that a command names.

        Raises:
            LinkError: It is refused, or cannot be made.
        """
        if self._config.connect_back == "never":
            raise LinkError(
                "no task connections are made to clients here (connect_back); switch channels on,"
                " CHANNEL_ALL_DATA_ON"
            )
        if address not in ("", self.peer.address):
            raise LinkError(
                f"no task connection to {address:.80}, only to {self.peer.address}, from where the"
                " client has come (connect_back)"
            )
        if not LOWEST_PORT <= port <= 65535:
            raise LinkError(
                f"no task connection to port {port}, only to ports from {LOWEST_PORT} to 65535"
                " (connect_back)"
            )
        if port == self._writer.get_extra_info("sockname")[1]:  # it would be a client of itself
            raise LinkError(f"no task connection to port {port}, for that is the gateway's own")
        made = await connect_back(self.peer.address, port, self._config.connect_timeout)
        taps = (None, None) if self._capture is None else self._capture.taps(port)
        return TcpLink(made, port, self._share, self._config.takes_nothing, *taps)

    # what the client is told

    def say(self, severity: Severity, text: str) -> None:
        """Send a line of diagnostics; it stands in the log, too."""
        line = " ".join(text.split())
        packet = _PACKETS.get(severity, Packet.ERROR)
        encoded = line.encode(errors="replace")[:MAX_TEXT_BYTES]
        self.outbox.put(pack_frame(packet, encoded.decode(errors="ignore").encode()))
        self._around.note(logging.DEBUG, "%s: %s", self.peer.name, printable(line))

    # its end

    async def _finish(self) -> None:
        """Give a client that sends no more what it has asked for."""
        self._end_relay()
        for link in self._links.values():
            link.end()
        while self._tasks and not self._closed.done():
            waiting = [*self._tasks, self._closed]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await self.outbox.drain()

    async def _until_closed(self) -> None:
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _part(self) -> None:
        """Let the last packet arrive: what the client still sends is read, or it would be lost."""
        with contextlib.suppress(OSError, TimeoutError):
            self._writer.write_eof()
            async with asyncio.timeout(_LINGER_S):
                read = 0
                while read < _LINGER_BYTES and (data := await self._reader.read(READ_BYTES)):
                    read += len(data)

    async def _end(self, reason: str) -> None:
        """End its tasks, and close it when it has taken what waits."""
        self._end_relay()
        if self._bridge is not None:
            self._bridge.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_TASKS_END_WITHIN_S)
        self._writer.close()
        await asyncio.wait([self._closed])
        if self._capture is not None:
            self._capture.note(f"closed: {reason}")
        self._around.note(logging.DEBUG, "%s: closed: %s", self.peer.name, reason)

    def look(self, now: float) -> None:
        """Cut a connection that takes nothing, or asks nothing, for too long; called each second.

        Args:
            now: s, of the loop.
        """
        config = self._config
        if self.outbox.stalled_for(now) > config.takes_nothing:
            self.outbox.cut(
                f"it took nothing of what waits for {config.takes_nothing:g} s (takes_nothing)"
            )
        is_idle = not self._tasks and self._relay is None
        if not is_idle:
            self.heard_at = now
        elif 0 < config.idle_limit < now - self.heard_at:
            self.outbox.cut(f"it asked nothing for {config.idle_limit:g} s (idle_limit)")

    def cut(self, reason: str) -> None:
        """End it at once; in its loop."""
        self.outbox.cut(reason)


async def _after(before: asyncio.Task[None] | None) -> None:
    """Wait for the end of a task, whatever it comes to; it goes on if the waiting one is
    cancelled."""
    if before is not None and not before.done():
        await asyncio.wait([before])
