"""A conversation with a guiServer that has said all before it is asked, without a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gateways.difx.client.conversation import GatewayConversation
from gateways.difx.client.errors import NoGatewayAnswerError
from gateways.difx.client.links import DataPath, Listener
from gateways.difx.client.protocol.primary import TaskChannel

__all__ = ["Played"]

T = TypeVar("T")


class Played(GatewayConversation):
    """A conversation whose server has said all before it is asked."""

    def __init__(self, said: bytes) -> None:
        super().__init__("correlator", 50200)
        self._said = said
        self.sent = b""

    async def _send(self, data: bytes) -> None:
        self.sent += data
        self._primary.receive(self._said)
        self._said = b""

    async def _until(
        self, ready: Callable[[], T | None], timeout: float | None, doing: str, told: int
    ) -> T:
        found = ready()
        if found is None:
            raise NoGatewayAnswerError(self.server, doing, timeout or 0.0)
        return found

    def _own_address(self) -> str:
        return "127.0.0.1"

    async def _listen(self) -> Listener:
        raise NotImplementedError

    def _channel_link(self, channel: TaskChannel, doing: str) -> DataPath:
        raise NotImplementedError

    async def _pause(self, seconds: float) -> None: ...

    async def _beside(self, work: Callable[[], T]) -> T:
        return work()
