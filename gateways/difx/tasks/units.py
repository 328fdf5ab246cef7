"""DifxMk5Control: a command of the configuration, given to Players."""

from __future__ import annotations

from gateways.difx.errors import DifxError
from gateways.difx.links import TaskLink
from gateways.difx.protocol.commands import UnitCommand
from gateways.difx.protocol.tasksequences import unit_answer, unit_ended, unit_fault, unit_started
from gateways.difx.tasks.commanding import command_answers
from gateways.difx.tasks.context import LinkedTask, TaskClient, send_row

__all__ = ["UNIT_COMMAND"]

_NAME = "DifxMk5Control"


async def _run(client: TaskClient, wanted: UnitCommand, link: TaskLink) -> None:
    await send_row(link, unit_started())
    try:
        answers = await command_answers(client, wanted.command, wanted.target)
    except DifxError as error:
        client.refuse(f"{_NAME}: {error}")
        await send_row(link, unit_fault(str(error)))
    else:
        for bank, text, is_fault in answers:
            if is_fault:
                client.refuse(f"{_NAME}: {wanted.command:.200}: {bank}: {text}")
            row = unit_fault(f"{bank}: {text}") if is_fault else unit_answer(f"{bank}: {text}")
            await send_row(link, row)
    await send_row(link, unit_ended())


_NOT_DONE = tuple(
    item for row in (unit_fault("refused"), unit_ended()) for each in row for item in each
)

UNIT_COMMAND = LinkedTask(name=_NAME, run=_run, farewell=_NOT_DONE)
