"""Live products of a job, and messages that a guiServer relays. No sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateways.difx.client.conversation import GatewayConversation
from gateways.difx.client.errors import GatewayConnectionLostError
from gateways.difx.client.links import DataPath
from gateways.difx.client.protocol.primary import Primary
from gateways.difx.errors import DocumentError, MonitorError
from gateways.difx.protocol.commands import MulticastCommand
from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.items import integer, text
from gateways.difx.protocol.messages import read_message
from gateways.difx.protocol.packets import (
    MulticastSettings,
    Packet,
    write_multicast_settings,
)
from gateways.difx.protocol.selection import (
    ALL_MESSAGES,
    KEYWORDS,
    SELECTED_MESSAGES,
    write_selection,
)
from gateways.difx.protocol.taskids import MonitorPacket
from gateways.difx.protocol.xmltexts import Element

if TYPE_CHECKING:
    from gateways.difx.client.protocol.monitoring import (
        BlockReader,
        JobProducts,
        MonitorBlock,
        MonitorProduct,
    )

__all__ = ["DEFAULT_FFT", "MessageStream", "Monitor", "RelayedMessage", "WatchVerbs"]

DEFAULT_FFT = 4096
"""Default of the GUI client."""
_KEPT_REMARKS = 100


@dataclass(frozen=True, slots=True)
class RelayedMessage:
    """A relayed message.

    Attributes:
        data: As it came.
        type: As `DifxStatusMessage`; `unknown` of what is no message.
        sender: Node that sent it.
        identifier: Job or program.
        elements: Those below the body, in order.
    """

    data: bytes
    type: str = "unknown"
    sender: str = ""
    identifier: str = ""
    elements: tuple[Element, ...] = ()

    @classmethod
    def read(cls, data: bytes) -> RelayedMessage:
        """Return a message of its bytes, which may be any."""
        try:
            found = read_message(data)
        except DocumentError:
            return cls(data)
        head = found.header
        return cls(data, head.type, head.sender, head.identifier, found.document.body)

    @property
    def values(self) -> dict[str, str]:
        """Texts of the elements that have one, by name."""
        return {each.name: each.text.strip() for each in self.elements if each.text.strip()}


class MessageStream:
    """Relayed messages as they come; `async for` ends with the connection, by its error. The oldest
    of those that nobody takes are dropped."""

    def __init__(
        self,
        primary: Primary,
        take: Callable[[], Awaitable[bytes]],
        end: Callable[[], Awaitable[None]],
    ) -> None:
        self._primary, self._take, self._end = primary, take, end

    @property
    def lost(self) -> int:
        """Messages that were dropped so far."""
        return self._primary.lost_messages

    def __aiter__(self) -> MessageStream:
        return self

    async def __anext__(self) -> RelayedMessage:
        return RelayedMessage.read(await self._take())

    async def close(self) -> None:
        """Have no more messages relayed."""
        await self._end()


class Monitor:
    """Live products of a job; `async for` gives a block for each product and integration.

    Attributes:
        products: All that were announced.
        remarks: Last texts of the server.
    """

    def __init__(self, link: DataPath, timeout: float) -> None:
        self.products: JobProducts
        self.remarks: list[str] = []
        self._link, self._timeout = link, timeout
        self._blocks: BlockReader | None = None

    async def look_up(self, input: str) -> JobProducts:
        """Ask for the products of a job, from now on; nothing is sent of them before `request`.

        Args:
            input: Path of its `.input` file. This project's gateway takes `bank:NAME`, too.

        Raises:
            MonitorError: The server has none.
        """
        from gateways.difx.client.protocol.monitoring import JobProductsReader  # it loads numpy

        await self._link.send_sub_packet(MonitorPacket.INPUT_FILE_PATH, text(input))
        reader = JobProductsReader()
        while not reader.take(*await self._next(self._timeout)):
            pass
        self.products = reader.found
        return reader.found

    async def request(
        self, products: Sequence[MonitorProduct] | None = None, *, fft_size: int = DEFAULT_FFT
    ) -> None:
        """Have products sent, in this order, instead of those before.

        Args:
            products: Some of `products`; None: all of them.
            fft_size: Lags of a spectrum, a power of two; there are more if its channels need them.
        """
        from gateways.difx.client.protocol.monitoring import BlockReader, product_request

        known = self.products.products
        wanted = known if products is None else products
        await self._link.send_sub_packet(MonitorPacket.FFT_SIZE, integer(fft_size))
        await self._link.send_sub_packet(MonitorPacket.START_PRODUCT_REQUESTS)
        for product in wanted:
            await self._link.send_sub_packet(
                MonitorPacket.PRODUCT_REQUEST, *product_request(product)
            )
        await self._link.send_sub_packet(MonitorPacket.END_PRODUCT_REQUESTS)
        self._blocks = self._blocks or BlockReader(known)

    def __aiter__(self) -> Monitor:
        return self

    async def __anext__(self) -> MonitorBlock:
        assert self._blocks is not None, "nothing was requested"
        while True:
            try:
                packet, payload = await self._next(None)
            except GatewayConnectionLostError:
                raise StopAsyncIteration from None
            if (block := self._blocks.take(packet, payload)) is not None:
                return block

    async def _next(self, within: float | None) -> tuple[int, bytes]:
        from gateways.difx.client.protocol.monitoring import missing_bytes

        while True:
            packet, payload = await self._link.read_sub_packet(within, missing_bytes)
            if packet == MonitorPacket.ERROR:
                raise MonitorError(_remark(payload))
            if packet not in (MonitorPacket.MESSAGE, MonitorPacket.WARNING):
                return packet, payload
            self.remarks = [*self.remarks[1 - _KEPT_REMARKS :], _remark(payload)]

    async def close(self) -> None:
        """End it, at the server, too."""
        try:
            await self._link.send_sub_packet(MonitorPacket.CLOSE_CONNECTION)
        except GatewayConnectionLostError:
            pass  # it was faster
        finally:
            await self._link.close()


class WatchVerbs(GatewayConversation):
    """Verbs for what a server sends by itself."""

    async def monitor(self, input: str) -> Monitor:
        """Open the live products of a job; they are announced, and sent on `Monitor.request`.

        Args:
            input: As of `Monitor.look_up`.

        Raises:
            MonitorError: The server has none.
        """
        link = await self._begin_task(
            f"monitor {input}",
            lambda _address, port: pack_frame(Packet.START_DIFX_MONITOR, integer(port)),
        )
        monitor = Monitor(link, self.timeout)
        try:
            await monitor.look_up(input)
        except BaseException:
            await link.close()
            raise
        return monitor

    async def relay(self, types: Sequence[str] = (ALL_MESSAGES,)) -> MessageStream:
        """Have messages relayed that the server hears of the multicast network.

        Args:
            types: Keywords of the protocol, as `STATUS_MESSAGES`; `ALL_MESSAGES` for everything.

        Raises:
            ValueError: One is no keyword.
        """
        for each in types:
            if each not in (ALL_MESSAGES, *KEYWORDS):
                raise ValueError(f"{each!r} is no type of messages: {', '.join(KEYWORDS)}")
        keywords = list(types) if ALL_MESSAGES in types else [SELECTED_MESSAGES, *types]
        await self._send(pack_frame(Packet.MESSAGE_SELECTION, write_selection(keywords)))
        await self._set_relay(True)
        return MessageStream(self._primary, self._next_message, lambda: self._set_relay(False))

    async def send_to_multicast(self, document: bytes | str) -> None:
        """Have a document sent to the multicast group as it is. There is no answer."""
        data = document if isinstance(document, bytes) else text(document)
        await self._send(pack_frame(Packet.RELAY_COMMAND, data))

    async def send_command(self, command: str, to: Sequence[str] = ()) -> None:
        """Have a command sent to all, or those named, that listen. There is no answer."""
        await self._command(MulticastCommand(command=command, to=tuple(to)))

    async def set_multicast(self, group: str, port: int) -> None:
        """Have messages of another multicast group relayed. There is no answer."""
        settings = write_multicast_settings(MulticastSettings(group, port))
        await self._send(pack_frame(Packet.MULTICAST_SETTINGS, settings))

    async def _set_relay(self, is_on: bool) -> None:
        await self._send(pack_frame(Packet.RELAY, integer(is_on)))

    async def _next_message(self) -> bytes:
        messages = self._primary.messages

        def ready() -> bytes | None:
            return messages.popleft() if messages else None

        return await self._until(ready, None, "relay", self._primary.told)


def _remark(payload: bytes) -> str:
    return payload.decode(errors="replace").strip()
