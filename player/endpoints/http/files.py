"""Files over HTTP: of areas, and of the site's home folder; whole or by ranges."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import PurePosixPath
from typing import Any

from anyio import to_thread
from fastapi.responses import FileResponse

from player.endpoints.http.guard import HEAD
from zmqjsonproxy.files.areas import Areas, Listing

__all__ = ["ServedFile", "list_files", "open_file"]

LISTED_MOST = 5000
_DONE = -1


class ServedFile(FileResponse):
    """Response with a file that is open, whatever has its name by now.

    A file that grows meanwhile is sent as long as it was; of one that is cut, less than was said,
    and then the connection ends.

    Args:
        descriptor: Of the file; it is closed at the end.
        name: For who keeps it.
        is_download: It is to be kept, not shown.
    """

    def __init__(self, descriptor: int, name: str, *, is_download: bool) -> None:
        self._descriptor = descriptor
        super().__init__(
            f"/proc/self/fd/{descriptor}",
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
                message["body"], message["more_body"] = body, left > 0
                left = left or _DONE
                await send(message)

        if is_head:
            scope = {**scope, "method": "HEAD"}
        try:
            await super().__call__(scope, receive, send_what_was_told)
        finally:
            os.close(self._descriptor)


async def open_file(areas: Areas, name: str, *, is_download: bool) -> ServedFile:
    """Open a file of areas, `AREA/PATH` or a bare name; RefusedError: it cannot be had."""

    def opened() -> ServedFile:
        with areas.open(name) as file:
            kept = os.dup(file.descriptor)
        return ServedFile(kept, PurePosixPath(file.name).name, is_download=is_download)

    return await to_thread.run_sync(opened)


async def list_files(areas: Areas, area: str, pattern: str) -> Listing:
    """List files and folders of an area; RefusedError: it cannot be listed."""
    return await to_thread.run_sync(areas.listing, area, pattern, LISTED_MOST)
