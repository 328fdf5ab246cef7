"""`ls` of DifxFileOperation."""

from __future__ import annotations

from gateways.difx.files import DifxFiles
from gateways.difx.links import TaskLink
from gateways.difx.protocol.commands import FileOperation
from gateways.difx.protocol.listing import (
    ListOptions,
    bare_end,
    bare_line,
    listing_lines,
    read_list_options,
)
from gateways.difx.tasks.context import LinkedTask, TaskClient

__all__ = ["LISTING"]

LINES_AT_ONCE = 200


async def _run(client: TaskClient, wanted: FileOperation, link: TaskLink) -> None:
    options = read_list_options(wanted.argument)
    lines = await client.share.call(_lines, client.service.files, wanted.path, options)
    for first in range(0, len(lines), LINES_AT_ONCE):
        some = lines[first : first + LINES_AT_ONCE]
        await link.send(*(item for line in some for item in bare_line(line)))
    await link.send(bare_end())


def _lines(files: DifxFiles, pattern: str, options: ListOptions) -> list[str]:
    found = files.find(pattern)
    if options.lists_contents(pattern, found):
        return listing_lines(files.contents(found[0].path), options, contents=True)
    return listing_lines(found, options)


LISTING = LinkedTask(name="ls", run=_run, changes=False, farewell=(bare_end(),))
