"""Which class runs a scan: what the program needs of it, and the choice by BACKEND and OBS_MODE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from spectrometer.daq.account import CLOSING, Account, Closing
from spectrometer.daq.pacing import Pacing
from spectrometer.daq.pulsar import PulsarRun
from spectrometer.daq.pulsarsetup import BACKEND as PULSAR_BACKEND
from spectrometer.daq.run import RunOptions, ScanRun
from spectrometer.daq.source import Source
from spectrometer.status.protocol.cards import Value

__all__ = ["Run", "run_for"]


class Setup(Protocol):
    """What setups of all kinds know."""

    @property
    def bank(self) -> str:
        """Name of the Bank."""

    @property
    def scan_number(self) -> int:
        """Number of the scan."""


class Run(Protocol):
    """A scan as `spectrometer.daq.program` works on it; see `spectrometer.daq.run.ScanRun`, which
    has all of it."""

    pacing: Pacing
    integrations: int
    begun: bool

    @property
    def setup(self) -> Setup:
        """What it was set up with."""

    @property
    def source(self) -> Source:
        """Where the voltages are from."""

    @property
    def account(self) -> Account:
        """Counts against the plan; of the whole scan until it is over, then of what it came to."""

    @property
    def note(self) -> str:
        """What was done in another way than wished; for DAQNOTE."""

    @property
    def path(self) -> Path | None:
        """The file being written; None before `begin`, and in monitor mode."""

    @property
    def rows_written(self) -> int:
        """Rows that the file's header counts."""

    def peak_channel(self) -> int:
        """Channel (from 0, in band order) with the most power so far."""

    def begin(self, start: float, at: float | None = None) -> None:
        """Begin at unix seconds, which are `at` by the clock that `step` is told. OSError if there
        can be no file."""

    def step(self, now: float) -> bool:
        """Process one piece; True if integrations were finished."""

    def flush(self, *, sync: bool = False) -> None:
        """Write what is finished. OSError if the disk does not take it."""

    def end(self, closing: Closing = CLOSING) -> None:
        """Finish and close everything; the file stays. OSError as `flush`."""

    def abandon(self) -> None:
        """Close without writing any more, after the disk has failed."""


def run_for(
    options: RunOptions, values: Mapping[str, Value], data_root: Path, *, to_file: bool = True
) -> Run:
    """Return a scan that is ready to begin, of the class that the mode takes.

    Args:
        options: Where the voltages are from, and what is done with them.
        values: The status memory at START; BACKEND and OBS_MODE choose.
        data_root: Where the projects are.
        to_file: False: monitor only, nothing is written.

    Raises:
        DaqError: The recording or the setup cannot be used.
    """
    is_pulsar = str(values.get("BACKEND", "")).upper() == PULSAR_BACKEND
    kind = PulsarRun if is_pulsar else ScanRun
    return kind(options, values, data_root, to_file=to_file)
