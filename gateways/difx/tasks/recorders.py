"""DifxGetDirectory and DifxMark5Copy: recordings of a recorder, listed and copied."""

from __future__ import annotations

import threading

from gateways.difx.errors import DifxError, NoMediumError, NoRecordingsError, UnitError
from gateways.difx.links import TaskLink
from gateways.difx.protocol.commands import GetDirectory, Mark5Copy
from gateways.difx.protocol.taskids import CopyPacket
from gateways.difx.protocol.tasksequences import (
    copy_ended,
    copy_file,
    copy_info,
    copy_started,
    directory_failed,
    directory_generated,
    directory_generating,
    directory_info,
    directory_named,
    directory_not_found,
    directory_read,
    directory_started,
    directory_unknown_folder,
)
from gateways.difx.recorder import directory_path
from gateways.difx.tasks.context import LinkedTask, TaskClient, gui_has_left, send_row
from gateways.difx.tasks.feed import Feed

__all__ = ["RECORDER_COPY", "RECORDER_DIRECTORY"]

_DIRECTORY, _COPY = "DifxGetDirectory", "DifxMark5Copy"
_STEP = 0.01
"""Progress of a copy is told in such steps."""


async def _directory(client: TaskClient, wanted: GetDirectory, link: TaskLink) -> None:
    await send_row(link, directory_started())
    try:
        found = await client.share.call(
            client.service.recorder.directory, wanted.unit, wanted.medium
        )
    except DifxError as error:
        client.refuse(f"{_DIRECTORY}: {error}")
        await send_row(link, _no_directory(wanted, error))
        return
    row = directory_named(found.path)
    if wanted.generate:
        row += directory_generating()
        row += directory_info(f"Number of scans = {len(found.recordings)}")
        row += directory_generated(had_errors=False)
    await send_row(link, row + directory_read(found.date, found.lines))


def _no_directory(wanted: GetDirectory, error: DifxError) -> list[tuple[bytes, ...]]:
    """Return what a client is told instead of a directory."""
    if isinstance(error, NoRecordingsError):
        return directory_unknown_folder()
    row = directory_named(directory_path(wanted.unit, wanted.medium))
    if wanted.generate:
        row += directory_generating() + directory_generated(had_errors=True)
    is_missing = isinstance(error, NoMediumError)
    return row + (directory_not_found() if is_missing else directory_failed(str(error)))


class _Copy:
    """A copy in a thread of its own, which ends soon after its task.

    Args:
        client: That asked for it.
        wanted: What is copied.
    """

    def __init__(self, client: TaskClient, wanted: Mark5Copy) -> None:
        self._client, self._wanted = client, wanted
        self._ended = threading.Event()
        self._told = 0.0
        self.feed: Feed[list[tuple[bytes, ...]]] = Feed()

    def run(self) -> None:
        """Copy; in the thread."""
        wanted = self._wanted
        self._client.service.recorder.export(
            wanted.unit,
            wanted.medium,
            wanted.scans,
            wanted.destination,
            on_file=lambda path: self.feed.put(copy_file(path)),
            on_progress=self._tell,
            check=self._check,
        )

    def _tell(self, fraction: float, text: str) -> None:
        if fraction >= min(self._told + _STEP, 1.0):
            self._told = fraction
            self.feed.put(copy_info(f"{fraction:.0%} {text}"), may_be_omitted=True)

    def _check(self) -> None:
        if self._ended.is_set():
            raise UnitError("the connection of its client has ended")

    def end(self) -> None:
        """Have it end at the next piece; without effect if it has ended."""
        self._ended.set()


async def _copy(client: TaskClient, wanted: Mark5Copy, link: TaskLink) -> None:
    await send_row(link, copy_started())
    copy = _Copy(client, wanted)
    copy.feed.start(copy.run, f"copy of {wanted.medium:.40}")
    fault = ""
    try:
        async for row in copy.feed:
            await send_row(link, row)
    except DifxError as error:
        fault = str(error)
        client.refuse(f"{_COPY}: {fault}")
    finally:
        copy.end()
    if not fault:
        client.inform(f"{_COPY}: {wanted.destination}: done")
    for items in copy_ended(fault):
        await link.send(*items)
        if gui_has_left(link, wanted.sender, items, CopyPacket.ERRORS):
            break


_NOT_READ = tuple(item for items in directory_failed("refused") for item in items)
_NOT_COPIED = tuple(item for items in copy_ended("refused") for item in items)

RECORDER_DIRECTORY = LinkedTask(name=_DIRECTORY, run=_directory, farewell=_NOT_READ)
RECORDER_COPY = LinkedTask(name=_COPY, run=_copy, farewell=_NOT_COPIED)
