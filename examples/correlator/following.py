"""Visibilities of a running job as a stream of products: what is in its file, then what comes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import BinaryIO

from correlator.errors import VisibilityFileError
from correlator.visibilities import VisibilityFile
from gateways.difx.protocol.products import write_header

__all__ = ["follow"]

LOOK_EVERY_S = 0.05


def follow(path: Path, output: BinaryIO, *, patience_s: float) -> int:
    """Write the stream of a file from its first integration to the last one; it ends with the job.

    Args:
        path: Of the visibilities; of a job that begins it need not be there yet.
        output: Blocks when it is not read.
        patience_s: How long to wait for a file with a header.

    Returns:
        Integrations that were written.

    Raises:
        VisibilityFileError: It cannot be read, or does not come.
    """
    file = _waited_for(path, time.monotonic() + patience_s)
    count = 0
    with file:
        assert file.header is not None
        output.write(write_header(file.header))
        output.flush()
        is_last = False
        while True:
            record = file.next()
            if record is not None:
                output.write(record.data)
                output.flush()
                count += 1
            elif is_last:
                return count
            elif file.is_written():
                time.sleep(LOOK_EVERY_S)
            else:
                is_last = True  # what was written before it ended is there now


def _waited_for(path: Path, end: float) -> VisibilityFile:
    while True:
        is_over = time.monotonic() >= end
        try:
            file = VisibilityFile(path)
        except VisibilityFileError:
            if is_over:
                raise
        else:
            if file.header is not None:
                return file
            file.close()
            if is_over:
                raise VisibilityFileError(path, "no visibilities: there is no header")
        time.sleep(LOOK_EVERY_S)
