"""Sources of live products: a program of a runner profile, or the spectra that Banks publish.

A source keeps the newest integration, and the means of its scan, for any number of clients: nothing
waits for any of them. In a loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateways.difx.errors import MonitorError, PayloadError
from gateways.difx.protocol.bankspectra import BankSpectra, read_frame
from gateways.difx.protocol.lagspectra import Means
from gateways.difx.protocol.monitor import Block
from gateways.difx.protocol.productlist import ProductList, products_of_header
from gateways.difx.protocol.products import Integration, ProductsHeader, ProductsReader
from groundwork.truncation import cut
from zmqjsonproxy.channels import Subscription
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["BankSource", "LiveBanks", "LiveProgram", "LiveSource", "ProgramSource"]

log = logging.getLogger(__name__)

READ_BYTES = 1 << 20
_SAID_BYTES = 2000
_GRACE_S = 0.5
"""Between SIGTERM and SIGKILL: an endpoint ends within 2 s."""
SPECTRUM = "spectrum"
"""Property of a Bank."""


@dataclass(frozen=True, slots=True)
class LiveProgram:
    """A program that writes live visibilities on its standard output.

    Attributes:
        command: Its words.
        folder: Working folder; None: this process's.
    """

    command: tuple[str, ...]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class LiveBanks:
    """Banks that publish spectra.

    Attributes:
        urls: Name of a Bank -> URL.
        job: Name of the job that they belong to; empty: none.
    """

    urls: tuple[tuple[str, str], ...]
    job: str = ""


class LiveSource(ABC):
    """Live products of one job, or of Banks.

    Attributes:
        fault: What has ended them too early; empty: nothing.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._changed = asyncio.Condition()
        self._products: ProductList | None = None
        self._newest: Block | None = None
        self._ended: str | None = None
        self._running: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin."""
        self._running = asyncio.create_task(self._run_to_the_end())

    async def close(self) -> None:
        """End it; may be called twice."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def products(self, within: float) -> ProductList:
        """Wait for what there is.

        Args:
            within: s.

        Raises:
            MonitorError: There is nothing, or nothing came in time.
        """
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: self._products or self._ended is not None)
        except TimeoutError:
            raise MonitorError(f"{self.silence()} within {within:g} s") from None
        if self._products is None:
            raise MonitorError(self._ended or "there are no products")
        return self._products

    async def newer(self, number: int) -> Block | None:
        """Wait for an integration that is newer; None: none will come.

        Args:
            number: Of the last one.
        """
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._ended is not None or (self._newest and self._newest.number > number)
            )
        block = self._newest
        return block if block is not None and block.number > number else None

    @property
    def ended(self) -> str:
        """Reason why no integration comes any more; empty: they do."""
        return self._ended or ""

    async def _run_to_the_end(self) -> None:
        fault = ""
        try:
            ended = await self._run()
        except (MonitorError, PayloadError, OSError) as error:
            ended = fault = str(error)
        except Exception as error:  # its clients are told; the gateway goes on
            log.exception("live products failed")
            ended = fault = f"live products failed inside the gateway: {type(error).__name__}"
        async with self._changed:
            self._ended, self.fault = ended, fault
            self._changed.notify_all()

    async def _announce(self, products: ProductList) -> None:
        async with self._changed:
            self._products = products
            self._changed.notify_all()

    async def _put(self, block: Block) -> None:
        async with self._changed:
            self._newest = block
            self._changed.notify_all()

    @abstractmethod
    async def _run(self) -> str:
        """Tell what comes, to its end; return why that is the end, or raise MonitorError."""

    @abstractmethod
    def silence(self) -> str:
        """Return a sentence on what does not come, without its end."""


class ProgramSource(LiveSource):
    """Products of a program, which lives as long as this.

    Args:
        program: To be run.
    """

    def __init__(self, program: LiveProgram) -> None:
        super().__init__()
        self._program, self._reader, self._means = program, ProductsReader(), Means()
        self._scan = ""

    def silence(self) -> str:
        return f"{self._program.command[0]} tells no products"

    async def _run(self) -> str:
        command, folder = self._program.command, self._program.folder
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                limit=READ_BYTES,
                start_new_session=True,
            )
        except OSError as error:
            raise MonitorError(f"{command[0]} cannot be started: {error.strerror}") from error
        said = bytearray()
        listening = asyncio.create_task(_keep_last(process.stderr, said))
        try:
            await self._read(process.stdout)
            status = await process.wait()
            await asyncio.wait([listening], timeout=_GRACE_S)
        finally:
            await _end_group(process)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if status == 0 and self._products is not None:
            return "the products of the job have ended"
        lines = said.decode(errors="replace").strip().splitlines()
        told = f": {cut(lines[-1], 300)}" if lines else ""
        raise MonitorError(f"{command[0]} has ended with exit status {status}{told}")

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while data := await stream.read(READ_BYTES):
            integrations = await asyncio.to_thread(self._reader.feed, data)
            header = self._reader.header
            if header is not None and self._products is None:
                await self._announce(products_of_header(header))
            if header is not None and integrations:
                await self._put(await asyncio.to_thread(self._added, header, integrations))

    def _added(self, header: ProductsHeader, integrations: Sequence[Integration]) -> Block:
        """Return the last of some integrations, which all are in the means."""
        for each in integrations:
            scan, second = header.place(each.number)
            if scan.name != self._scan:
                self._scan = scan.name
                self._means.clear()
            means = self._means.add(each.spectra)
        return Block(
            number=each.number,
            scan=scan.name,
            source=scan.source,
            second=second,
            integration_s=header.integration_s,
            spectra=each.spectra,
            means=means,
        )


async def _keep_last(stream: asyncio.StreamReader | None, said: bytearray) -> None:
    assert stream is not None
    while data := await stream.read(_SAID_BYTES):
        said += data
        del said[:-_SAID_BYTES]


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End a program and all that it has started."""
    for number, patience in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await process.wait()


class BankSource(LiveSource):
    """Spectra of Banks, as they publish them.

    Args:
        banks: That publish.
        subscriptions: Of the gateway.
    """

    def __init__(self, banks: LiveBanks, subscriptions: Subscriptions) -> None:
        super().__init__()
        self._banks, self._subscriptions = banks, subscriptions
        names = [name for name, _ in banks.urls]
        self._spectra = BankSpectra(names, banks.job or f"bank:{','.join(names)}")

    def silence(self) -> str:
        away = ", ".join(self._spectra.missing)
        return f"no spectrum of {away} came"

    async def _run(self) -> str:
        subscription = self._subscriptions.begin(
            dict(self._banks.urls), "bank", SPECTRUM, policy="latest"
        )
        with contextlib.closing(subscription):
            await self._follow(subscription)
        return "the spectra have ended"

    async def _follow(self, subscription: Subscription) -> None:
        async for update in subscription:
            frame = read_frame(update.value, update.time)
            if frame is None:
                continue
            block = self._spectra.take(update.source, frame)
            if self._spectra.has_changed:
                raise MonitorError(f"the spectra of {update.source} are others now: ask again")
            if self._products is None and (products := self._spectra.products) is not None:
                await self._announce(products)
            if block is not None:
                await self._put(block)
