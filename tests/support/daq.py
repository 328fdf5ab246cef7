"""The data-taking program as a command, and what a status memory says for it."""

from __future__ import annotations

import sys

from spectrometer.status import StatusBuffer

TWO_PHASES = {
    "_SPHS_01": 0.0,
    "_SPHS_02": 0.5,
    "_SCAL_01": 1,
    "_SCAL_02": 0,
    "_SSRF_01": 0,
    "_SSRF_02": 0,
}
"""A switching cycle with the noise diode in its first half."""


def daq_command(status: StatusBuffer, *arguments: str) -> list[str]:
    """Return the command that runs it on a status memory."""
    memory = ["--status-key", hex(status.key), "--status-semaphore", status.semaphore]
    return [sys.executable, "-m", "spectrometer.daq.program", *memory, *arguments]
