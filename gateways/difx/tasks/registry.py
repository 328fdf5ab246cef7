"""Requests of clients and the tasks that carry them out."""

from __future__ import annotations

from typing import Any

from gateways.difx.protocol.commands import (
    Direction,
    FileAction,
    FileOperation,
    FileTransfer,
)
from gateways.difx.protocol.session import CommandRequest
from gateways.difx.tasks.context import Action, LinkedTask
from gateways.difx.tasks.filechanges import FILE_CHANGE
from gateways.difx.tasks.listing import LISTING
from gateways.difx.tasks.transfers import DOWNLOAD, UPLOAD

__all__ = ["Task", "task_of"]

Task = LinkedTask | Action


def task_of(request: Any) -> tuple[Task, Any]:
    """Return the task of a request of `protocol.session`, and what it is given."""
    wanted = request.command if isinstance(request, CommandRequest) else request
    if isinstance(wanted, FileOperation):
        return (LISTING if wanted.operation is FileAction.LS else FILE_CHANGE), wanted
    if isinstance(wanted, FileTransfer):
        return (DOWNLOAD if wanted.direction is Direction.DOWNLOAD else UPLOAD), wanted
    return _TASKS[type(wanted)], wanted


_TASKS: dict[type, Task] = {}
