"""Processes of this host, in words, and the one that listens on a port."""

from __future__ import annotations

from contextlib import suppress

import psutil

__all__ = ["describe_process", "listener_of"]

_MAX_WORDS = 80


def describe_process(pid: int) -> str:
    """Return `process 123 (name, user)`; 0 is one that we have no right to see."""
    if not pid:
        return "a process of another user"
    try:
        process = psutil.Process(pid)
        words = " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return f"process {pid}"
    shown = words if len(words) <= _MAX_WORDS else words[: _MAX_WORDS - 3] + "..."
    return f"process {pid} ({shown})"


def listener_of(port: int) -> int:
    """Return the number of the process that listens on a port; 0 if it cannot be seen."""
    pid = 0
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr[1] == port
            ):
                pid = connection.pid or pid
    return pid
