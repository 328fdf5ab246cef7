"""A client as the server sees it: its bytes as requests, and which update it gets. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from histogrammer.display.snapshot import Snapshot
from histogrammer.errors import DisplayMemoryError, MirrorProtocolError
from histogrammer.mirror.protocol.messages import (
    HEADER_BYTES,
    MAX_BODY_BYTES,
    MAX_KEY_BYTES,
    MirrorMessageType,
    Prefix,
    read_prefix,
    write_prefix,
)

__all__ = ["MAX_KEYS", "KeyTold", "MirrorSession", "Request", "UpdateWanted"]

MAX_KEYS = 16
"""Copies that one client may tell of."""


@dataclass(frozen=True, slots=True)
class KeyTold:
    """A copy of the client that others may use.

    Attributes:
        key: Its place.
    """

    key: str


@dataclass(frozen=True, slots=True)
class UpdateWanted:
    """A request for one update."""


Request: TypeAlias = KeyTold | UpdateWanted


@dataclass(slots=True)
class MirrorSession:
    """State of one client."""

    _waiting: bytearray = field(default_factory=bytearray)
    _keys: int = 0
    _told_tables: int | None = None

    def receive(self, data: bytes) -> Iterator[Request]:
        """Yield the requests that are complete with these bytes. Those behind a bad one are not.

        Raises:
            MirrorProtocolError: The client does not keep to the protocol.
        """
        self._waiting += data
        while len(self._waiting) >= HEADER_BYTES:
            prefix = read_prefix(self._waiting)
            _check(prefix)
            end = HEADER_BYTES + prefix.body
            if len(self._waiting) < end:
                return
            body = bytes(self._waiting[HEADER_BYTES:end])
            del self._waiting[:end]
            if prefix.type is MirrorMessageType.REQUEST_UPDATE:
                yield UpdateWanted()
            else:
                yield KeyTold(self._key(body))

    def _key(self, body: bytes) -> str:
        self._keys += 1
        if self._keys > MAX_KEYS:
            raise MirrorProtocolError(f"more than {MAX_KEYS} keys")
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise MirrorProtocolError("a key that is no UTF-8") from None

    def receive_end(self) -> None:
        """Take note that nothing more comes.

        Raises:
            MirrorProtocolError: That is within a message.
        """
        if self._waiting:
            raise MirrorProtocolError(f"an end after {len(self._waiting)} bytes of a message")

    def update(self, snapshot: Snapshot) -> list[memoryview]:
        """Return the parts of the update that the client gets: the tables, too, if it has not been
        sent these.

        Args:
            snapshot: Contents of the display memory.

        Raises:
            DisplayMemoryError: They are too many bytes for a message.
        """
        if self._told_tables == snapshot.table_changes:
            return _framed(MirrorMessageType.PARTIAL_UPDATE, [snapshot.channels])
        self._told_tables = snapshot.table_changes
        return _framed(MirrorMessageType.FULL_UPDATE, [snapshot.tables, snapshot.channels])


def _check(prefix: Prefix) -> None:
    match prefix.type:
        case MirrorMessageType.REQUEST_UPDATE if not prefix.body:
            return
        case MirrorMessageType.REQUEST_UPDATE:
            raise MirrorProtocolError(f"a request for an update with {prefix.body} bytes more")
        case MirrorMessageType.SHM_INFO if 1 <= prefix.body <= MAX_KEY_BYTES:
            return
        case MirrorMessageType.SHM_INFO:
            raise MirrorProtocolError(f"a key of {prefix.body} bytes; 1 to {MAX_KEY_BYTES} may be")
        case _:
            raise MirrorProtocolError("an update, which only servers send")


def _framed(kind: MirrorMessageType, parts: list[memoryview]) -> list[memoryview]:
    size = sum(part.nbytes for part in parts)
    if size > MAX_BODY_BYTES:
        raise DisplayMemoryError(
            f"the spectra that are bound take {size} bytes, and a mirror is told of {MAX_BODY_BYTES} at "
            "most: unbind some"
        )
    return [memoryview(write_prefix(kind, size)), *parts]
