"""Status memories of a test's own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sysv_ipc

from spectrometer.daq.liveframes import live_path, remove_leftover
from spectrometer.status import StatusBuffer

ROOT = Path(__file__).resolve().parents[2]


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
        remove_leftover(live_path(key))  # of a program that was killed


HOLD = """
import posix_ipc, sys, sysv_ipc, time
memory = sysv_ipc.SharedMemory(int(sys.argv[2]), 0, size=0)
semaphore = posix_ipc.Semaphore(sys.argv[1])
semaphore.acquire()
print("held", flush=True)
"""
"""A foreign program that takes the semaphore."""
KEEP = HOLD + "time.sleep(600)"


@contextlib.contextmanager
def foreign(status: StatusBuffer, code: str = KEEP) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that says `held`; SIGKILL at the end, if it still runs."""
    with holding(code, status.semaphore, str(status.key)) as process:
        yield process


@contextlib.contextmanager
def holding(code: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python code that says `held`; SIGKILL at the end, if it still runs."""
    command = [sys.executable, "-c", code, *words]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()
