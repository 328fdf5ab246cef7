"""DifxVex2DifxRun: the preparation of jobs by the program of a profile."""

from __future__ import annotations

from gateways.difx.links import TaskLink
from gateways.difx.preparing import MODEL_SUFFIX
from gateways.difx.protocol.commands import Vex2DifxRun
from gateways.difx.protocol.jobs import INPUT_SUFFIX, Severity
from gateways.difx.protocol.listing import bare_end, bare_line
from gateways.difx.tasks.context import LinkedTask, TaskClient
from gateways.difx.tasks.feed import Feed

__all__ = ["PREPARATION"]

_NAME = "DifxVex2DifxRun"


async def _run(client: TaskClient, wanted: Vex2DifxRun, link: TaskLink) -> None:
    feed: Feed[str | tuple[Severity, str]] = Feed()
    preparation = await client.share.call(
        client.service.preparation,
        client.profile,
        wanted.folder,
        wanted.file,
        model_only=wanted.model_only,
        on_file=feed.put,
        on_line=lambda severity, line: feed.put((severity, line), may_be_omitted=True),
    )
    client.inform(f"{_NAME}: {wanted.folder}: jobs of {wanted.file} are prepared")
    feed.start(preparation.run, f"preparation {preparation.id}")
    suffixes = (MODEL_SUFFIX,) if wanted.model_only else (INPUT_SUFFIX, MODEL_SUFFIX)
    try:
        async for told in feed:
            if isinstance(told, tuple):
                client.say(*told)
                await client.drain()
            elif told.endswith(suffixes):
                await link.send(*bare_line(told))
    except BaseException:
        preparation.stop()
        raise
    if feed.omitted:
        client.warn(f"{_NAME}: {feed.omitted} lines left out: they came too fast")
    client.inform(f"{_NAME}: {wanted.folder}: done")
    await link.send(bare_end())


PREPARATION = LinkedTask(name=_NAME, run=_run, farewell=(bare_end(),))
