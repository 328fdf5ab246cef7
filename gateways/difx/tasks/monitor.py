"""START_DIFX_MONITOR."""

from __future__ import annotations

import contextlib

from gateways.difx.errors import LinkError
from gateways.difx.links import TaskLink
from gateways.difx.protocol.session import MonitorRequest
from gateways.difx.tasks.context import LinkedTask, TaskClient

__all__ = ["MONITOR"]


async def _run(client: TaskClient, _wanted: MonitorRequest, link: TaskLink) -> None:
    with contextlib.suppress(LinkError):  # clients end it in this way, too
        await client.monitor.serve(link, client.profile)


MONITOR = LinkedTask(name="START_DIFX_MONITOR", run=_run, changes=False)
