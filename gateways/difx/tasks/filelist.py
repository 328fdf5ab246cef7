"""GENERATE_FILELIST: recordings with their times, as a file."""

from __future__ import annotations

from gateways.difx.errors import DifxError, FileFaultError
from gateways.difx.filelist import FileList, ListedRecording, UnknownFormatError
from gateways.difx.links import TaskLink
from gateways.difx.protocol.items import INTEGER_BYTES, sub_packet
from gateways.difx.protocol.packets import FilelistRequest
from gateways.difx.protocol.taskids import FilelistPacket
from gateways.difx.protocol.tasksequences import (
    filelist_cancelled,
    filelist_ended,
    filelist_exists,
    filelist_refused,
    filelist_result,
    filelist_started,
    filelist_writing,
    read_overwrite,
)
from gateways.difx.tasks.context import LinkedTask, TaskClient, send_row
from gateways.difx.tasks.feed import Feed

__all__ = ["FILE_LIST"]

_NAME = "GENERATE_FILELIST"


async def _run(client: TaskClient, wanted: FilelistRequest, link: TaskLink) -> None:
    await send_row(link, filelist_started())
    try:
        planned = await client.share.call(
            FileList.plan,
            client.service.files,
            wanted.files,
            wanted.destination,
            wanted.format,
            wanted.reference_mjd,
        )
        exists = await client.share.call(lambda: planned.exists)
    except DifxError as error:
        client.refuse(f"{_NAME}: {error}")
        await send_row(link, _refusal(wanted, error))
        return
    if exists:
        await send_row(link, filelist_exists(wanted.destination))
        if not read_overwrite(await link.read(INTEGER_BYTES)):
            await send_row(link, filelist_cancelled())
            return
    await _make(client, wanted, planned, link)


def _refusal(wanted: FilelistRequest, error: DifxError) -> list[tuple[bytes, ...]]:
    if isinstance(error, UnknownFormatError):
        return filelist_refused(FilelistPacket.BAD_FORMAT, wanted.format)
    if isinstance(error, FileFaultError):
        return filelist_refused(FilelistPacket.PATH_ACCESS_FAILURE, wanted.destination)
    return filelist_refused(FilelistPacket.OPEN_ERROR, str(error))


async def _make(
    client: TaskClient, wanted: FilelistRequest, planned: FileList, link: TaskLink
) -> None:
    await send_row(link, filelist_writing(wanted.destination))
    feed: Feed[ListedRecording] = Feed()
    feed.start(lambda: feed.put_all(planned.read()), "times of recordings")
    async for each in feed:
        await send_row(link, filelist_result(each.line))
    try:
        await client.share.call(planned.write)
    except FileFaultError as error:
        client.refuse(f"{_NAME}: {error}")
        await send_row(link, filelist_refused(FilelistPacket.OPEN_ERROR, str(error)))
        return
    faults = sum(bool(each.fault) for each in planned.found)
    client.inform(f"{_NAME}: {wanted.destination}: written, {faults} recordings left out")
    count = len(planned.found) - faults
    await send_row(link, filelist_ended(count, had_errors=faults > 0))


FILE_LIST = LinkedTask(name=_NAME, run=_run, farewell=sub_packet(FilelistPacket.TASK_TERMINATED))
