"""Requests of clients and the tasks that carry them out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gateways.difx.protocol import commands
from gateways.difx.protocol.packets import FilelistRequest, JobStatusRequest, MulticastSettings
from gateways.difx.protocol.session import CommandRequest, MonitorRequest, RelayCommand
from gateways.difx.tasks.context import Action, LinkedTask
from gateways.difx.tasks.filechanges import FILE_CHANGE
from gateways.difx.tasks.filelist import FILE_LIST
from gateways.difx.tasks.jobs import JOB_START, JOB_STOP
from gateways.difx.tasks.jobstatus import JOB_STATUS
from gateways.difx.tasks.listing import LISTING
from gateways.difx.tasks.machines import MACHINES
from gateways.difx.tasks.monitor import MONITOR
from gateways.difx.tasks.multicast import MULTICAST_SETTINGS, RELAY_COMMAND
from gateways.difx.tasks.preparation import PREPARATION
from gateways.difx.tasks.recorders import RECORDER_COPY, RECORDER_DIRECTORY
from gateways.difx.tasks.transfers import DOWNLOAD, UPLOAD
from gateways.difx.tasks.units import UNIT_COMMAND

__all__ = ["Task", "arguments_of", "task_of"]

Task = LinkedTask | Action

_TASKS: dict[type, Task] = {
    commands.StartJob: JOB_START,
    commands.StopJob: JOB_STOP,
    commands.MachinesDefinition: MACHINES,
    commands.Vex2DifxRun: PREPARATION,
    commands.GetDirectory: RECORDER_DIRECTORY,
    commands.Mark5Copy: RECORDER_COPY,
    commands.UnitCommand: UNIT_COMMAND,
    RelayCommand: RELAY_COMMAND,
    MulticastSettings: MULTICAST_SETTINGS,
    JobStatusRequest: JOB_STATUS,
    FilelistRequest: FILE_LIST,
    MonitorRequest: MONITOR,
}


def task_of(request: Any) -> tuple[Task, Any]:
    """Return the task of a request of `protocol.session`, and what it is given."""
    wanted = request.command if isinstance(request, CommandRequest) else request
    match wanted:
        case commands.FileOperation():
            return (LISTING if wanted.operation is commands.FileAction.LS else FILE_CHANGE), wanted
        case commands.FileTransfer():
            return (
                DOWNLOAD if wanted.direction is commands.TransferDirection.DOWNLOAD else UPLOAD
            ), wanted
        case commands.MulticastCommand():
            return RELAY_COMMAND, RelayCommand(request.document)
        case _:
            return _TASKS[type(wanted)], wanted


def arguments_of(wanted: Any) -> dict[str, Any]:
    """Return what a task is given, as a journal shows it: without the client's environment, in which
    there may be secrets, and where the client listens."""
    told = asdict(wanted)
    for name in ("address", "port", "environment"):
        told.pop(name, None)
    if isinstance(wanted, RelayCommand):
        told["document"] = wanted.document.decode(errors="replace")
    return told
