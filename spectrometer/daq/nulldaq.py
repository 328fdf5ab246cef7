"""Null DAQ, in the place of a data-taking program where there is none: the same words, the same
status keys, no data.

A simulated Bank without a recording uses it, so that a scan can be rehearsed: it is armed, runs,
and ends.
"""

from __future__ import annotations

from spectrometer.daq.errors import DaqNotRunningError
from spectrometer.status.buffer import StatusBuffer

__all__ = ["NullDaq"]


class NullDaq:
    """Answers the words of a data-taking program in the status memory."""

    name = "no data-taking program"
    has_counts = None
    pid = None

    def __init__(self, status: StatusBuffer) -> None:
        self._status = status
        self.is_running = False
        self.returncode: int | None = None

    def start(self) -> None:
        """Report what a program reports when it is ready."""
        self.is_running, self.returncode = True, None
        self._status.update(
            {
                "DAQSTATE": "stopped",
                "NETSTAT": "init",
                "DISKSTAT": "init",
                "SCANSTAT": "stopped",
                "DAQERR": "",
                "DAQNOTE": "simulated: no data are taken",
            }
        )

    def send(self, command: str) -> None:
        """Carry a word out.

        Raises:
            DaqNotRunningError: Not started.
        """
        if not self.is_running:
            raise DaqNotRunningError(self.name, command, self.returncode)
        if command in ("START", "MONITOR"):
            self._status.update(
                {"DAQSTATE": "running", "SCANSTAT": "running", "NETSTAT": "receiving"}
            )
        elif command == "INIT_GPU":
            self._status.update({"GPUCTXIN": "TRUE"})
        elif command == "STOP":
            self._status.update(
                {"DAQSTATE": "stopped", "SCANSTAT": "stopped", "NETSTAT": "waiting"}
            )

    def stop(self, quit_s: float = 0.0, term_s: float = 0.0, kill_s: float = 0.0) -> int | None:
        """End; the exit status."""
        if self.is_running:
            self.is_running, self.returncode = False, 0
            self._status.update({"DAQSTATE": "exiting", "NETSTAT": "exiting"})
        return self.returncode
