"""Display memory of a server, as its REST interface tells of it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from groundwork.addresses import is_loopback_host
from groundwork.printable import printable
from groundwork.truncation import cut
from histogrammer.display.protocol.directory import MirrorEntry
from histogrammer.display.protocol.layout import CHANNEL_BYTES
from histogrammer.errors import MirrorError

__all__ = ["MemorySource", "ask_source"]

_ANSWER_S = 10.0
_MAX_ANSWER_BYTES = 16 << 20
_TOLD_CHARACTERS = 400
_MAX_CHANNEL_BYTES = 1 << 34


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySource:
    """A display memory of a server.

    Attributes:
        host: Of the server.
        port: Of its REST interface.
        key: Place of the memory on that host.
        channel_bytes: Size of its channels.
        mirrors: Copies on other hosts.
        here: Address of this host, as the server sees it.
        is_local: The server is on this host.
    """

    host: str
    port: int
    key: str
    channel_bytes: int
    mirrors: tuple[MirrorEntry, ...]
    here: str
    is_local: bool

    @property
    def copies_here(self) -> list[str]:
        """Keys of the copies on this host."""
        return [mirror.key for mirror in self.mirrors if mirror.host == self.here]

    @property
    def keys_here(self) -> list[str]:
        """Keys under which the memory, or a copy of it, may be on this host."""
        return ([self.key] if self.is_local else []) + self.copies_here


def ask_source(url: str) -> MemorySource:
    """Ask a server of its display memory.

    Args:
        url: `http://HOST:PORT`.

    Raises:
        MirrorError: It does not answer, or not so.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise MirrorError(f"{url!r} is not http://HOST:PORT: {error}") from None
    if not host:
        raise MirrorError(f"{url!r} is not http://HOST:PORT")
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_S)
    try:
        connection.connect()
        here, there = connection.sock.getsockname()[0], connection.sock.getpeername()[0]
        connection.close()
        key, size = _ask(connection, "shmem/key"), _ask(connection, "shmem/size")
        mirrors = [
            MirrorEntry(str(one["host"]), str(one["shmkey"])) for one in _ask(connection, "mirror")
        ]
        return MemorySource(
            host=host,
            port=port,
            key=str(key),
            channel_bytes=_size(size),
            mirrors=tuple(mirrors),
            here=here,
            is_local=here == there or is_loopback_host(there),
        )
    except (OSError, http.client.HTTPException) as error:
        raise MirrorError(f"{url} does not answer: {error}") from error
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        told = cut(printable(str(error)), _TOLD_CHARACTERS)
        raise MirrorError(f"{url} does not answer as SpecTcl does: {told}") from error
    finally:
        connection.close()


def _size(text: object) -> int:
    size = int(str(text))
    if not 0 < size <= _MAX_CHANNEL_BYTES or size % CHANNEL_BYTES:
        raise ValueError(f"a display memory of {size} bytes")
    return size


def _ask(connection: http.client.HTTPConnection, request: str) -> Any:
    """Make a request over a connection of its own, as existing clients do."""
    connection.request("GET", f"/spectcl/{request}")
    answer = json.loads(connection.getresponse().read(_MAX_ANSWER_BYTES))
    connection.close()
    if answer["status"] != "OK":
        raise ValueError(f"{request}: {answer['status']}: {answer.get('detail', '')}")
    return answer["detail"]
