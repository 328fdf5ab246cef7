"""Files of Banks, as their Players serve them, passed on to viewers piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from fastapi import HTTPException
from fastapi.responses import StreamingResponse

from dashboard.protocol.byteranges import RangeError, read_range
from player.endpoints.http.files import etag_of
from player.endpoints.http.guard import HEAD
from zmqjsonproxy import AsyncHub
from zmqjsonproxy.files.protocol.identity import FileIdentity

__all__ = ["PassedFile", "open_file"]

FILES = "files"
WITHIN_S = 10.0
PIECE_BYTES = 2**20


class PassedFile(StreamingResponse):
    """File of a Bank, or a range of it, as an attachment.

    Args:
        calls: Makes calls.
        url: Of the Player.
        name: AREA/PATH.
        identity: Of the file.
        wanted: First byte, and one after the last; None: all.
    """

    def __init__(
        self,
        calls: AsyncHub,
        url: str,
        name: str,
        identity: FileIdentity,
        wanted: tuple[int, int] | None,
    ) -> None:
        self._calls, self._url, self._name, self._identity = calls, url, name, identity
        begin, end = wanted or (0, identity.size)
        headers = {
            "content-length": str(end - begin),
            "accept-ranges": "bytes",
            "etag": etag_of(identity),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(name).name)}",
        }
        if wanted is not None:
            headers["content-range"] = f"bytes {begin}-{end - 1}/{identity.size}"
        super().__init__(
            self._pieces(begin, end),
            206 if wanted else 200,
            headers,
            media_type="application/octet-stream",
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        if HEAD in scope:  # nothing of it is wanted
            self.body_iterator = _nothing()
        await super().__call__(scope, receive, send)

    async def _pieces(self, begin: int, end: int) -> AsyncIterator[bytes]:
        while begin < end:
            size = min(PIECE_BYTES, end - begin)
            asked = {"name": self._name, "file": list(self._identity), "ranges": [[begin, size]]}
            told = await self._calls.call(self._url, FILES, "read", (), asked, timeout=WITHIN_S)
            (data,) = told["data"]
            if len(data) != size:
                raise EOFError(f"{self._name} became shorter")  # which cuts the connection
            yield bytes(data)
            begin += size


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


async def open_file(calls: AsyncHub, url: str, name: str, headers: Mapping[str, str]) -> PassedFile:
    """Return a file as a response.

    Args:
        calls: Makes calls.
        url: Of the Player.
        name: AREA/PATH.
        headers: Of the request, by lower-case name.

    Raises:
        HTTPException: It has no such bytes.
        ProxyError: It cannot be had.
    """
    told: dict[str, Any] = await calls.call(url, FILES, "look_up", (name,), timeout=WITHIN_S)
    identity = FileIdentity.read(told["file"])
    wanted = None
    if headers.get("if-range", etag_of(identity)) == etag_of(identity):
        try:
            wanted = read_range(headers.get("range", ""), identity.size)
        except RangeError as error:
            unsatisfied = {"content-range": f"bytes */{identity.size}"}
            raise HTTPException(416, str(error), unsatisfied) from error
    return PassedFile(calls, url, str(told["name"]), identity, wanted)
