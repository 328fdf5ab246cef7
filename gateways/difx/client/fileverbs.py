"""Files at a guiServer: listings, operations, transfers. No sockets.

The original answers an operation with nothing at all, so a listing tells whether it was carried out.
It cuts uploads at NUL bytes and pastes paths into a shell: what it stored is compared in size, and an
upload gets its name when it is whole.
"""

from __future__ import annotations

import os
import posixpath
import secrets
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gateways.difx.client.conversation import GatewayConversation
from gateways.difx.client.errors import (
    GatewayConnectionLostError,
    NoGatewayAnswerError,
    RequestRefusedError,
    TransferFaultError,
)
from gateways.difx.client.links import DataPath
from gateways.difx.client.protocol.results import ListedFile, read_entries
from gateways.difx.errors import DifxError
from gateways.difx.protocol.commands import (
    FileAction,
    FileOperation,
    FileTransfer,
    TransferDirection,
)
from gateways.difx.protocol.items import MAX_INTEGER, integer
from groundwork.wholefiles import WholeFile

__all__ = ["FileVerbs", "TransferProgress"]

TransferProgress = Callable[[int, int], None]
"""Told of bytes that are there, and of all."""

BLOCK_BYTES = 1 << 20
UPLOAD_CHUNK_BYTES = 65536
LONG = '-l --time-style=+"%Y-%m-%d %H:%M:%S"'
LONG_ITSELF = '-l -d --time-style=+"%Y-%m-%d %H:%M:%S"'
"""Options of the GUI client, quotes and all: the original hands them to a shell."""

_DOWNLOAD_FAULTS = {
    -1: "the path is not absolute",
    -2: "there is no such file",
    -3: "the server has no permission, or the file is too large",
    -4: "the name of the server's user is unknown",
}
_UPLOAD_FAULTS = {
    -1: "the path is not absolute",
    -2: "its folder does not exist",
    -3: "the server has no permission",
    -4: "the name of the server's user is unknown",
    -5: "its parent is no folder",
}


