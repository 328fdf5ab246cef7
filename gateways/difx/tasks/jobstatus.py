"""GET_JOB_STATUS."""

from __future__ import annotations

from datetime import datetime

from gateways.difx.links import TaskLink
from gateways.difx.protocol.difxlog import ctime_text
from gateways.difx.protocol.items import sub_packet
from gateways.difx.protocol.packets import JobStatusRequest
from gateways.difx.protocol.taskids import StatusPacket
from gateways.difx.protocol.tasksequences import status_ended, status_of_file, status_started
from gateways.difx.status import recorded_statuses
from gateways.difx.tasks.context import LinkedTask, TaskClient, send_row

__all__ = ["JOB_STATUS"]


async def _run(client: TaskClient, wanted: JobStatusRequest, link: TaskLink) -> None:
    await send_row(link, status_started(ctime_text(datetime.now())))
    service = client.service
    found = await client.share.call(
        recorded_statuses, service.files, service.jobs, wanted.pattern, is_short=wanted.short
    )
    for status in found:
        await send_row(link, status_of_file(status.path, status.records, has_log=status.has_log))
    await send_row(link, status_ended())


JOB_STATUS = LinkedTask(
    name="GET_JOB_STATUS",
    run=_run,
    changes=False,
    farewell=sub_packet(StatusPacket.TASK_TERMINATED),
)
