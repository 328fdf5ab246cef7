"""Errors of data taking.

DaqError
    DaqNotRunningError      a command for a program that does not run
    DaqDeafError            a program that runs and does not read its commands
    DaqStuckError           a program that even SIGKILL did not end
    SourceError             a recording that cannot be replayed
    ChannelizerError        channels, taps and recording do not fit together
    ScanSetupError          the status memory does not say what a scan needs
    LiveFramesError         no memory for live spectra
"""

from groundwork.errors import Portable


class DaqError(Portable):
    """Base of all trouble with data taking."""


class DaqNotRunningError(DaqError):
    """A command was meant for a data-taking program that does not run."""

    def __init__(self, program: str, command: str, returncode: int | None) -> None:
        ended = "was never started" if returncode is None else f"has ended with status {returncode}"
        super().__init__(f"{program} {ended}; command {command} not sent")
        self.program, self.command, self.returncode = program, command, returncode


class DaqDeafError(DaqError):
    """A data-taking program runs, and does not read its commands."""

    def __init__(self, program: str, pid: int, command: str, reason: str) -> None:
        super().__init__(f"{program} (process {pid}) does not take command {command}: {reason}")
        self.program, self.pid, self.command = program, pid, command


class DaqStuckError(DaqError):
    """The program is still there after quit, SIGTERM and SIGKILL."""

    def __init__(self, program: str, pid: int) -> None:
        super().__init__(f"{program} (process {pid}) did not end, not even by SIGKILL")
        self.program, self.pid = program, pid


class SourceError(DaqError):
    """A recording cannot be replayed."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path.rpartition('/')[2]}: {reason}")  # short: it has to fit a card
        self.path, self.reason = path, reason


class ChannelizerError(DaqError, ValueError):
    """Channels, taps and recording do not fit together."""


class ScanSetupError(DaqError):
    """The status memory does not say what a scan needs."""


class LiveFramesError(DaqError):
    """There is no memory for live spectra; data are taken all the same."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no live spectra: {reason}")
        self.reason = reason
