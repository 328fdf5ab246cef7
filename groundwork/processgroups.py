"""Process groups: signalled as a whole, and who is in them. A leader is not reaped before its group
has ended, for till then nobody else gets its number."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

__all__ = ["group_members", "marked_processes", "process_name", "signal_group", "wait_unreaped"]


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to all of a group; without effect if there is nobody, or no right to."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def wait_unreaped(pid: int) -> None:
    """Wait until a child has ended, and leave it unreaped."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def group_members(leader: int) -> list[int]:
    """Return the processes of a group that have not ended."""
    return [pid for pid in _processes() if _group_of(pid) == leader]


def marked_processes(mark: str) -> list[int]:
    """Return the processes of this user that have not ended and were started with a variable in their
    environment, `NAME=value`."""
    wanted, own = mark.encode() + b"\0", os.getpid()
    return [
        pid
        for pid in _processes()
        if pid != own and wanted in _file(pid, "environ") and _group_of(pid) is not None
    ]


def process_name(pid: int) -> str:
    """Return the name of a process; empty: there is none."""
    return _file(pid, "comm").decode("utf-8", "replace").strip()


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _group_of(pid: int) -> int | None:
    """Return the group of a process; None: it has ended."""
    fields = _file(pid, "stat").rpartition(b")")[2].split()
    return int(fields[2]) if len(fields) > 2 and fields[0] not in (b"Z", b"X") else None


def _file(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:  # it has ended, or is another user's
        return b""
