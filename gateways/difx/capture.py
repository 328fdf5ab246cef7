"""A file with every packet of all clients. A thread writes it: no client waits for the disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gateways.difx.outbox import Tap
from gateways.difx.protocol.capture import Captured, MessageDirection, write_captured, write_head
from gateways.difx.protocol.frames import FrameReader
from gateways.difx.protocol.items import MAX_INTEGER
from groundwork.closing import Closing

__all__ = ["CaptureFile", "ClientCapture"]

MAX_WAITING_BYTES = 64 << 20
"""Of records that are not written yet: what comes beside it is left out, and counted in a note."""
_RECORD_BYTES = 512
"""Of memory for a record beside its data: packets may be empty, and as many as a client likes."""
_CLOSE_WITHIN_S = 1.0

log = logging.getLogger(__name__)


class CaptureFile(Closing):
    """A capture. It is begun anew; for any thread.

    Args:
        path: Of the file.
        address: HOST:PORT of the gateway.
        now: UTC.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(
        self, path: Path, address: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._now = now
        self._file = open(path, "wb")  # noqa: SIM115  # closed by the thread
        self._file.write(write_head(address, now()))
        self._file.flush()
        self._waiting: queue.SimpleQueue[Captured | None] = queue.SimpleQueue()
        self._bytes = self._left_out = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"capture {path}", daemon=True)
        self._thread.start()

    def put(
        self,
        client: int,
        direction: MessageDirection,
        data: bytes,
        *,
        packet: int | None = None,
        port: int | None = None,
    ) -> None:
        """Note what came or went, at the present time; see `Captured`."""
        captured = Captured(
            time=self._now(),
            client=client,
            direction=direction,
            packet=packet,
            port=port,
            data=data,
        )
        with self._lock:
            size = len(data) + _RECORD_BYTES
            if self._bytes + size > MAX_WAITING_BYTES:
                self._left_out += 1
                return
            self._bytes += size
        self._waiting.put(captured)

    def _run(self) -> None:
        is_over = False
        try:
            with self._file:
                while not is_over:
                    captured = self._waiting.get()
                    is_over = captured is None
                    if captured is not None:
                        self._write(captured)
                    if self._waiting.empty():
                        self._file.flush()
        except OSError as error:
            log.error("the capture ends: %s", error)
            while not is_over:  # nothing is kept for a file that is full
                is_over = self._waiting.get() is None
                with self._lock:
                    self._bytes = 0

    def _write(self, captured: Captured) -> None:
        with self._lock:
            self._bytes -= len(captured.data) + _RECORD_BYTES
            left_out, self._left_out = self._left_out, 0
        self._file.write(write_captured(captured))
        if left_out:
            text = b"%d records left out: the disk is too slow" % left_out
            note = Captured(
                time=captured.time, client=0, direction=MessageDirection.NOTE, data=text
            )
            self._file.write(write_captured(note))

    def close(self) -> None:
        """Write what waits, and close the file; may be called twice."""
        self._waiting.put(None)
        self._thread.join(_CLOSE_WITHIN_S)


class ClientCapture:
    """The part of a capture that belongs to one client.

    Args:
        file: The capture.
        client: Number of the client's connection.
    """

    def __init__(self, file: CaptureFile, client: int) -> None:
        self._file, self._client = file, client
        self._sent = FrameReader(limit=MAX_INTEGER)

    def note(self, text: str) -> None:
        """Note what became of the connection."""
        self._file.put(self._client, MessageDirection.NOTE, text.encode())

    def received(self, packet: int, payload: bytes) -> None:
        """Note a packet of the client."""
        self._file.put(self._client, MessageDirection.REQUEST, payload, packet=packet)

    def sent(self, packets: bytes) -> None:
        """Note packets to the client."""
        for frame in self._sent.feed(packets):
            self._file.put(self._client, MessageDirection.REPLY, frame.payload, packet=frame.id)

    def taps(self, port: int) -> tuple[Tap, Tap]:
        """Return who is told of bytes that come and go over a task connection."""

        def came(data: bytes) -> None:
            self._file.put(self._client, MessageDirection.REQUEST, data, port=port)

        def went(data: bytes) -> None:
            self._file.put(self._client, MessageDirection.REPLY, data, port=port)

        return came, went
