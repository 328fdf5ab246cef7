"""DifxFileTransfer: files to and from clients, as bare integers and bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from gateways.difx.errors import ControlError, FileFault, FileFaultError, RoleError
from gateways.difx.files import DifxFiles, ReadFile, Upload
from gateways.difx.links import TaskLink
from gateways.difx.protocol.commands import FileTransfer
from gateways.difx.protocol.items import INTEGER_BYTES, integer, read_integer
from gateways.difx.protocol.transfercodes import (
    LARGEST_FILE,
    TransferFault,
    download_code,
    upload_code,
)
from gateways.difx.tasks.context import LinkedTask, TaskClient

__all__ = ["DOWNLOAD", "UPLOAD"]

_NAME = "DifxFileTransfer"


async def _download(client: TaskClient, wanted: FileTransfer, link: TaskLink) -> None:
    path = wanted.origin
    with ExitStack() as stack:
        try:
            file = await client.share.call(_open, stack, client.service.files, path)
            _check_size(client, path, file.size)
        except FileFaultError as error:
            client.refuse(f"{_NAME}: {error}")
            await link.send(integer(download_code(error.fault)))
            return
        await link.send(integer(file.size))
        await link.send_file(file.descriptor, file.size)


def _open(stack: ExitStack, files: DifxFiles, path: str) -> ReadFile:
    return stack.enter_context(files.open(path))


def _check_size(client: TaskClient, path: str, size: int) -> None:
    most = min(client.config.max_file, LARGEST_FILE)
    if not 0 <= size <= most:
        text = f"{path:.300}: {size} bytes are not within 0..{most} (max_file)"
        raise FileFaultError(text, FileFault.TOO_LARGE)


async def _upload(client: TaskClient, wanted: FileTransfer, link: TaskLink) -> None:
    path = wanted.destination
    size = read_integer(await link.read(INTEGER_BYTES, within=client.config.takes_nothing))
    with ExitStack() as stack:
        try:
            _begin_change(stack, client, wanted)
            _check_size(client, path, size)
            upload = await client.share.call(_begin, stack, client.service.files, path)
        except FileFaultError as error:
            await link.receive(None, max(size, 0))
            await _refuse(client, link, error)
            return
        sink = _Sink(upload)
        await link.receive(sink.take, size)
        if sink.fault is None:
            await client.share.call(sink.commit)
        if sink.fault is not None:
            await _refuse(client, link, sink.fault)
            return
        client.inform(f"{_NAME}: {path}: {size} bytes stored")
        await link.send(integer(size))
        await link.close()
        await client.share.call(upload.log_sum)


def _begin_change(stack: ExitStack, client: TaskClient, wanted: FileTransfer) -> None:
    try:
        stack.enter_context(client.change(_NAME, wanted))
    except (ControlError, RoleError) as error:
        text = f"{wanted.destination:.300}: {error}"
        raise FileFaultError(text, FileFault.NO_PERMISSION) from error


def _begin(stack: ExitStack, files: DifxFiles, path: str) -> Upload:
    return stack.enter_context(files.begin_upload(path))


async def _refuse(client: TaskClient, link: TaskLink, error: FileFaultError) -> None:
    client.refuse(f"{_NAME}: {error}")
    await link.send(integer(upload_code(error.fault)))


class _Sink:
    """Takes what a client sends, also what is dropped because of a fault: it sends all of it
    before it reads the answer.

    Attributes:
        fault: The first; None: there is none.
    """

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.fault: FileFaultError | None = None

    def take(self, data: memoryview) -> None:
        """Take the next bytes."""
        if self.fault is None:
            self._attempt(lambda: self._upload.write(data))

    def commit(self) -> None:
        """Give the file its name."""
        self._attempt(self._upload.commit)

    def _attempt(self, step: Callable[[], object]) -> None:
        try:
            step()
        except FileFaultError as error:
            self.fault = error
            self._upload.close()


DOWNLOAD = LinkedTask(name=_NAME, run=_download, changes=False)
UPLOAD = LinkedTask(
    name=_NAME, run=_upload, changes=False, farewell=(integer(TransferFault.NO_PERMISSION),)
)
