"""Commands of the configuration, given to Players for a client."""

from __future__ import annotations

from typing import NamedTuple

from gateways.difx.tasks.context import TaskClient
from gateways.difx.units import answer_text

__all__ = ["BankAnswer", "command_answers"]


class BankAnswer(NamedTuple):
    """Answer of a Bank."""

    bank: str
    text: str
    is_fault: bool


async def command_answers(client: TaskClient, name: str, target: str) -> list[BankAnswer]:
    """Give a command, and return what each Bank answers.

    Args:
        client: On whose behalf.
        name: Of the command.
        target: Name or pattern of Banks; empty: all that the command is for.

    Raises:
        UnitError: The command is not allowed, or there is no such Player.
    """
    told = await client.share.call(client.service.units.command, name, target, client.name)
    return [
        BankAnswer(bank, answer_text(got.get("value", got.get("error"))), "error" in got)
        for bank, got in told.items()
    ]
