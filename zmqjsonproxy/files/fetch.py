"""A file fetched from the areas of a server: whole or by range, paced, resumed where a former fetch
ended, and compared with the server's by checksum before it gets its name."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from groundwork.planned import refusal
from groundwork.values import JsonObject, RemoteValue
from zmqjsonproxy.errors import ProtocolError, ProxyError, RefusedError
from zmqjsonproxy.files.errors import ChecksumError, FetchError, FileChangedError
from zmqjsonproxy.files.partfile import PartFile
from zmqjsonproxy.files.protocol.identity import Change, FileIdentity, changed
from zmqjsonproxy.files.protocol.names import FileName, read_name
from zmqjsonproxy.files.protocol.pacing import Pacer
from zmqjsonproxy.files.protocol.ranges import ByteRange, block_bytes, blocks
from zmqjsonproxy.files.protocol.transfer import (
    PartNote,
    Transfer,
    differing,
    resumed_at,
    stretch_of,
)
from zmqjsonproxy.files.requests import PASSING, FileRequests
from zmqjsonproxy.hubs import Hub

__all__ = ["FetchProgress", "Fetched", "fetch"]

HEAD_BYTES = 2**20
"""First bytes, among which a header may count what is behind it."""
MAX_REWRITTEN = 16
"""Blocks that are fetched again, of a file that was written to meanwhile: its header, say. In more of
them it is another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchProgress:
    """Progress of a fetch.

    Attributes:
        name: `AREA/PATH`.
        done: Bytes that are there.
        size: Bytes there will be.
        text: What is done now; empty: bytes come.
    """

    name: str
    done: int
    size: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that was fetched.

    Attributes:
        name: `AREA/PATH` at its server.
        path: Where it is here.
        size: Bytes.
        sha256: Of it, as hexadecimal text.
        is_growing: The file had more when the fetch ended than when its size was taken: this is what
            it was at one moment. False does not say that nobody will write to it.
        resumed_at: So many bytes were there before, from a fetch that was interrupted.
    """

    name: str
    path: Path
    size: int
    sha256: str
    is_growing: bool
    resumed_at: int

    def describe(self) -> JsonObject:
        """Return it as JSON has it."""
        return asdict(self) | {"path": str(self.path)}


async def fetch(
    hub: Hub,
    url: str,
    name: str,
    to: Path,
    *,
    part: tuple[int, int | None] | None = None,
    rate: float | None = None,
    timeout: float,
    progress: Callable[[FetchProgress], object] | None = None,
) -> Fetched:
    """Fetch a file.

    Bytes go to `NAME.part` beside the target, which outlives an interrupted fetch: the next one goes
    on there, if the file is still the same. A server that is away is asked again.

    Args:
        hub: To ask with.
        url: The server.
        name: `AREA/PATH`, or a bare name, which is looked for in all areas in their order.
        to: A folder, or the name of a file in one that exists; that is replaced in the end.
        part: First and last byte that are wanted, None for the last one: to the end. None: all.
        rate: Bytes/s at most, on average; None: as fast as it goes.
        timeout: Of one request; so long nothing may come at all, s.
        progress: Called with each piece.

    Raises:
        FileChangedError: The file was replaced, or rewritten, meanwhile.
        ChecksumError: What came is not what the server has.
        FetchError: It cannot be written here; or nothing came for too long.
        RefusedError: The server has no such file, or does not give it.
        ProxyError: As a call.
        ValueError: `rate` or `timeout` is none.
    """
    if not timeout > 0:
        raise ValueError(f"a time-out is more than 0 s, not {timeout!r}")
    pacer = Pacer(_rate(rate))
    asked = _read_name(name)
    if why := refusal(f"fetch {asked}, which nobody has written"):
        raise FetchError(name, why)
    asking = FileRequests(hub, url, timeout)
    found = await asking.ask("look_up", name)
    try:
        file = FileIdentity.read(found["file"])
        whole = str(read_name(found["name"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ProtocolError(f"{url}: what a name stands for is not {found!r:.200}") from error
    try:
        stretch = stretch_of(part, file.size)
    except ValueError as error:
        raise FetchError(whole, str(error)) from error
    to_end = part is None or part[1] is None
    wanted = PartNote(name=whole, file=file, first=stretch.first, size=stretch.size, to_end=to_end)
    with PartFile(_target(to, asked, part)) as kept:
        work = _Fetch(hub, asking, kept, wanted, pacer, progress or _ignore)
        try:
            return await work.run()
        except (FileChangedError, ChecksumError):
            kept.discard()
            raise
        except PASSING as error:
            text = f"{error}; {kept.length} bytes are kept in {kept.path}, and the next fetch goes on there"
            raise FetchError(whole, text) from error


class _Fetch:
    """One fetch, when it is known of which file.

    Args:
        hub: To ask with.
        asking: Its server.
        kept: Where bytes go.
        wanted: What they are.
        pacer: How fast they come.
        progress: Is told.
    """

    def __init__(
        self,
        hub: Hub,
        asking: FileRequests,
        kept: PartFile,
        wanted: PartNote,
        pacer: Pacer,
        progress: Callable[[FetchProgress], object],
    ) -> None:
        self._hub, self._asking, self._kept, self._wanted = hub, asking, kept, wanted
        self._pacer, self._progress = pacer, progress
        self._latest = wanted.file  # as it was heard of last; that of `wanted` stays
        self._head_end = wanted.first + min(HEAD_BYTES, wanted.size)  # of what there was
        self._sum = hashlib.sha256()  # of what is in the part file

    async def run(self) -> Fetched:
        """Fetch it; what `fetch` returns and raises."""
        kept, wanted = self._kept, self._wanted
        length = resumed_at(kept.note, kept.length, wanted)
        if length and kept.note is not None:
            wanted = self._wanted = kept.note
        await self._hub.beside(partial(kept.begin, wanted, length))
        if length:
            self._tell("reading what is there")
            await self._hub.beside(partial(kept.feed, self._sum.update, ByteRange(0, length)))
        await self._pieces(length)
        theirs, now = await self._checksum(self._wanted.stretch)
        if theirs["sha256"] != self._sum.hexdigest():
            now = await self._mend(now)
        is_growing = self._wanted.to_end and now.size > self._wanted.stretch.end
        await self._hub.beside(kept.finish)
        return Fetched(
            name=self._wanted.name,
            path=kept.target,
            size=kept.length,
            sha256=self._sum.hexdigest(),
            is_growing=is_growing,
            resumed_at=length,
        )

    async def _pieces(self, length: int) -> None:
        """Fetch what follows the first bytes, in pieces."""
        transfer = Transfer(self._wanted.stretch, self._wanted.first + length)

        def take(wanted: ByteRange, value: RemoteValue) -> None:
            data, now = self._read(wanted, value)
            if transfer.taken < self._head_end:
                self._take_size(now)
                transfer.stretch = self._wanted.stretch
            self._latest = now
            self._kept.write(wanted.first - self._wanted.first, data)
            self._sum.update(data)
            transfer.take(wanted)

        await self._transfer(transfer, self._request, take)

    async def _transfer(
        self,
        transfer: Transfer,
        request: Callable[[ByteRange], Sequence[RemoteValue]],
        take: Callable[[ByteRange, RemoteValue], object],
    ) -> None:
        self._tell()
        try:
            await self._asking.transfer(transfer, self._pacer, request, take, self._tell)
        except RefusedError as error:
            raise await self._refused(error) from error

    def _request(self, wanted: ByteRange, with_digests: bool = False) -> Sequence[RemoteValue]:
        return self._wanted.name, list(self._latest), [list(wanted)], with_digests

    def _read(self, wanted: ByteRange, value: RemoteValue) -> tuple[bytes, FileIdentity]:
        """Return the bytes of a range, and what their file is now, if the answer is that."""
        try:
            (data,), ranges = value["data"], value["ranges"]
            now = FileIdentity.read(value["file"])
            digests = value["digests"]
        except (ValueError, TypeError, KeyError) as error:
            raise ProtocolError(f"{self._wanted.name}: no bytes came: {value!r:.200}") from error
        if ranges != [list(wanted)] or not isinstance(data, bytes) or len(data) != wanted.size:
            raise ProtocolError(
                f"{self._wanted.name}: {[list(wanted)]} was asked for, and {ranges!r:.80} came"
            )
        if changed(self._latest, now) is Change.OTHER:
            raise self._changed("was replaced by another file while it was fetched")
        if digests and digests != [hashlib.sha256(data).digest()]:
            raise ChecksumError(self._wanted.name, f"bytes from {wanted.first} came changed")
        return data, now

    def _take_size(self, now: FileIdentity) -> None:
        """Take the size that the file had when its head was read, and has at least from then on.

        A header that counts what is behind it is written after that: with the size of before, it
        could count more than there is.
        """
        size = now.size - self._wanted.first
        if self._wanted.to_end and size > self._wanted.size:
            self._wanted = replace(self._wanted, size=size)
            self._kept.begin(self._wanted, self._kept.length)

    async def _checksum(
        self, stretch: ByteRange, block: int = 0
    ) -> tuple[dict[str, RemoteValue], FileIdentity]:
        """Return the server's checksums of a stretch, and what the file is now."""
        name, file = self._wanted.name, list(self._latest)

        def tell(fraction: float) -> None:
            self._tell(f"checksum {fraction:.0%}")

        self._tell("checksum")
        try:
            theirs = await self._asking.operate(
                "checksum", name, file, *stretch, block, progress=tell
            )
            now = FileIdentity.read(theirs["file"])
            if not isinstance(theirs["sha256"], str) or not isinstance(theirs["blocks"], bytes):
                raise ValueError("not what checksums are")
        except RefusedError as error:
            raise await self._refused(error) from error
        except (ValueError, TypeError, KeyError) as error:
            raise ProtocolError(f"{name}: no checksum came: {error}") from error
        if changed(self._latest, now) is Change.OTHER:
            raise self._changed("was replaced by another file while it was fetched")
        self._latest = now
        return theirs, now

    async def _mend(self, now: FileIdentity) -> FileIdentity:
        """Fetch again what was rewritten in a file that is written to, and then what was appended; what
        it is after that.

        Raises:
            ChecksumError: It was not written to.
            FileChangedError: It differs in too many places, or in others after that.
        """
        wanted, kept = self._wanted, self._kept
        if now == wanted.file:
            raise ChecksumError(
                wanted.name, "what came differs from the file; it is removed: fetch it anew"
            )
        size = block_bytes(wanted.size)
        rewritten, _ = await self._differing(size)
        if len(rewritten) > MAX_REWRITTEN:
            raise self._changed(f"was rewritten in {len(rewritten)} places while it was fetched")
        for block in rewritten:
            await self._read_again(block)
        if wanted.to_end:
            self._wanted = replace(wanted, size=self._latest.size - wanted.first)
        await self._hub.beside(partial(kept.begin, self._wanted, wanted.size))
        await self._pieces(wanted.size)
        # What was rewritten may be so again, as may what fills up the last block. All else is what
        # it was before, so in between it was the same file.
        again, now = await self._differing(size)
        allowed = {block.first for block in rewritten}
        if any(
            block.first not in allowed and block.end != self._wanted.stretch.end for block in again
        ):
            raise self._changed("was rewritten again and again while it was fetched")
        self._sum = hashlib.sha256()
        await self._hub.beside(partial(kept.feed, self._sum.update, ByteRange(0, kept.length)))
        return now

    async def _differing(self, size: int) -> tuple[list[ByteRange], FileIdentity]:
        """Return the blocks of so many bytes in which the file is another than what is here, and what
        it is now."""
        stretch = self._wanted.stretch
        theirs, now = await self._checksum(stretch, size)
        ours = await self._hub.beside(partial(self._kept.digests, size))
        try:
            return differing(ours, theirs["blocks"], blocks(stretch, size)), now
        except ValueError as error:
            raise ProtocolError(f"{self._wanted.name}: {error}") from error

    async def _read_again(self, block: ByteRange) -> None:
        """Fetch a block once more, with checksums of its pieces."""

        def take(piece: ByteRange, value: RemoteValue) -> None:
            data, self._latest = self._read(piece, value)
            self._kept.write(piece.first - self._wanted.first, data)
            transfer.take(piece)

        transfer = Transfer(block, block.first)
        await self._transfer(transfer, partial(self._request, with_digests=True), take)

    async def _refused(self, error: RefusedError) -> ProxyError:
        """Return what a refusal in the middle means: another file, or what was said."""
        try:
            found = await self._asking.ask("look_up", self._wanted.name)
            now = FileIdentity.read(found["file"])
        except (ProxyError, ValueError, TypeError, KeyError):
            return error
        if changed(self._latest, now) is Change.OTHER:
            return self._changed("was replaced by another file while it was fetched")
        return error

    def _changed(self, text: str) -> FileChangedError:
        return FileChangedError(
            self._wanted.name, f"{text}; what came is removed: fetch it anew when it is complete"
        )

    def _tell(self, text: str = "") -> None:
        wanted = self._wanted
        done = self._kept.length
        self._progress(FetchProgress(name=wanted.name, done=done, size=wanted.size, text=text))


def _ignore(_progress: FetchProgress) -> None:
    """Nobody wants to know."""


def _read_name(name: str) -> FileName:
    try:
        return read_name(name)
    except ValueError as error:
        raise FetchError(str(name)[:80], str(error)) from error


def _rate(rate: float | None) -> float:
    if rate is None:
        return math.inf
    if not rate >= 1:
        raise ValueError(f"a rate is 1 byte/s or more, not {rate!r}")
    return float(rate)


def _target(to: Path, name: FileName, part: tuple[int, int | None] | None) -> Path:
    """Return where a file goes: of a part of it, its range is in the name."""
    if not to.is_dir():
        return to
    first, last = part or (0, None)
    suffix = "" if part is None else f".{first}-{'' if last is None else last}"
    return to / f"{name.parts[-1]}{suffix}"
