"""Numbers that answer a transfer of a file: its size, or a fault.

The script client takes only -1 to -4 as faults of a download; anything below looks like a size.
"""

from __future__ import annotations

from enum import IntEnum

from gateways.difx.errors import FileFault
from gateways.difx.protocol.items import MAX_INTEGER

__all__ = ["LARGEST_FILE", "TransferFault", "download_code", "upload_code"]

LARGEST_FILE = MAX_INTEGER
"""Bytes of a file whose size can be told."""


class TransferFault(IntEnum):
    """Faults, in the place of a size."""

    NOT_ABSOLUTE = -1
    NOT_FOUND = -2
    NO_PERMISSION = -3
    USER_UNKNOWN = -4
    PARENT_IS_NO_FOLDER = -5


_FAULTS = {
    FileFault.NOT_ABSOLUTE: TransferFault.NOT_ABSOLUTE,
    FileFault.NOT_FOUND: TransferFault.NOT_FOUND,
    FileFault.NO_FOLDER: TransferFault.NOT_FOUND,
    FileFault.OUTSIDE: TransferFault.NOT_FOUND,
}


def download_code(fault: FileFault) -> TransferFault:
    """Return the number of the fault of a download: -1 to -3."""
    if fault in (FileFault.IS_A_FOLDER, FileFault.NOT_A_FOLDER):
        return TransferFault.NOT_FOUND
    return _FAULTS.get(fault, TransferFault.NO_PERMISSION)


def upload_code(fault: FileFault) -> TransferFault:
    """Return the number of the fault of an upload: -1 to -3, or -5."""
    if fault is FileFault.NOT_A_FOLDER:
        return TransferFault.PARENT_IS_NO_FOLDER
    return _FAULTS.get(fault, TransferFault.NO_PERMISSION)
