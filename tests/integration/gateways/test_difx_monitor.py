"""The live monitor over task connections: programs of jobs, and spectra of real Players."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from gateways.difx.errors import FileFaultError
from gateways.difx.links import ChannelLink, TaskLink, TcpLink
from gateways.difx.livesources import LiveBanks, LiveProgram
from gateways.difx.monitor import LiveMonitor
from gateways.difx.outbox import Outbox
from gateways.difx.protocol.channels import ClientChannels
from gateways.difx.protocol.jobs import (
    JobEvent,
    JobEventKind,
    JobMode,
    JobRequest,
    JobState,
)
from gateways.difx.protocol.products import (
    Product,
    ProductsHeader,
    Scan,
    write_header,
    write_integration,
)
from gateways.difx.share import Share, Threads
from player.bank import Bank
from player.testing import HostedBank
from zmqjsonproxy import command
from zmqjsonproxy.channels import pipe
from zmqjsonproxy.channels.properties import table_of

HANG_S = 60.0
CHANNELS = 8
HEADER = ProductsHeader(
    job="job_1",
    integration_s=2.0,
    scans=(
        Scan(name="No1", source="3C84", start_mjd=60000.25, integrations=100),
        Scan(name="No2", source="3C273", start_mjd=60000.75, integrations=100),
    ),
    products=tuple(
        Product(stations=pair, frequency_mhz=1400.0, bandwidth_mhz=4.0, channels=CHANNELS)
        for pair in (("AA", "AA"), ("AA", "BB"))
    ),
)


def integration(level: complex) -> bytes:
    """Write an integration: a power of the level, and a cross spectrum of it twice."""
    return write_integration(HEADER, [[abs(level)] * CHANNELS, [2 * level] * CHANNELS])


class Radio(Bank):
    """Publishes spectra as a spectrometer does."""

    spectrum = pipe(unit="counts^2", x_unit="Hz")

    @command
    def send(self, number: int, channels: int = CHANNELS) -> None:
        """Publish an integration: powers of 1 and 4, a cross spectrum delayed by 3 samples."""
        lag = np.exp(-2j * np.pi * np.arange(channels) * 3 / (2 * channels)).conj()
        data = np.array([np.ones(channels), 4 * np.ones(channels), lag.real, lag.imag])
        frame = {
            "data": data.astype(np.float32),
            "x_start": 100e6,
            "x_delta": 1e6,
            "rows": ["XX", "YY", "REXY", "IMXY"],
            "x_starts": [100e6] * 4,
            "integration": number,
        }
        table_of(self).publish("spectrum", frame)


class Client:
    """The client's end of a task connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    def send(self, number: int, payload: bytes = b"") -> None:
        """Send a sub-packet."""
        self.writer.write(struct.pack(">ii", number, len(payload)) + payload)

    def ask(self, *products: tuple[int, int, int]) -> None:
        """Ask for products."""
        self.send(123)
        for product in products:
            self.send(122, struct.pack(">iii", *product))
        self.send(124)

    async def read(self) -> tuple[int, bytes]:
        """Read a sub-packet."""
        number, length = await self.head()
        return number, await self.payload(length)

    async def head(self) -> tuple[int, int]:
        """Read the id and the length of a sub-packet."""
        async with asyncio.timeout(HANG_S):
            number, length = struct.unpack(">ii", await self._reader.readexactly(8))
            return number, length

    async def payload(self, length: int) -> bytes:
        """Read the rest of it."""
        async with asyncio.timeout(HANG_S):
            return await self._reader.readexactly(length)

    async def until(self, last: int) -> list[tuple[int, bytes]]:
        """Read until an id has come."""
        found = [await self.read()]
        while found[-1][0] != last:
            found.append(await self.read())
        return found

    async def block(self) -> list[tuple[int, bytes]]:
        """Read the next integration of one product; what is told before it is left out."""
        await self.until(138)
        return await self.until(129)

    async def rest(self) -> bytes:
        """Read to the end."""
        async with asyncio.timeout(HANG_S):
            return await self._reader.read()


@pytest.fixture
def share() -> Iterator[Share]:
    """Threads of a client."""
    with ThreadPoolExecutor(2) as executor:
        yield Share(Threads(executor))


