"""Status memories of a test's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import sysv_ipc

from spectrometer.status import StatusBuffer


def free_key() -> int:
    """A System V key that nobody uses, found by the kernel's refusal to attach to it."""
    while True:
        key = 0x5E000000 | int.from_bytes(os.urandom(3), "big")
        try:
            sysv_ipc.SharedMemory(key, 0, size=0).detach()
        except sysv_ipc.ExistentialError:
            return key


@contextlib.contextmanager
def private_status(**options: Any) -> Iterator[StatusBuffer]:
    """A status memory that is removed afterwards."""
    key = free_key()
    buffer = StatusBuffer(key, f"/test_status_{key:x}", **options)
    try:
        yield buffer
    finally:
        buffer.unlink()
