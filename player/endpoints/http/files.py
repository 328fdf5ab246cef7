"""Files over HTTP: of areas, and of the site's home folder; whole or by ranges, at a pace."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import MutableMapping
from pathlib import PurePosixPath
from typing import Any

from anyio import to_thread
from fastapi.responses import FileResponse

from player.endpoints.http.digests import Digests
from player.endpoints.http.guard import HEAD
from zmqjsonproxy.files.areas import Areas, Listing
from zmqjsonproxy.files.protocol.identity import FileIdentity
from zmqjsonproxy.files.protocol.pacing import Pacer

__all__ = ["ServedFile", "etag_of", "list_files", "open_file"]

MAX_LISTED = 5000
_DONE = -1


class ServedFile(FileResponse):
    """Response with a file that is open, whatever has its name by now.

    A file that grows meanwhile is sent as long as it was; of one that is cut, less than was said,
    and then the connection ends.

    Args:
        descriptor: Of the file; it is closed at the end.
        name: For who keeps it.
        identity: Of the file, as it was opened: its `ETag`.
        digest: `Repr-Digest`, of the whole of it; empty: nobody asked.
        pacer: Of all files that are sent.
        is_download: It is to be kept, not shown.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        *,
        identity: FileIdentity,
        digest: str,
        pacer: Pacer,
        is_download: bool,
    ) -> None:
        self._descriptor, self._pacer = descriptor, pacer
        headers = {"etag": etag_of(identity)} | ({"repr-digest": digest} if digest else {})
        super().__init__(
            f"/proc/self/fd/{descriptor}",
            headers=headers,
            filename=name,
            stat_result=os.fstat(descriptor),
            content_disposition_type="attachment" if is_download else "inline",
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        is_head, left = HEAD in scope, 0

        async def send_what_was_told(message: MutableMapping[str, Any]) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                left = int(dict(message["headers"])[b"content-length"])
                await send(message)
            elif is_head:
                await send(message)
            elif left >= 0:
                body = message["body"][:left]
                left -= len(body)
                if left and not message["more_body"]:
                    return  # it was cut
                await self._keep_pace(len(body))
                message["body"], message["more_body"] = body, left > 0
                left = left or _DONE
                await send(message)

        if is_head:
            scope = {**scope, "method": "HEAD"}
        scope = _of_this_file(scope, self.headers["etag"])
        try:
            await super().__call__(scope, receive, send_what_was_told)
        finally:
            os.close(self._descriptor)

    async def _keep_pace(self, size: int) -> None:
        """Wait until so many bytes may be sent."""
        now = asyncio.get_running_loop().time()
        delay = self._pacer.wait(now)
        self._pacer.take(size, now)
        if delay:
            await asyncio.sleep(delay)


def etag_of(identity: FileIdentity) -> str:
    """Return a name for a file as it is: another file, or one that was written to, has another."""
    return f'"{hashlib.sha256(repr(tuple(identity)).encode()).hexdigest()[:32]}"'


def _of_this_file(scope: MutableMapping[str, Any], etag: str) -> MutableMapping[str, Any]:
    """Return a request without its ranges, if these are meant of another file: `If-Range` says of
    which one. A date is no name of a file: two of a second have the same."""
    headers = scope["headers"]
    named = [value for name, value in headers if name.lower() == b"if-range"]
    if not named or named == [etag.encode()]:
        return scope
    return {**scope, "headers": [pair for pair in headers if pair[0].lower() != b"range"]}


async def open_file(
    areas: Areas,
    name: str,
    *,
    is_download: bool,
    pacer: Pacer | None = None,
    digests: Digests | None = None,
) -> ServedFile:
    """Open a file.

    Args:
        areas: Where it is.
        name: `AREA/PATH` or a bare name.
        is_download: It is to be kept, not shown.
        pacer: Of all files that are sent; None: as fast as it goes.
        digests: Knows its checksum; None: it is not wanted.

    Raises:
        RefusedError: It cannot be had.
    """

    def opened() -> ServedFile:
        with areas.open(name) as file:
            identity = file.identity()
            digest = "" if digests is None else digests.header(file)
            kept = os.dup(file.descriptor)
        return ServedFile(
            kept,
            PurePosixPath(file.name).name,
            identity=identity,
            digest=digest if digest and os.fstat(kept).st_size == identity.size else "",
            pacer=pacer or Pacer(),
            is_download=is_download,
        )

    return await to_thread.run_sync(opened)


async def list_files(areas: Areas, area: str, pattern: str) -> Listing:
    """List files and folders of an area; RefusedError: it cannot be listed."""
    return await to_thread.run_sync(areas.listing, area, pattern, MAX_LISTED)
