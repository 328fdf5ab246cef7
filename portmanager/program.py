"""The server as a process: from the start to SIGTERM, with word to systemd when it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket

from portmanager.server import Server

__all__ = ["run"]


async def run(server: Server) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OSError: It cannot listen, or cannot write its files.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await server.start()
    _tell_systemd("READY=1")
    await ended.wait()
    _tell_systemd("STOPPING=1")
    await server.stop()


def _tell_systemd(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.connect("\0" + address[1:] if address[0] == "@" else address)
            to.send(state.encode())
