"""The relay: real Players that publish, jobs that end in floods, clients that read slowly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateways.difx.errors import LinkError
from gateways.difx.protocol.frames import FrameReader
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState
from gateways.difx.protocol.messagebodies import (
    Alert,
    Body,
    Info,
    JobStateBody,
    Load,
    Mark5Status,
    encoded,
    read_body,
)
from gateways.difx.protocol.messages import ReadMessage, look_into, read_message
from gateways.difx.relay import Relay, RelayClient, RelaySettings
from player.bank import Bank
from player.testing import HostedBank
from zmqjsonproxy import command
from zmqjsonproxy.channels import message, published

HANG_S = 60.0


class Station(Bank):
    """Publishes what a spectrometer, a recorder and strangers do."""

    scan = published({"state": "idle", "outcome": "none", "scan": None})
    recorder = published({"medium": "DISK-1", "state": "idle"})
    notice = message(doc="A text.")

    @command
    def tell(self, name: str, value: object) -> None:
        """Publish a value, or log a warning."""
        if name == "log":
            self.log.warning("%s", value)
        elif name == "notice":
            self.notice(text=value)
        else:
            setattr(self, name, value)


class Reader:
    """A client: packets as they come, awaited; it can be made slow."""

    def __init__(self) -> None:
        self.messages: list[tuple[ReadMessage, Body | None]] = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.is_stopped = asyncio.Event()
        self._frames = FrameReader()
        self._came = asyncio.Event()

    async def take(self, packets: bytes) -> None:
        """Take packets when it may."""
        if not self.may_read.is_set():
            self.is_stopped.set()
        await self.may_read.wait()
        for frame in self._frames.feed(packets):
            assert frame.id == 1
            got = read_message(frame.payload)
            self.messages.append((got, read_body(got)))
        self._came.set()

    def bodies(self, kind: type[Body]) -> list[Body]:
        """Return the bodies of a type so far."""
        return [body for _, body in self.messages if isinstance(body, kind)]

    def states(self) -> list[str]:
        """Return the states of jobs so far."""
        return [body.state for _, body in self.messages if isinstance(body, JobStateBody)]

    async def wait_for(self, is_there: Callable[[], object]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(HANG_S):
            while not is_there():
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def relayed(*players: HostedBank, queue: int = 1000) -> AsyncIterator[Relay]:
    """Open a relay of some Players."""
    urls = {player.name: player.url for player in players}
    relay = Relay(RelaySettings(name="DIFX", players=urls, queue=queue, ping_every=0.2))
    relay.open()
    try:
        yield relay
    finally:
        await relay.close()


@asynccontextmanager
async def reading(
    relay: Relay, passes: Callable[[str], bool] = lambda _kind: True
) -> AsyncIterator[tuple[Reader, RelayClient]]:
    """Switch the relay on for a client."""
    reader, client = Reader(), relay.join(passes)
    running = asyncio.create_task(client.run(reader.take))
    try:
        yield reader, client
    finally:
        running.cancel()
        client.close()
        await asyncio.gather(running, return_exceptions=True)


def job_event(number: int, state: JobState, kind: JobEventKind = JobEventKind.STATE) -> JobEvent:
    """Return an event of a job."""
    return JobEvent(job="id", number=number, time=0.0, kind=kind, state=state, text=str(number))


def test_what_players_publish_is_told_as_messages() -> None:
    async def run(station: HostedBank) -> None:
        async with relayed(station) as relay, reading(relay) as (reader, _):
            await reader.wait_for(lambda: reader.bodies(Load) and reader.bodies(Mark5Status))
            for name, value in (
                ("log", "the dome <is> open"),
                ("notice", "a text"),
                ("scan", {"state": "running", "outcome": "running", "scan": 3, "start_id": "x"}),
                ("scan", {"state": "idle", "outcome": "done", "scan": 3, "start_id": "x"}),
            ):
                await asyncio.to_thread(station.proxy.tell, name, value)
            await reader.wait_for(lambda: "MpiDone" in reader.states())
            await reader.wait_for(lambda: reader.bodies(Info))
            await reader.wait_for(
                lambda: Alert(text="the dome <is> open", severity=3) in reader.bodies(Alert)
            )
            assert reader.states() == ["Spawning", "Running", "Done", "MpiDone"]
            load = reader.bodies(Load)[0]
            assert isinstance(load, Load)
            assert load.total_memory > load.used_memory > 0
            assert {got.header.sender for got, _ in reader.messages} == {"BANKA"}
            numbers = [got.sequence for got, _ in reader.messages]
            assert numbers == list(range(1, len(numbers) + 1))
            assert Info(message="text: a text") in reader.bodies(Info)

    with HostedBank(Station) as station:
        asyncio.run(run(station))


def test_two_players_of_one_host_keep_their_names_and_numbers() -> None:
    async def run(one: HostedBank, two: HostedBank) -> None:
        async with relayed(one, two) as relay, reading(relay) as (reader, _):
            await reader.wait_for(lambda: len(reader.bodies(Load)) >= 2)
            for name in ("ONE", "TWO"):
                numbers = [g.sequence for g, _ in reader.messages if g.header.sender == name]
                assert numbers[:2] == [1, 2]

    with HostedBank(Station, name="ONE") as one, HostedBank(Station, name="TWO") as two:
        asyncio.run(run(one, two))


def test_player_that_dies_is_told_as_fatal() -> None:
    async def run(station: HostedBank) -> None:
        wire = station.wire()
        relay = Relay(RelaySettings(name="DIFX", players={"BANKA": wire.url}, ping_every=0.2))
        relay.open()
        async with reading(relay) as (reader, _):
            await reader.wait_for(lambda: reader.bodies(Load))
            await asyncio.to_thread(wire.down)
            await reader.wait_for(
                lambda: [
                    b for b in reader.bodies(Alert) if isinstance(b, Alert) and b.severity == 0
                ]
            )
            await asyncio.to_thread(wire.up)
            await reader.wait_for(
                lambda: Alert(text="BANKA is heard of again", severity=4) in reader.bodies(Alert)
            )
        await relay.close()

    with HostedBank(Station) as station:
        asyncio.run(run(station))


def test_final_state_arrives_once_after_a_flood_for_a_slow_reader() -> None:
    async def run() -> None:
        async with relayed(queue=100) as relay, reading(relay) as (reader, client):
            reader.may_read.clear()
            relay.publish(encoded("n", Info(message="begin")))
            await reader.is_stopped.wait()

            def flood() -> None:
                for number in range(10_000):
                    event = job_event(number, JobState.RUNNING)
                    relay.tell_job("job_1", "/job_1.input", event)
                ended = job_event(10_000, JobState.FINISHED, JobEventKind.ENDED)
                relay.tell_job("job_1", "/job_1.input", ended)

            thread = threading.Thread(target=flood)
            thread.start()
            await asyncio.to_thread(thread.join)
            reader.may_read.set()
            await reader.wait_for(lambda: "MpiDone" in reader.states())
            states = reader.states()
            assert (states.count("Done"), states.count("MpiDone")) == (1, 1)
            assert states[-2:] == ["Done", "MpiDone"]
            assert states.count("Running") + client.lost + relay.left_out == 10_000
            told = [b.text for b in reader.bodies(Alert) if isinstance(b, Alert)]
            assert len(told) == 1
            assert told[0].startswith(f"{client.lost} messages left out")

    asyncio.run(run())


def test_stopped_reader_costs_others_nothing() -> None:
    async def run() -> None:
        async with relayed(queue=10) as relay:
            async with reading(relay) as (slow, client), reading(relay) as (quick, _):
                slow.may_read.clear()
                for number in range(500):
                    relay.publish(encoded("n", Info(message=str(number))))
                    if number % 5 == 0:
                        await quick.wait_for(lambda n=number: len(quick.messages) == n + 1)
                await quick.wait_for(lambda: len(quick.messages) == 500)
                assert client.lost > 400
                assert not slow.messages

    asyncio.run(run())


def test_only_selected_types_come_and_a_selection_may_change() -> None:
    async def run() -> None:
        wanted = {"DifxInfoMessage"}
        async with relayed() as relay:
            async with reading(relay, lambda kind: kind in wanted) as (reader, _):
                relay.publish(encoded("n", Alert(text="no", severity=2)))
                relay.publish(encoded("n", Info(message="yes")))
                await reader.wait_for(lambda: reader.messages)
                wanted.clear()
                wanted.add("DifxAlertMessage")
                relay.publish(encoded("n", Info(message="no")))
                relay.publish(encoded("n", Alert(text="yes", severity=2)))
                await reader.wait_for(lambda: len(reader.messages) == 2)
                assert [body for _, body in reader.messages] == [
                    Info(message="yes"),
                    Alert(text="yes", severity=2),
                ]

    asyncio.run(run())


def test_new_client_hears_how_hosts_units_and_running_jobs_stand_but_of_no_job_that_is_over() -> (
    None
):
    async def run() -> None:
        async with relayed() as relay:
            relay.publish(encoded("n", Mark5Status(state="Idle")))
            relay.publish(encoded("n", Mark5Status(state="Busy")))
            relay.publish(encoded("n", Info(message="long ago")))
            for name, state in (("one", JobState.RUNNING), ("two", JobState.FINISHED)):
                relay.tell_job(name, f"/{name}.input", job_event(1, state, JobEventKind.ENDED))
            await asyncio.sleep(0)  # the loop takes what came from outside
            async with reading(relay) as (reader, _):
                await reader.wait_for(lambda: len(reader.messages) >= 2)
                relay.publish(encoded("n", Info(message="now")))
                await reader.wait_for(lambda: reader.bodies(Info))
                assert reader.bodies(Mark5Status) == [Mark5Status(state="Busy")]
                assert reader.bodies(Info) == [Info(message="now")]
                assert reader.states() == ["Running"]

    asyncio.run(run())


def test_datagrams_of_a_network_go_to_a_client_unchanged() -> None:
    async def run() -> None:
        async with relayed() as relay:
            packets: list[bytes] = []
            came = asyncio.Event()

            async def take(data: bytes) -> None:
                packets.append(data)
                came.set()

            client = relay.join(lambda _kind: True)
            client.offer(look_into(b"\xff"))
            running = asyncio.create_task(client.run(take))
            async with asyncio.timeout(HANG_S):
                await came.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert packets == [b"\0\0\0\1\0\0\0\1\xff"]

    asyncio.run(run())


def test_client_that_has_gone_ends_alone() -> None:
    async def run() -> None:
        async with relayed() as relay, reading(relay) as (reader, _):

            async def gone(_packets: bytes) -> None:
                raise LinkError("gone")

            lost = relay.join(lambda _kind: True)
            relay.publish(encoded("n", Info(message="x")))
            with pytest.raises(LinkError):
                await lost.run(gone)
            lost.close()
            lost.close()
            relay.publish(encoded("n", Info(message="y")))
            await reader.wait_for(lambda: len(reader.messages) == 2)

    asyncio.run(run())


def test_published_values_that_are_no_xml_are_told_as_texts() -> None:
    async def run(station: HostedBank) -> None:
        async with relayed(station) as relay, reading(relay) as (reader, _):
            await reader.wait_for(lambda: reader.bodies(Load))
            for text in ("<a b c>", "&", "\0\x1b[2J", "\ud7ff\uffff"):
                await asyncio.to_thread(station.proxy.tell, "notice", text)
            await reader.wait_for(lambda: len(reader.bodies(Info)) >= 4)
            assert reader.bodies(Info)[:2] == [
                Info(message="text: <a b c>"),
                Info(message="text: &"),
            ]
            assert Info(message="text: [0][27][2J") in reader.bodies(Info)

    with HostedBank(Station) as station:
        asyncio.run(run(station))
