"""A publisher whose time the test turns, with a sender that only writes down."""

from __future__ import annotations

from collections.abc import Sequence

from support.virtual_timers import VirtualTimers

from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.properties import PropertyTable
from zmqjsonproxy.channels.protocol.notices import MessagePart, UpdatePart, join_updates
from zmqjsonproxy.channels.publisher import Publisher
from zmqjsonproxy.rpc.protocol import jsonrpc

A, B = b"client A", b"client B"


class Bench:
    """A publisher, its time, and what it sent to whom."""

    def __init__(self) -> None:
        self.timers = VirtualTimers()
        self.sent: list[tuple[bytes, str, list]] = []
        self.takes = True
        self.publisher = Publisher(self.post, "life", self.timers.clock, lambda: self.timers)
        self.table = PropertyTable(
            [Declared(name="n"), Declared(name="e", kind=PropertyKind.MESSAGE)]
        )
        self.publisher.add("bank", self.table)

    def post(self, envelopes: Sequence[Sequence[bytes]], part: UpdatePart, missed) -> bool:
        if self.takes:
            is_message = isinstance(part, MessagePart) and not part.is_update
            message = jsonrpc.read_reply(part.body if is_message else join_updates([part]))
            self.sent += [(client, message["method"], message["params"]) for (client,) in envelopes]
        return self.takes

    def subscribe(
        self, client: bytes, *patterns: str, arrays: bool | None = True, name="", **limits: float
    ):
        wishes = [["bank", pattern, limits] for pattern in patterns]
        return self.publisher.subscribe(client, arrays, wishes, name)["answers"]

    def streams(self, client: bytes, pattern: str, **limits: float) -> list:
        return self.subscribe(client, pattern, **limits)[0]["streams"]

    def unsubscribe(self, client: bytes, *patterns: str, **limits: float) -> int:
        return self.publisher.unsubscribe(client, [["bank", each, limits] for each in patterns])

    def updates(self, client: bytes) -> list:
        return [
            params[1::2]
            for to, method, params in self.sent
            if (to, method) == (client, "rpc.update")
        ]

    def size(self) -> tuple[int, ...]:
        p = self.publisher
        listeners = sum(len(one.listeners) for one in self.table.properties.values())
        return len(p._clients), len(p._streams), len(p._idle), p._load, listeners