class FileVerbs(GatewayConversation):
    """Verbs for files; paths are the server's, absolute."""

    async def ls(self, path: str, options: str = "") -> list[str]:
        """Return the lines of a listing; there are none if nothing is there.

        Args:
            path: File, folder, or pattern.
            options: As of `ls`; none: names in a folder, paths of all else.

        Raises:
            RequestRefusedError: The server complains, for instance of an option.
        """
        told = self._primary.told
        asked = FileOperation(operation=FileAction.LS, path=path, argument=options)
        lines: list[str] = []
        async with self._command_task(f"ls {path}", asked) as link:
            while (line := await link.read_line(self.timeout)) is not None:
                lines.append(line.decode(errors="replace").removesuffix("\n"))
        if not lines and (refusal := self._refusal(told)):
            raise RequestRefusedError(f"ls {path}", refusal)
        return lines

    async def entries(self, path: str) -> list[ListedFile]:
        """Return the files and folders in a folder, or those that a pattern means, by their whole
        paths."""
        found = read_entries(await self.ls(path, LONG))
        return [replace(one, path=posixpath.join(path, one.path)) for one in found]

    async def stat(self, path: str) -> ListedFile | None:
        """Return a file or folder itself; None: it does not exist."""
        found = read_entries(await self.ls(path, LONG_ITSELF))
        return found[0] if found else None

    async def mkdir(self, path: str) -> None:
        """Make a folder, and those above it; one that exists is no fault.

        Raises:
            RequestRefusedError: The server's words. The original has none.
            NoAnswerError: It is not there after the time-out.
        """

        async def is_there() -> bool:
            found = await self.stat(path)
            return found is not None and found.is_folder

        await self._operate(FileAction.MKDIR, path, "", is_there, "the folder is not there")

    async def touch(self, path: str) -> None:
        """Make an empty file, or set the time of one; raises as `mkdir`."""
        await self._operate(
            FileAction.TOUCH, path, "", self._is_there(path), "the file is not there"
        )

    async def rmdir(self, path: str) -> None:
        """Remove an empty folder; raises as `mkdir`."""
        await self._operate(FileAction.RMDIR, path, "", self._is_gone(path), "it is still there")

    async def rm(self, path: str, *, recursive: bool = False) -> None:
        """Remove files; raises as `mkdir`.

        Args:
            path: File, or pattern with wildcards in its last component.
            recursive: Folders, too, with all that is in them.
        """
        options = "-rf" if recursive else ""
        await self._operate(FileAction.RM, path, options, self._is_gone(path), "it is still there")

    async def mv(self, path: str, to: str) -> None:
        """Move a file; raises as `mkdir`."""
        gone, there = self._is_gone(path), self._is_there(to)

        async def is_moved() -> bool:
            return await gone() and await there()

        await self._operate(FileAction.MV, path, to, is_moved, "it is still there")

    async def cp(self, path: str, to: str) -> None:
        """Copy a file; raises as `mkdir`."""
        await self._operate(FileAction.CP, path, to, self._is_there(to), "the copy is not there")

    async def _operate(
        self,
        action: FileAction,
        path: str,
        argument: str,
        look: Callable[[], Awaitable[bool]],
        otherwise: str,
    ) -> None:
        told = self._primary.told
        await self._command(FileOperation(operation=action, path=path, argument=argument))
        words = f"{action} {path} {argument}" if action in ("mv", "cp") else f"{action} {path}"
        await self._ask_until(look, words, otherwise, told)

    def _is_there(self, path: str) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return bool(await self.ls(path, "-d"))

        return look

    def _is_gone(self, path: str) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return not await self.ls(path, "-d")

        return look

    # --- transfers

    async def read(self, path: str) -> bytes:
        """Return the content of a file; raises as `get`."""
        blocks: list[bytes] = []

        async def keep(block: bytes) -> None:
            blocks.append(block)

        await self._download(path, keep, None)
        return b"".join(blocks)

    async def get(
        self, path: str, target: Path | str, progress: TransferProgress | None = None
    ) -> int:
        """Download a file; the target is there when it is whole, and what was there before is kept
        until then.

        Returns:
            Its size.

        Raises:
            TransferFaultError: The server does not give it.
            OSError: It cannot be written here.
        """
        place = Path(target)
        folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if place.is_dir():
                raise TransferFaultError(f"get {path}", f"{place} is a folder")
            with WholeFile(folder, place.name) as file:

                async def keep(block: bytes) -> None:
                    await self._beside(lambda: file.write(block))

                size = await self._download(path, keep, progress)
                await self._beside(file.commit)
        finally:
            os.close(folder)
        return size

    async def _download(
        self, path: str, keep: Callable[[bytes], Awaitable[None]], progress: TransferProgress | None
    ) -> int:
        doing, told = f"get {path}", self._primary.told
        asked = FileTransfer(direction=TransferDirection.DOWNLOAD, origin=path, port=0)
        async with self._command_task(doing, asked) as link:
            size = await link.read_integer(self.timeout)
            if size < 0:
                raise self._fault(doing, size, _DOWNLOAD_FAULTS, told)
            done = 0
            while done < size:
                wanted = size - done
                block = await link.read_some(1, min(wanted, BLOCK_BYTES), self.timeout)
                await keep(block)
                done += len(block)
                if progress is not None:
                    progress(done, size)
        return size

    async def write(self, path: str, data: bytes) -> None:
        """Make a file of bytes; raises as `put`."""
        view = memoryview(data)

        async def block(at: int, most: int) -> bytes:
            return bytes(view[at : at + most])

        await self._replace(path, len(data), block, None)

    async def put(
        self, source: Path | str, path: str, progress: TransferProgress | None = None
    ) -> int:
        """Upload a file; it gets its name at the server when it is whole, and what was there before
        is kept until then.

        Returns:
            Its size.

        Raises:
            TransferFaultError: The server does not take it, or has not stored all of it.
            RequestRefusedError: The server complains.
            OSError: It cannot be read here.
        """
        file = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        try:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode):
                raise TransferFaultError(f"put {path}", f"{source} is no file")

            async def block(at: int, most: int) -> bytes:
                return await self._beside(lambda: os.pread(file, most, at))

            await self._replace(path, about.st_size, block, progress)
        finally:
            os.close(file)
        return about.st_size

    async def _replace(
        self,
        path: str,
        size: int,
        block: Callable[[int, int], Awaitable[bytes]],
        progress: TransferProgress | None,
    ) -> None:
        doing = f"put {path}"
        if size > MAX_INTEGER:
            raise TransferFaultError(
                doing, f"the protocol has files of {MAX_INTEGER} bytes at most"
            )
        if any(line.endswith("/") for line in await self.ls(path, "-d -p")):
            raise TransferFaultError(doing, "it is a folder; name a file in it")
        folder, name = posixpath.split(path)
        # Of characters that any shell leaves alone, if the name is.
        part = posixpath.join(folder, f"{name}.{secrets.token_hex(4)}.part")
        try:
            await self._upload(doing, part, size, block, progress)
            await self._check_stored(doing, part, size)
            await self.mv(part, path)
        except BaseException:
            with suppress(DifxError):
                await self._command(FileOperation(operation=FileAction.RM, path=part))
            raise

    async def _upload(
        self,
        doing: str,
        part: str,
        size: int,
        block: Callable[[int, int], Awaitable[bytes]],
        progress: TransferProgress | None,
    ) -> None:
        told = self._primary.told
        asked = FileTransfer(direction=TransferDirection.UPLOAD, destination=part, port=0)
        async with self._command_task(doing, asked) as link:
            await link.send(integer(size))
            try:
                await self._send_blocks(doing, link, size, block, progress)
            except GatewayConnectionLostError:
                pass  # it may have said why before it closed
            stored = await link.read_integer(self.timeout)
        if stored < 0:
            raise self._fault(doing, stored, _UPLOAD_FAULTS, told)
        if stored != size:
            raise TransferFaultError(doing, f"the server stored {stored} of {size} bytes")

    async def _send_blocks(
        self,
        doing: str,
        link: DataPath,
        size: int,
        block: Callable[[int, int], Awaitable[bytes]],
        progress: TransferProgress | None,
    ) -> None:
        done = 0
        while done < size:
            data = await block(done, min(BLOCK_BYTES, size - done))
            if not data:
                raise TransferFaultError(doing, f"the file became shorter than its {size} bytes")
            view = memoryview(data)
            for at in range(0, len(data), UPLOAD_CHUNK_BYTES):
                await link.send(bytes(view[at : at + UPLOAD_CHUNK_BYTES]))
            done += len(data)
            if progress is not None:
                progress(done, size)

    async def _check_stored(self, doing: str, part: str, size: int) -> None:
        """Wait until the server lists the file with its size: the original answers before it has
        copied it."""
        found: list[str] = []

        async def is_whole() -> bool:
            found[:] = await self.ls(part, LONG_ITSELF)
            entries = read_entries(found)
            return bool(found) and (not entries or entries[0].size == size)

        try:
            await self._ask_until(is_whole, doing, "it is not there", self._primary.told)
        except (NoGatewayAnswerError, RequestRefusedError) as error:
            if not (entries := read_entries(found)):
                raise
            text = f"the server stored {entries[0].size} of {size} bytes"
            hint = "; servers of the original cut uploads at NUL bytes"
            raise TransferFaultError(doing, text + hint) from error

    def _fault(self, doing: str, code: int, texts: dict[int, str], told: int) -> TransferFaultError:
        said = self._refusal(told, own=1)
        reason = texts.get(code, "an answer that the protocol does not have")
        return TransferFaultError(doing, f"{reason}: {said}" if said else reason, code)
