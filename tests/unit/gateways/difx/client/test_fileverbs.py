"""Uploads over a task connection that ends early."""

from __future__ import annotations

import asyncio
import struct

import pytest
from support.difx_talk import Played

from gateways.difx.client.errors import GatewayConnectionLostError, TransferFaultError
from gateways.difx.client.fileverbs import FileVerbs
from gateways.difx.client.links import DataPath
from gateways.difx.protocol.commands import FileOperation


class EarlyAnswer(DataPath):
    """A server that answers before it has all, and closes; with no file to list."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self._answer = answer

    async def send(self, *items: bytes) -> None:
        if items[0] == b"data":
            raise GatewayConnectionLostError("correlator:50200", "put", "Broken pipe")

    async def read_some(self, least: int, most: int, within: float | None) -> bytes:
        if len(self._answer) < least:
            raise GatewayConnectionLostError("correlator:50200", "put", "the server closed it")
        return self._answer

    async def _end(self) -> None: ...


class Uploads(Played, FileVerbs):
    """A client whose tasks are answered early."""

    answer = b""

    async def _begin_command(
        self, doing: str, command: object, timeout: float | None = None
    ) -> DataPath:
        return EarlyAnswer(bytes(4) if isinstance(command, FileOperation) else self.answer)


def test_the_fault_of_an_upload_is_told_though_the_connection_broke() -> None:
    client = Uploads(b"")
    client.answer = struct.pack(">i", -3)
    with pytest.raises(TransferFaultError, match="no permission") as told:
        asyncio.run(client.write("/x", b"data"))
    assert told.value.code == -3


def test_an_upload_that_broke_without_an_answer_is_lost() -> None:
    with pytest.raises(GatewayConnectionLostError, match="the server closed it"):
        asyncio.run(Uploads(b"").write("/x", b"data"))
