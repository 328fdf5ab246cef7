"""Clients of a capture played again: what to send when, and which answers are others. No I/O.

Answers are compared in streams, each in its own order: packets, diagnostics, the bytes of each
channel, and those of each task connection. Relayed messages are not compared, nor are times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gateways.difx.protocol.capture import Captured, MessageDirection
from gateways.difx.protocol.packets import Packet, read_chunk
from groundwork.truncation import cut

__all__ = ["ClientPlan", "Difference", "ReplayedAnswers", "Step", "differences", "plans_of"]

_DIAGNOSTICS = frozenset({Packet.INFORMATION, Packet.WARNING, Packet.ERROR})
_TIMES = re.compile(
    rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"  # of ctime
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
)
_SHOWN = 60
"""Characters of an answer that a difference shows."""


class ReplayedAnswers:
    """Answers of a server to one client, in streams."""

    def __init__(self) -> None:
        self._packets: dict[str, list[bytes]] = {}
        self._bytes: dict[str, bytearray] = {}

    def take_packet(self, packet: int, payload: bytes) -> None:
        """Take a packet."""
        if packet == Packet.CHANNEL_DATA:
            channel, chunk = read_chunk(payload)
            self._bytes.setdefault(f"channel {channel}", bytearray()).extend(chunk)
        elif packet != Packet.RELAY:
            name = "diagnostics" if packet in _DIAGNOSTICS else "packets"
            self._packets.setdefault(name, []).append(b"%d %b" % (packet, payload))

    def take_task(self, port: int, data: bytes) -> None:
        """Take bytes of a task connection."""
        self._bytes.setdefault(f"task {port}", bytearray()).extend(data)

    @property
    def sizes(self) -> dict[str, int]:
        """Packets, or bytes, of each stream so far."""
        sizes = {name: len(packets) for name, packets in self._packets.items()}
        return sizes | {name: len(data) for name, data in self._bytes.items()}

    def reaches(self, sizes: Mapping[str, int]) -> bool:
        """Tell if every stream has at least as much."""
        own = self.sizes
        return all(own.get(name, 0) >= size for name, size in sizes.items())

    def pieces(self, stream: str) -> list[bytes]:
        """Return a stream without its times, packet by packet, or line by line."""
        whole = self._packets.get(stream)
        if whole is None:
            whole = bytes(self._bytes.get(stream, b"")).splitlines(keepends=True)
        return [_TIMES.sub(lambda found: b"." * len(found[0]), piece) for piece in whole]


@dataclass(frozen=True, slots=True)
class Step:
    """Something to send.

    Attributes:
        captured: The record.
        after: Sizes of the streams that the server had sent before.
    """

    captured: Captured
    after: Mapping[str, int]


@dataclass(slots=True)
class ClientPlan:
    """One client of a capture.

    Attributes:
        client: Number in the capture.
        steps: In order.
        expected: All that it was answered.
        ports: On which it took task connections.
    """

    client: int
    steps: list[Step] = field(default_factory=list)
    expected: ReplayedAnswers = field(default_factory=ReplayedAnswers)
    ports: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place in which a stream is another one.

    Attributes:
        client: Number in the capture.
        stream: Its name.
        place: Number of the packet or line, from 1.
        expected: Begin of it in the capture; empty: there was none.
        found: Begin of it now; empty: there is none.
    """

    client: int
    stream: str
    place: int
    expected: str
    found: str


def plans_of(records: Iterable[Captured]) -> list[ClientPlan]:
    """Return the clients of a capture, in the order of their first packets."""
    plans: dict[int, ClientPlan] = {}
    for record in records:
        if record.direction is MessageDirection.NOTE:
            continue
        plan = plans.setdefault(record.client, ClientPlan(record.client))
        if record.port is not None:
            plan.ports.add(record.port)
        if record.direction is MessageDirection.REQUEST:
            plan.steps.append(Step(record, plan.expected.sizes))
        elif record.port is not None:
            plan.expected.take_task(record.port, record.data)
        elif record.packet is not None:
            plan.expected.take_packet(record.packet, record.data)
    return list(plans.values())


def differences(plan: ClientPlan, found: ReplayedAnswers) -> Iterator[Difference]:
    """Yield the streams that are others now, each with the first place."""
    for stream in sorted({*plan.expected.sizes, *found.sizes}):
        before, now = plan.expected.pieces(stream), found.pieces(stream)
        for place in range(max(len(before), len(now))):
            pair = before[place : place + 1], now[place : place + 1]
            if pair[0] != pair[1]:
                texts = [cut(repr(each[0])[1:], _SHOWN) if each else "" for each in pair]
                yield Difference(plan.client, stream, place + 1, texts[0], texts[1])
                break
