"""DifxStart and DifxStop."""

from __future__ import annotations

from gateways.difx.errors import JobError, LinkError
from gateways.difx.jobs import Job
from gateways.difx.links import TaskLink
from gateways.difx.protocol.commands import StartJob, StopJob
from gateways.difx.protocol.items import sub_packet
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobRequest, Severity
from gateways.difx.protocol.jobsequence import JobSequence
from gateways.difx.protocol.taskids import JobPacket
from gateways.difx.tasks.context import Action, LinkedTask, TaskClient, gui_has_left
from groundwork.errors import text_of
from zmqjsonproxy import ProxyError

__all__ = ["JOB_START", "JOB_STOP"]


async def _start(client: TaskClient, wanted: StartJob, link: TaskLink) -> None:
    request = JobRequest(
        input=wanted.input,
        profile=_profile(client, wanted),
        mode=wanted.mode,
        nodes=wanted.nodes,
        force=wanted.force,
        restart_s=wanted.restart_seconds,
    )
    try:
        job = await client.share.call(client.service.start, request, client.name)
    except ProxyError as error:
        raise JobError(text_of(error)) from error
    try:
        await _follow(client, job, link, wanted.sender)
    finally:
        if not client.service.keeps_jobs:  # without effect on one that has ended
            job.stop("the connection of its client has ended")


def _profile(client: TaskClient, wanted: StartJob) -> str:
    """Return the profile that the client has chosen, else the version of the command, if it is
    one."""
    is_known = wanted.version in client.service.profiles
    return client.profile or (wanted.version if is_known else "")


async def _follow(client: TaskClient, job: Job, link: TaskLink, sender: str) -> None:
    """Tell the client what becomes of a job; over its own connection, too."""
    sequence, is_linked = JobSequence(), True
    with job.follow() as follower:
        async for event in follower:
            _say(client, job, event)
            for items in sequence.take(event):
                if not is_linked:
                    continue
                try:
                    await link.send(*items)
                except LinkError as error:
                    client.warn(f"job {job.name}: runs on without its task connection: {error}")
                    is_linked = False
                if gui_has_left(link, sender, items, JobPacket.FAILURE_INPUTFILE_BAD_CONFIG):
                    await link.close()
                    is_linked = False
            await client.drain()


def _say(client: TaskClient, job: Job, event: JobEvent) -> None:
    """Say what a job says as a line of diagnostics; a state that is only repeated is none."""
    text = event.text
    if event.kind in (JobEventKind.STARTING, JobEventKind.ENDED):
        text = f"{event.state.value}{': ' * bool(text)}{text}"
    if text and event.kind is not JobEventKind.STATE:
        severity = event.severity
        if event.kind is JobEventKind.REFUSED:
            severity = Severity.ERROR
        client.say(severity, f"job {job.name}: {text}")


async def _stop(client: TaskClient, wanted: StopJob) -> None:
    if not await client.share.call(client.service.stop, wanted.input, f"asked by {client.name}"):
        client.warn(f"DifxStop: {wanted.input:.300}: no such job runs here")


JOB_START = LinkedTask(name="DifxStart", run=_start, farewell=sub_packet(JobPacket.JOB_TERMINATED))
JOB_STOP = Action(name="DifxStop", run=_stop)
