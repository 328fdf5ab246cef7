"""The blocking client: the verbs of all clients, carried out in a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar

from gateways.difx.client.aio import AsyncDifxClient
from gateways.difx.client.conversation import DEFAULT_PORT, PATIENCE, TIMEOUT
from gateways.difx.client.errors import GatewayConnectionLostError
from gateways.difx.client.protocol.primary import Diagnostic
from gateways.difx.client.protocol.results import TaskEvent
from gateways.difx.client.watchverbs import (
    DEFAULT_FFT,
    MessageStream,
    Monitor,
    RelayedMessage,
)
from gateways.difx.protocol.selection import ALL_MESSAGES
from groundwork.closing import Closing

if TYPE_CHECKING:
    from gateways.difx.client.protocol.monitoring import (
        JobProducts,
        MonitorBlock,  # noqa: F401 - ruff does not look into the base of BlockingMonitor
        MonitorProduct,
    )

__all__ = ["BlockingMonitor", "BlockingStream", "DifxClient"]

CLEANING_S = 5.0
"""A verb that is interrupted has so long to put things in order, s."""

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def blocking(
    verb: Callable[Concatenate[AsyncDifxClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[DifxClient, P], T]:
    """Return a verb as a method that waits for its end."""

    @functools.wraps(verb)
    def run(self: DifxClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run(verb(self._client, *args, **kwargs))

    return run


class _Source(Protocol[T_co]):
    async def __anext__(self) -> T_co: ...

    async def close(self) -> None: ...


class BlockingStream(Closing, Generic[T]):
    """Events, messages or blocks as they come; `for` waits for each. A `with` block ends it."""

    def __init__(self, loop: _Loop, source: _Source[T]) -> None:
        self._loop, self._source = loop, source

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return self._loop.run(self._next())
        except StopAsyncIteration:
            raise StopIteration from None

    async def _next(self) -> T:
        return await self._source.__anext__()

    def close(self) -> None:
        """End it; may be called twice, and when the client is closed."""
        if self._loop.is_open:
            self._loop.run(self._source.close())


class BlockingMonitor(BlockingStream["MonitorBlock"]):
    """See `Monitor`."""

    def __init__(self, loop: _Loop, monitor: Monitor) -> None:
        super().__init__(loop, monitor)
        self._monitor = monitor

    @property
    def products(self) -> JobProducts:
        """All that were announced."""
        return self._monitor.products

    @property
    def remarks(self) -> list[str]:
        """Last texts of the server."""
        return self._monitor.remarks

    def look_up(self, input: str) -> JobProducts:
        """See `Monitor.look_up`."""
        return self._loop.run(self._monitor.look_up(input))

    def request(
        self, products: Sequence[MonitorProduct] | None = None, *, fft_size: int = DEFAULT_FFT
    ) -> None:
        """See `Monitor.request`."""
        self._loop.run(self._monitor.request(products, fft_size=fft_size))


class DifxClient(Closing):
    """A connection to a guiServer, the original or this project's gateway.

        with DifxClient("correlator") as client:
            client.run("/data/scan1/job.input", on_event=print)

    Connects at once. May be used by several threads at once. Callbacks are called in the client's own
    thread, and must not call the client. Arguments and verbs are those of `AsyncDifxClient`.

    Raises:
        ConnectionLostError: Nobody listens there.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = DEFAULT_PORT,
        *,
        channels: bool = True,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        on_diagnostic: Callable[[Diagnostic], None] | None = None,
    ) -> None:
        self._client = AsyncDifxClient(
            host,
            port,
            channels=channels,
            timeout=timeout,
            patience=patience,
            on_diagnostic=on_diagnostic,
        )
        self._loop = _Loop(self._client.server)
        try:
            self._loop.run(self._client.__aenter__())
        except BaseException:
            self.close()
            raise

    @property
    def server(self) -> str:
        """HOST:PORT."""
        return self._client.server

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The last thousand texts that the server has sent for a log window."""
        return self._client.diagnostics

    def __repr__(self) -> str:
        return repr(self._client).replace("AsyncDifxClient", "DifxClient", 1)

    info = blocking(AsyncDifxClient.info)
    select_version = blocking(AsyncDifxClient.select_version)

    ls = blocking(AsyncDifxClient.ls)
    entries = blocking(AsyncDifxClient.entries)
    stat = blocking(AsyncDifxClient.stat)
    mkdir = blocking(AsyncDifxClient.mkdir)
    touch = blocking(AsyncDifxClient.touch)
    rmdir = blocking(AsyncDifxClient.rmdir)
    rm = blocking(AsyncDifxClient.rm)
    mv = blocking(AsyncDifxClient.mv)
    cp = blocking(AsyncDifxClient.cp)
    read = blocking(AsyncDifxClient.read)
    get = blocking(AsyncDifxClient.get)
    write = blocking(AsyncDifxClient.write)
    put = blocking(AsyncDifxClient.put)

    run = blocking(AsyncDifxClient.run)
    stop = blocking(AsyncDifxClient.stop)
    job_status = blocking(AsyncDifxClient.job_status)
    assign = blocking(AsyncDifxClient.assign)
    prepare = blocking(AsyncDifxClient.prepare)
    make_filelist = blocking(AsyncDifxClient.make_filelist)
    directory = blocking(AsyncDifxClient.directory)
    copy_scans = blocking(AsyncDifxClient.copy_scans)
    unit_command = blocking(AsyncDifxClient.unit_command)

    send_to_multicast = blocking(AsyncDifxClient.send_to_multicast)
    send_command = blocking(AsyncDifxClient.send_command)
    set_multicast = blocking(AsyncDifxClient.set_multicast)

    _start = blocking(AsyncDifxClient.start)

    @functools.wraps(AsyncDifxClient.start)
    def start(self, *args: Any, **kwargs: Any) -> BlockingStream[TaskEvent]:
        return BlockingStream(self._loop, self._start(*args, **kwargs))

    def relay(self, types: Sequence[str] = (ALL_MESSAGES,)) -> BlockingStream[RelayedMessage]:
        """See `AsyncDifxClient.relay`."""
        stream: MessageStream = self._loop.run(self._client.relay(types))
        return BlockingStream(self._loop, stream)

    def monitor(self, input: str) -> BlockingMonitor:
        """See `AsyncDifxClient.monitor`."""
        return BlockingMonitor(self._loop, self._loop.run(self._client.monitor(input)))

    def close(self) -> None:
        """End the connection; may be called twice."""
        if self._loop.is_open:
            try:
                self._loop.run(self._client.close())
            finally:
                self._loop.close()


class _Loop(Closing):
    """An event loop in a thread, for the client of a server."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._lock, self.is_open = threading.Lock(), True
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"DiFX client of {server}", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry a coroutine out there. What interrupts the wait, as Ctrl-C does, ends it, too, and it
        puts things in order first. ConnectionLostError: the client is closed."""
        ended = threading.Event()
        with self._lock:
            if not self.is_open:
                work.close()
                raise GatewayConnectionLostError(self._server, "asking", "it was closed")
            future = asyncio.run_coroutine_threadsafe(_noted(work, ended), self._loop)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                future.cancel()
                ended.wait(CLEANING_S)
            raise

    def close(self) -> None:
        with self._lock:
            if not self.is_open:
                return
            self.is_open = False
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        """Let what other threads wait for come to its end: without a connection it is near."""
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            _, left = await asyncio.wait(others, timeout=CLEANING_S)
            for task in left:
                task.cancel()
        await self._loop.shutdown_default_executor()


async def _noted(work: Coroutine[Any, Any, T], ended: threading.Event) -> T:
    try:
        return await work
    finally:
        ended.set()
