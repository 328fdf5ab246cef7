"""Live monitor: products of running jobs and of Banks, for clients that ask over a task connection.

Clients of one job share its source; each gets the newest integration that it can take.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateways.difx.errors import DifxError, LinkError, MonitorError, PayloadError
from gateways.difx.links import ChannelLink, TaskLink
from gateways.difx.livesources import (
    BankSource,
    LiveBanks,
    LiveProgram,
    LiveSource,
    ProgramSource,
)
from gateways.difx.protocol.items import INTEGER_BYTES, read_integer
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobMode, JobRequest
from gateways.difx.protocol.monitor import (
    MAX_CLIENT_PAYLOAD,
    Block,
    FileWanted,
    MonitorClient,
    ProductFlow,
    Said,
    block_packets,
    product_packets,
    report,
)
from gateways.difx.protocol.productlist import AnnouncedProduct
from gateways.difx.protocol.taskids import MonitorPacket
from groundwork.errors import did_you_mean
from zmqjsonproxy.resolver import Resolvers
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["BANK", "FindProducts", "LiveMonitor"]

log = logging.getLogger(__name__)

BANK = "bank:"
"""Before the name of a Bank, in the place of an input file."""
PRODUCTS_WITHIN_S = 20.0

FindProducts = Callable[[str, str], LiveProgram | LiveBanks]
"""Returns where the products of an input file come from, for the profile that a client has chosen; a
DifxError: there is no such file, or no products of it. Called in a thread."""


class LiveMonitor:
    """The monitor of a gateway. In its loop.

    Args:
        find: For input files.
        players: Banks whose spectra may be asked for -> URL.
        resolvers: For URLs that are names.
        keys: By which Players are reached; None: without keys.
        within: In which products are to come, s.
    """

    def __init__(
        self,
        find: FindProducts,
        players: Mapping[str, str],
        resolvers: Resolvers | None = None,
        *,
        keys: ClientKeys | None = None,
        within: float = PRODUCTS_WITHIN_S,
    ) -> None:
        self._find, self._players, self.within = find, players, within
        self._subscriptions = Subscriptions(resolvers, keys=keys)
        self._loop = asyncio.get_running_loop()
        self._holding: dict[str, asyncio.Task[None]] = {}
        self._is_closed = False
        self._sources: dict[LiveProgram | LiveBanks, tuple[LiveSource, int]] = {}

    def tell_job(self, request: JobRequest, event: JobEvent) -> None:
        """Keep the products of a job ready while it runs, if it was begun so; in any thread."""
        if request.mode is JobMode.MONITOR and event.kind in (
            JobEventKind.STARTING,
            JobEventKind.ENDED,
        ):
            with contextlib.suppress(RuntimeError):  # the loop was closed
                self._loop.call_soon_threadsafe(self._take_job, request, event)

    def _take_job(self, request: JobRequest, event: JobEvent) -> None:
        if event.is_last:
            if (holding := self._holding.pop(event.job, None)) is not None:
                holding.cancel()
        elif not self._is_closed:
            holding = self._loop.create_task(self._hold(request.input, request.profile))
            self._holding[event.job] = holding

    async def _hold(self, path: str, profile: str) -> None:
        """Keep the products of a job ready until it is cancelled."""
        try:
            source = await self.begin(path, profile)
        except DifxError as error:
            log.warning("%s is to be monitored: %s", path, error)
            return
        try:
            await self._loop.create_future()
        finally:
            await asyncio.shield(self.end(source))

    async def serve(self, link: TaskLink, profile: str = "") -> None:
        """Serve a client to its end; what is wrong it is told over the link.

        Args:
            link: Its task connection, which is not closed here.
            profile: Runner profile that it has chosen.

        Raises:
            LinkError: The client has gone without a word.
        """
        await _Service(self, link, profile).run()

    async def begin(self, path: str, profile: str = "") -> LiveSource:
        """Return the source of an input file, or of `bank:NAME`; give it back by `end`.

        Raises:
            DifxError: There is no such file or Bank, or it has no products.
        """
        if path.startswith(BANK):
            wanted: LiveProgram | LiveBanks = self._banks(path.removeprefix(BANK))
        else:
            wanted = await asyncio.to_thread(self._find, path, profile)
        source, users = self._sources.get(wanted, (None, 0))
        if source is None or source.ended:
            source, users = self._made(wanted), 0
            source.open()
        self._sources[wanted] = source, users + 1
        return source

    def _banks(self, name: str) -> LiveBanks:
        url = self._players.get(name)
        if url is None:
            hint = did_you_mean(name.upper(), self._players)
            raise MonitorError(f"{BANK}{name:.80}: there is no such Bank{hint}")
        return LiveBanks(((name, url),))

    def _made(self, wanted: LiveProgram | LiveBanks) -> LiveSource:
        if isinstance(wanted, LiveProgram):
            return ProgramSource(wanted)
        return BankSource(wanted, self._subscriptions)

    async def end(self, source: LiveSource) -> None:
        """Give a source back; the last one who does ends it."""
        for wanted, (known, users) in list(self._sources.items()):
            if known is source:
                self._sources[wanted] = source, users - 1
                if users > 1:
                    return
                del self._sources[wanted]
        await source.close()

    async def close(self) -> None:
        """End all sources; may be called twice."""
        self._is_closed = True
        holding, self._holding = list(self._holding.values()), {}
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)
        sources, self._sources = self._sources, {}
        for source, _ in sources.values():
            await source.close()
        await asyncio.to_thread(self._subscriptions.close)


class _Service:
    """One client: its requests are read while data flow to it."""

    def __init__(self, monitor: LiveMonitor, link: TaskLink, profile: str) -> None:
        self._monitor, self._link, self._profile = monitor, link, profile
        self._client = MonitorClient()
        self._one_by_one = isinstance(link, ChannelLink)
        self._writing = asyncio.Lock()
        self._wanted: Sequence[AnnouncedProduct] = ()
        self._change = asyncio.Event()
        self._flowing: asyncio.Task[None] | None = None
        self._fault: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            waiting: list[asyncio.Future[Any]] = [reading, self._fault]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._fault.done():
                raise self._fault.result()
            reading.result()
        except LinkError:
            raise
        except DifxError as error:
            async with self._writing:  # never within a sub-packet: what follows has to be read
                await self._stop()
            await self._say(MonitorPacket.ERROR, str(error))
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await self._stop()

    async def _stop(self) -> None:
        """End what flows."""
        flowing, self._flowing = self._flowing, None
        if flowing is not None:
            flowing.cancel()
            await asyncio.gather(flowing, return_exceptions=True)

    # what the client asks

    async def _read(self) -> None:
        while not self._client.is_closed:
            number = read_integer(await self._link.read(INTEGER_BYTES))
            length = read_integer(await self._link.read(INTEGER_BYTES))
            if not 0 <= length <= MAX_CLIENT_PAYLOAD:
                raise PayloadError(f"sub-packet {number} has {length} bytes, not 0 to 65536")
            payload = await self._link.read(length) if length else b""
            for step in self._client.take(number, payload):
                await self._do(step)

    async def _do(self, step: FileWanted | ProductFlow | Said) -> None:
        match step:
            case Said():
                await self._say(step.number, step.sentence)
            case ProductFlow():
                self._wanted = step.products
                self._change.set()
            case FileWanted():
                async with self._writing:
                    await self._stop()
                self._wanted = ()
                self._change = asyncio.Event()
                self._flowing = asyncio.create_task(self._flow(step.path))
                self._change.set()

    # what it gets

    async def _say(self, number: MonitorPacket, sentence: str) -> None:
        await self._send(report(number, sentence))

    async def _send(self, items: tuple[bytes, ...]) -> None:
        async with self._writing:
            await self._link.send(*items)

    async def _flow(self, path: str) -> None:
        try:
            await self._show(path)
        except Exception as error:  # whatever it is, `run` has to know
            if not self._fault.done():
                self._fault.set_result(error)

    async def _show(self, path: str) -> None:
        """Announce the products of a file, and send what is wanted of them."""
        source = await self._monitor.begin(path, self._profile)
        try:
            products = await source.products(self._monitor.within)
            self._client.announce(products)
            for items in products.sub_packets():
                await self._send(items)
            await self._send_blocks(source)
        finally:
            await asyncio.shield(self._monitor.end(source))

    async def _send_blocks(self, source: LiveSource) -> None:
        number = -1
        while True:
            while not self._wanted:
                self._change.clear()
                await self._change.wait()
            block = await source.newer(number)
            if block is None:
                break
            number = block.number
            await self._send_block(block)
        if source.fault:
            raise MonitorError(source.fault)
        await self._say(MonitorPacket.MESSAGE, source.ended)

    async def _send_block(self, block: Block) -> None:
        """Send an integration; if other products are wanted meanwhile, the rest of it is left out."""
        wanted, size = self._wanted, self._client.fft_size
        made = list(block_packets(block))
        for product in wanted:
            made += await asyncio.to_thread(self._made, block, product, size)
            for items in made:
                async with self._writing:
                    if self._wanted is not wanted:
                        return
                    await self._link.send(*items)
            made = []

    def _made(self, block: Block, product: AnnouncedProduct, size: int) -> list[tuple[bytes, ...]]:
        return list(product_packets(block, product, size, one_by_one=self._one_by_one))
