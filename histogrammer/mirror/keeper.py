"""The keeper of this host's copy of a display memory: it finds the server, has itself listed, asks for
updates, and connects again by itself.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

import numpy as np

from groundwork.closing import Closing
from histogrammer.display.protocol.layout import HEADER_BYTES as TABLE_BYTES
from histogrammer.display.segments import Bytes
from histogrammer.display.source import MemorySource
from histogrammer.errors import MirrorError, MirrorProtocolError
from histogrammer.mirror.copy import LocalCopy
from histogrammer.mirror.places import Places
from histogrammer.mirror.protocol.copying import Expected, Pace, Retry
from histogrammer.mirror.protocol.messages import HEADER_BYTES, REQUEST, write_info

__all__ = ["MirrorKeeper", "OnlyOne"]

_SILENT_S = 10.0
"""A server of which nothing comes for so long, while something is waited for, is lost."""

log = logging.getLogger(__name__)


class OnlyOne(Closing):
    """Right of one program of a user on this host to keep the copy of a server, as long as it lives.

    Args:
        host: Address of the server.
        port: Of its mirror server.

    Raises:
        FileExistsError: Another program has it.
    """

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.bind(f"\0mirror of {host}:{port} by dealer-player for {os.getuid()}")
        except OSError as error:
            self._socket.close()
            raise FileExistsError(f"a copy of {host}:{port}") from error

    def close(self) -> None:
        """Give it back."""
        self._socket.close()


class MirrorKeeper(Closing):
    """A copy, kept from its making to `close`.

    Args:
        places: Of the server.
        source: What it tells of its display memory now.
        on_update: Called after each update.
        pace: Time between updates.

    Raises:
        DisplayMemoryError: There is no room for a copy.

    Attributes:
        copy: The copy.
        updates: Number of updates so far.
    """

    def __init__(
        self,
        places: Places,
        source: MemorySource,
        on_update: Callable[[], object] = lambda: None,
        pace: Pace | None = None,
    ) -> None:
        self._places, self._on_update = places, on_update
        self._pace = pace or Pace()
        self.updates = 0
        self._retry, self._trouble = Retry(), "it was not asked yet"
        self._ended = threading.Event()
        self._socket: socket.socket | None = None
        self._make_copy(source.channel_bytes)

    def _make_copy(self, channel_bytes: int) -> None:
        self.copy = LocalCopy(channel_bytes)
        self._received: Bytes = np.empty(TABLE_BYTES + channel_bytes, np.uint8)

    def run(self) -> None:
        """Keep the copy until `close`."""
        while not self._ended.is_set():
            try:
                self._follow()
            except (OSError, EOFError, MirrorError, MirrorProtocolError) as error:
                if not self._ended.is_set():
                    self._lose(str(error))
            self._ended.wait(self._retry.wait())

    def _lose(self, trouble: str) -> None:
        self.copy.set_stale(True)
        if trouble != self._trouble:
            log.warning("%s is not heard of, and the copy is stale: %s", self._name, trouble)
        self._trouble = trouble

    @property
    def _name(self) -> str:
        return f"the mirror server {self._places.mirror} of {self._places.host}"

    def _follow(self) -> None:
        """Follow the server until it is lost, which is an error."""
        source = self._places.source()
        if source.channel_bytes != self.copy.channel_bytes:
            self.copy.close()
            self._make_copy(source.channel_bytes)
            log.warning("its display memory has another size now: the copy is %s", self.copy.key)
        with socket.create_connection(self._places.mirror_address(), _SILENT_S) as link:
            self._socket = link
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.sendall(write_info(self.copy.key))
            expected = Expected(self.copy.channel_bytes)
            while not self._ended.is_set():
                self._pace.ask(time.monotonic())
                link.sendall(REQUEST)
                self._receive(link, expected)
                self._ended.wait(self._pace.wait_after(time.monotonic()))

    def _receive(self, link: socket.socket, expected: Expected) -> None:
        header = bytearray(HEADER_BYTES)
        _fill(link, memoryview(header))
        tables, channels = expected.read(bytes(header))
        whole = self._received[: tables + channels]
        _fill(link, whole.data)
        self.copy.write(whole[:tables] if tables else None, whole[tables:])
        self.copy.set_stale(False)
        if self._trouble:
            log.info("%s is heard of", self._name)
        self._trouble = ""
        self._retry.succeed()
        self.updates += 1
        self._on_update()

    def close(self) -> None:
        """End `run`, and remove the copy."""
        self._ended.set()
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is closed
                pass
        self.copy.close()


def _fill(link: socket.socket, room: memoryview) -> None:
    while room:
        count = link.recv_into(room)
        if not count:
            raise EOFError("it has closed the connection")
        room = room[count:]