@asynccontextmanager
async def monitored(monitor: LiveMonitor, share: Share) -> AsyncIterator[Client]:
    """Connect a client to the monitor over TCP; the connection is closed when that has ended."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    link = TcpLink(ours, 50300, share, HANG_S)

    async def serve(link: TaskLink) -> None:
        try:
            await monitor.serve(link, "profile")
        finally:
            await link.close()

    serving = asyncio.create_task(serve(link))
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        await asyncio.gather(serving, writer.wait_closed(), return_exceptions=True)
        await monitor.close()


def of_program(*command: str) -> LiveMonitor:
    """Return a monitor whose one job has such a program."""

    def find(path: str, profile: str) -> LiveProgram:
        assert profile == "profile"
        if path != "/job_1.input":
            raise FileFaultError(f"{path}: there is no such file")
        return LiveProgram(command)

    return LiveMonitor(find, {})


def of_players(*players: HostedBank, job: str = "") -> LiveMonitor:
    """Return a monitor of some Players."""
    urls = {player.name: player.url for player in players}

    def find(_path: str, _profile: str) -> LiveBanks:
        return LiveBanks(tuple(urls.items()), job)

    return LiveMonitor(find, urls)


def values(payload: bytes, head: int) -> list[float]:
    """Read numbers of 14 characters behind so many bytes."""
    text = payload[head:]
    return [float(text[place : place + 14]) for place in range(0, len(text), 14)]


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """A stream of a program, which is fed by the test."""
    path = tmp_path / "stream"
    os.mkfifo(path)
    return path


async def opened(stream: Path) -> int:
    """Open the stream for writing; the program reads it then."""
    return await asyncio.to_thread(os.open, stream, os.O_WRONLY)


def test_products_of_a_running_job_flow_and_change_while_they_do(
    stream: Path, share: Share
) -> None:
    async def run() -> None:
        async with monitored(of_program("cat", str(stream)), share) as client:
            client.send(103, b"/job_1.input")
            feed = await opened(stream)
            os.write(feed, write_header(HEADER) + integration(1))
            listed = await client.until(143)
            assert [p for n, p in listed if n == 120] == [
                struct.pack(">iii", 0, 0, 8),
                struct.pack(">iii", 1, 8, 8),
            ] * 2
            client.send(139, struct.pack(">i", 32))
            client.ask((1, 8, 8))
            first = await client.block()
            assert [number for number, _ in first] == [135, 126, 127, 128, 140, 141, 142, 129]
            assert first[0][1] == b"3C84"
            head = struct.pack(">iiii", 1, 8, 21601, 2)
            assert first[1][1] == head + b"  1.000000e+00" * 8
            assert len(first[3][1]) == 48 + 14 * 32
            client.ask((0, 0, 8))
            await client.until(100)
            os.write(feed, integration(3j))
            second = await client.block()
            assert values(second[1][1], 16) == [6.0] * 8
            assert values(second[2][1], 16) == [90.0] * 8
            np.testing.assert_allclose(values(second[4][1], 16), [abs(1 + 3j)] * 8, rtol=1e-6)
            client.send(104)
            assert await client.rest() == b""
            os.close(feed)

    asyncio.run(run())


def test_another_file_never_cuts_the_sub_packet_that_is_being_sent(
    stream: Path, share: Share
) -> None:
    async def run() -> None:
        async with monitored(of_program("cat", str(stream)), share) as client:
            client.send(103, b"/job_1.input")
            feed = await opened(stream)
            os.write(feed, write_header(HEADER) + integration(1))
            await client.until(143)
            client.send(139, struct.pack(">i", 65536))
            client.ask((0, 0, 8))
            await client.until(127)
            lags = await client.head()  # longer than all buffers: the rest waits for its reader
            client.send(103, b"/other.input")
            for _ in range(100):
                await asyncio.sleep(0)  # the request is read meanwhile
            assert lags == (128, 48 + 14 * 65536)
            await client.payload(lags[1])
            assert (await client.read())[0] == 102
            assert await client.rest() == b""
            os.close(feed)

    asyncio.run(run())


def test_slow_client_gets_the_newest_integration_and_means_of_all(
    stream: Path, share: Share
) -> None:
    async def run() -> None:
        monitor = of_program("cat", str(stream))
        async with monitored(monitor, share) as client:
            client.send(103, b"/job_1.input")
            feed = await opened(stream)
            os.write(feed, write_header(HEADER))
            await client.until(143)
            source = await monitor.begin("/job_1.input", "profile")
            for level in range(1, 101):  # nobody asks for them yet
                os.write(feed, integration(level))
            block = await source.newer(98)
            assert block is not None
            client.ask((1, 8, 8))
            found = await client.block()
            assert values(found[1][1], 16) == [100.0] * 8
            assert values(found[4][1], 16) == [50.5] * 8
            await monitor.end(source)
            os.write(feed, integration(7))  # the first of the next scan
            found = await client.block()
            assert found[0][1] == b"3C273"
            assert values(found[4][1], 16) == [7.0] * 8
            os.close(feed)
            number, text = (await client.until(100))[-1]
            assert (number, text) == (100, b"the products of the job have ended")

    asyncio.run(run())


def test_clients_of_one_job_share_its_program_which_ends_with_the_last(
    stream: Path, share: Share
) -> None:
    async def run() -> None:
        monitor = of_program("cat", str(stream))
        first = await monitor.begin("/job_1.input", "profile")
        second = await monitor.begin("/job_1.input", "profile")
        assert first is second
        feed = await opened(stream)
        os.write(feed, write_header(HEADER))
        assert (await first.products(HANG_S)).job == "job_1"
        await monitor.end(second)
        os.write(feed, integration(1))
        assert await first.newer(-1) is not None
        await monitor.end(first)
        with pytest.raises(BrokenPipeError):
            os.write(feed, integration(1))
        os.close(feed)
        await monitor.close()

    asyncio.run(run())


def test_products_of_a_job_that_is_to_be_monitored_are_kept_ready(
    stream: Path, share: Share
) -> None:
    async def run() -> None:
        monitor = of_program("cat", str(stream))
        request = JobRequest(input="/job_1.input", profile="profile", mode=JobMode.MONITOR)
        for kind, state in (
            (JobEventKind.STARTING, JobState.RUNNING),
            (JobEventKind.STATE, JobState.RUNNING),
        ):
            event = JobEvent(job="id", number=1, time=0.0, kind=kind, state=state)
            await asyncio.to_thread(monitor.tell_job, request, event)
        feed = await opened(stream)  # the program runs, though nobody has asked
        os.write(feed, write_header(HEADER) + integration(1) + integration(3))
        source = await monitor.begin("/job_1.input", "profile")
        assert await source.newer(0) is not None
        await monitor.end(source)
        async with monitored(monitor, share) as client:
            client.send(103, b"/job_1.input")
            await client.until(143)
            client.ask((1, 8, 8))
            assert values((await client.block())[4][1], 16) == [2.0] * 8
            event = JobEvent(
                job="id", number=2, time=0.0, kind=JobEventKind.ENDED, state=JobState.FINISHED
            )
            monitor.tell_job(request, event)
            client.send(104)
            assert await client.rest() == b""
        with pytest.raises(BrokenPipeError):
            os.write(feed, integration(1))
        os.close(feed)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("false",), b"false has ended with exit status 1"),
        (("sh", "-c", "echo no data >&2; exit 3"), b"sh has ended with exit status 3: no data"),
        (("/nowhere/program",), b"/nowhere/program cannot be started"),
        (("echo", "no header"), b"header: no JSON"),
    ],
)
def test_program_that_tells_nothing_is_an_error_and_the_end(
    command: tuple[str, ...], told: bytes, share: Share
) -> None:
    async def run() -> None:
        async with monitored(of_program(*command), share) as client:
            client.send(103, b"/job_1.input")
            number, text = await client.read()
            assert number == 102
            assert text.startswith(told)
            assert await client.rest() == b""

    asyncio.run(run())


@pytest.mark.parametrize("path", [b"/other.input", b"bank:NOWHERE", b"", b"\xff"])
def test_unknown_file_is_an_error_and_the_end(path: bytes, share: Share) -> None:
    async def run() -> None:
        async with monitored(of_program("true"), share) as client:
            client.send(103, path)
            assert (await client.read())[0] == 102
            assert await client.rest() == b""

    asyncio.run(run())


@pytest.mark.parametrize("length", [-1, 65_537, 2**31 - 1])
def test_sub_packet_of_any_other_length_is_an_error_and_the_end(length: int, share: Share) -> None:
    async def run() -> None:
        async with monitored(of_program("true"), share) as client:
            client.writer.write(struct.pack(">ii", 103, length))
            assert (await client.read())[0] == 102
            assert await client.rest() == b""

    asyncio.run(run())


def test_client_that_goes_without_a_word_leaves_nothing_behind(stream: Path, share: Share) -> None:
    async def run() -> None:
        async with monitored(of_program("cat", str(stream)), share) as client:
            client.send(103, b"/job_1.input")
            feed = await opened(stream)
            os.write(feed, write_header(HEADER))
            await client.until(143)
            client.ask((0, 0, 8))
            client.writer.close()
        with pytest.raises(BrokenPipeError):  # the program has ended
            os.write(feed, integration(1))
        os.close(feed)

    asyncio.run(run())


def test_spectra_of_a_bank_are_products_and_their_delay_is_found(share: Share) -> None:
    async def run(radio: HostedBank) -> None:
        async with monitored(of_players(radio), share) as client:
            await asyncio.to_thread(radio.proxy.send, 0)
            client.send(103, b"bank:RADIO")
            listed = await client.until(143)
            assert dict(listed)[130] == b"bank:RADIO"
            assert [p for n, p in listed if n in (111, 112, 121)] == [b"RADIO"] * 4
            assert [p for n, p in listed if n == 119] == [struct.pack(">i", 1)]
            assert [p for n, p in listed if n == 108] == [struct.pack(">d", 103.5)] * 3
            client.ask((0, 0, 8), (2, 16, 8))
            cross = await client.block()
            found = dict(cross)
            assert values(found[126], 16) == [1.0] * 8
            assert struct.unpack(">i", found[128][16:20]) == (13,)
            np.testing.assert_allclose(
                values(found[128][:34], 20), [-3 / (2 * 8)], rtol=1e-6
            )  # samples of 1 / (2 bandwidth)
            power = dict(await client.until(129))
            assert values(power[126], 16) == [4.0] * 8
            assert values(power[127], 16) == [0.0] * 8
            await asyncio.to_thread(radio.proxy.send, 1)
            await client.block()
            await asyncio.to_thread(radio.proxy.send, 2, 16)
            number, text = (await client.until(102))[-1]
            assert (number, text) == (102, b"the spectra of RADIO are others now: ask again")

    with HostedBank(Radio, name="RADIO") as radio:
        asyncio.run(run(radio))


def test_spectra_of_several_banks_are_the_products_of_a_job(share: Share) -> None:
    async def run(one: HostedBank, two: HostedBank) -> None:
        async with monitored(of_players(one, two, job="job_1"), share) as client:
            for bank in (one, two):
                await asyncio.to_thread(bank.proxy.send, 0)
            client.send(103, b"/job_1.input")
            listed = await client.until(143)
            assert dict(listed)[130] == b"job_1"
            assert [p for n, p in listed if n == 121] == [b"ONE", b"ONE", b"TWO", b"TWO"]
            assert dict(listed)[105] == struct.pack(">i", 2)

    with HostedBank(Radio, name="ONE") as one, HostedBank(Radio, name="TWO") as two:
        asyncio.run(run(one, two))


def test_bank_that_publishes_nothing_in_time_is_an_error(share: Share) -> None:
    async def run(radio: HostedBank) -> None:
        monitor = LiveMonitor(
            lambda _path, _profile: LiveBanks(()), {"RADIO": radio.url}, within=0.2
        )
        async with monitored(monitor, share) as client:
            client.send(103, b"bank:RADIO")
            number, text = await client.read()
            assert (number, text) == (102, b"no spectrum of RADIO came within 0.2 s")

    with HostedBank(Radio, name="RADIO") as radio:
        asyncio.run(run(radio))


def test_channel_gets_one_item_in_each_chunk(stream: Path, share: Share) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=ours)
        reader, closing = await asyncio.open_connection(sock=theirs)
        channels = ClientChannels(most_bytes=1 << 20, most_early=4)
        link = ChannelLink(channels, 7, Outbox(writer, most=1 << 20), share, HANG_S)
        monitor = of_program("cat", str(stream))
        serving = asyncio.create_task(monitor.serve(link, "profile"))

        async def send(number: int, payload: bytes = b"") -> None:
            channels.receive(7, struct.pack(">ii", number, len(payload)) + payload)
            await link.on_chunk()

        async def chunk() -> bytes:
            async with asyncio.timeout(HANG_S):
                number, length, channel = struct.unpack(">iii", await reader.readexactly(12))
                assert (number, channel) == (22, 7)
                return await reader.readexactly(length - 4)

        assert await reader.readexactly(12) == struct.pack(">iii", 21, 4, 7)
        await send(103, b"/job_1.input")
        feed = await opened(stream)
        os.write(feed, write_header(HEADER) + integration(1))
        while await chunk() != struct.pack(">i", 143):
            pass
        assert await chunk() == struct.pack(">i", 0)
        await send(123)
        await send(122, struct.pack(">iii", 0, 0, 8))
        await send(124)
        while await chunk() != struct.pack(">i", 126):
            pass
        assert await chunk() == struct.pack(">i", 16 + 14 * 8)
        assert [len(await chunk()) for _ in range(12)] == [4] * 4 + [14] * 8
        await send(104)
        await serving
        await link.close()
        for each in (writer, closing):
            each.close()
            await each.wait_closed()
        os.close(feed)
        await monitor.close()

    asyncio.run(run())
