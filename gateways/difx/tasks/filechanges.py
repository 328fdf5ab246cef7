"""Operations of DifxFileOperation that change something: mkdir, rmdir, touch, rm, mv, cp."""

from __future__ import annotations

from gateways.difx.files import DifxFiles
from gateways.difx.protocol.commands import FileAction, FileOperation
from gateways.difx.tasks.context import Action, TaskClient

__all__ = ["FILE_CHANGE"]


async def _run(client: TaskClient, wanted: FileOperation) -> None:
    client.inform(await client.share.call(_change, client.service.files, wanted))


def _change(files: DifxFiles, wanted: FileOperation) -> str:
    """Carry it out; what is told of it."""
    path, argument = wanted.path, wanted.argument
    match wanted.operation:
        case FileAction.MKDIR:
            files.mkdir(path)
        case FileAction.RMDIR:
            files.rmdir(path)
        case FileAction.TOUCH:
            files.touch(path)
        case FileAction.RM:
            return f"rm {path}: {files.rm(path, argument)} removed"
        case FileAction.MV:
            files.mv(path, argument)
            return f"mv {path} {argument}: done"
        case _:
            files.cp(path, argument)
            return f"cp {path} {argument}: done"
    return f"{wanted.operation} {path}: done"


FILE_CHANGE = Action(name="DifxFileOperation", run=_run)
