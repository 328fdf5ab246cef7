"""Surroundings of a foreign data-taking program when it is started: data buffers, a FIFO for words,
its environment.

The contract is docs/protocols/daq.md. The programs themselves are `spectrometer.daq.control`'s.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from spectrometer.daq.errors import DaqError
from spectrometer.status.databuffers import DataBuffer, make_buffers, remove_buffers

__all__ = ["FIFO_NAMES", "ForeignPlace", "fifo_path"]

FIFO_NAMES = {"vegas": ("vegas_daq_control", "vegas_fits_control"), "guppi": ("guppi_daq_control",)}
"""Of the data-taking program and, where there is one, of the FITS writer."""
FIFO_DIRECTORY = Path("/tmp")
"""Where the original's programs look."""


def fifo_path(family: str, program: int, suffix: str) -> Path:
    """The FIFO of program 0, or of program 1, the FITS writer.

    Args:
        family: Of the data buffers.
        program: Number.
        suffix: What tells the Banks of one host apart; empty for the original's only one.
    """
    return FIFO_DIRECTORY / f"{FIFO_NAMES[family][program]}{suffix}"


@dataclass(frozen=True, slots=True)
class ForeignPlace:
    """Buffers and FIFOs of one mode.

    Attributes:
        buffers: In their order.
        fifos: In the order of the programs.
        is_private: Nobody else uses these names: all of it is removed when the Bank needs it no
            more.
        environment: Variables that the programs get beside the Player's own.
    """

    buffers: tuple[DataBuffer, ...]
    fifos: tuple[Path, ...]
    is_private: bool
    environment: Mapping[str, str]

    def make(self) -> None:
        """Make everything anew, for programs that do not run.

        Raises:
            DataBufferError: A buffer cannot be had.
            DaqError: A FIFO cannot be made.
        """
        for fifo in self.fifos:
            _make_fifo(fifo)
        make_buffers(list(self.buffers))

    def remove(self) -> None:
        """Remove what is private; may be called twice. DataBufferError if a buffer stays."""
        if self.is_private:
            remove_buffers(list(self.buffers))
            _remove_fifos(self.fifos)

    def variables(self, program: int) -> dict[str, str]:
        """The environment of a program, by its number."""
        own = {"DIBAS_DAQ_FIFO": str(self.fifos[program])} if program < len(self.fifos) else {}
        return {**os.environ, **self.environment, **own}


def _make_fifo(path: Path) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISFIFO(path.lstat().st_mode):
                raise DaqError(f"{path} is no FIFO, and in the way of one; remove it")
            path.unlink()
        os.mkfifo(path)
        path.chmod(0o666)
    except OSError as error:
        raise DaqError(
            f"FIFO {path}: {error.strerror or error}; it may be another user's"
        ) from error


def _remove_fifos(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(path.lstat().st_mode):
                path.unlink()
