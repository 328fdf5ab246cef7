"""DifxMachinesDefinition."""

from __future__ import annotations

from gateways.difx.assigning import Assignment, AssignmentRefusedError
from gateways.difx.errors import FileFaultError
from gateways.difx.links import TaskLink
from gateways.difx.protocol.commands import MachinesDefinition
from gateways.difx.protocol.items import sub_packet
from gateways.difx.protocol.jobs import Refusal
from gateways.difx.protocol.taskids import MachinesPacket
from gateways.difx.protocol.tasksequences import (
    MachinesRefusal,
    machines_accepted,
    machines_failed,
    machines_files,
    machines_refused,
    machines_tested,
    machines_testing,
    machines_written,
)
from gateways.difx.tasks.context import LinkedTask, TaskClient, send_row
from gateways.difx.tasks.feed import Feed

__all__ = ["MACHINES"]

_NAME = "DifxMachinesDefinition"
_REFUSALS = {
    Refusal.NO_MANAGER: MachinesRefusal.NO_HEADNODE,
    Refusal.NO_SOURCES: MachinesRefusal.NO_DATASOURCES,
    Refusal.NO_PROCESSORS: MachinesRefusal.NO_PROCESSORS,
}


async def _run(client: TaskClient, wanted: MachinesDefinition, link: TaskLink) -> None:
    await send_row(link, machines_accepted())
    try:
        assignment = _plan(client, wanted)
        await _name_and_test(wanted, assignment, link)
        if not assignment.nodes.processors:
            text = f"machines of {wanted.input:.300}: no processor has passed its test"
            raise AssignmentRefusedError(text, Refusal.NO_PROCESSORS)
    except AssignmentRefusedError as error:
        client.refuse(f"{_NAME}: {error}")
        refusal = _REFUSALS.get(error.refusal, MachinesRefusal.NO_FILES)
        await send_row(link, machines_refused(refusal))
        return
    are_written = False
    try:
        await client.share.call(assignment.write_machines)
        are_written = True
        await client.share.call(assignment.write_threads)
    except FileFaultError as error:
        client.refuse(f"{_NAME}: {error}")
        await send_row(link, machines_failed(str(error), machines_are_written=are_written))
        return
    client.inform(f"{_NAME}: {assignment.machines} and {assignment.threads} written")
    await send_row(link, machines_written())


def _plan(client: TaskClient, wanted: MachinesDefinition) -> Assignment:
    return Assignment.plan(
        client.service.files,
        client.service.players,
        wanted.input,
        wanted.nodes,
        wanted.machines_file,
        wanted.threads_file,
    )


async def _name_and_test(
    wanted: MachinesDefinition, assignment: Assignment, link: TaskLink
) -> None:
    await send_row(
        link,
        machines_files(
            assignment.machines,
            assignment.threads,
            machines_guessed=assignment.machines_guessed,
            threads_guessed=assignment.threads_guessed,
        ),
    )
    if not wanted.test_processors:
        return
    await send_row(link, machines_testing())
    feed: Feed[tuple[str, bool]] = Feed()
    feed.start(lambda: feed.put_all(assignment.test()), "test of processors")
    async for node, passed in feed:
        await send_row(link, machines_tested(node, passed=passed))


MACHINES = LinkedTask(name=_NAME, run=_run, farewell=sub_packet(MachinesPacket.TASK_TERMINATED))
