"""Common ground of scans of all kinds: options, setup, source, pace, counts, the file, and its end.

The program works on them by these names; what a piece of voltages becomes is in `run` and
`pulsar`.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from spectrometer.daq.account import CLOSING, ClosingRemarks, FileState, ScanAccount, Tally
from spectrometer.daq.pacing import Pacing
from spectrometer.daq.protocol.liveframes import LiveSpectrum
from spectrometer.daq.pulsarsetup import PulsarSetup
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.scansetup import ScanSetup
from spectrometer.daq.source import Source
from spectrometer.status.protocol.cards import Value

__all__ = ["BasicRun", "RunOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Where the voltages are from, and what is done with them."""

    source: Path | None = None
    """A recording."""
    synthetic: ReceiverConfig | None = None
    """What a synthetic receiver receives."""
    rate: float | None = None
    """Samples per second and coarse channel of a recording; None: one pass fills one exposure."""
    fast: bool = False
    """Do not wait for the clock; times are still those of the rate."""
    taps: int = 8
    window: str = "hamming"
    nfine: int | None = None
    """Fine channels per coarse channel; None: NCHAN of the status memory."""
    max_lag: float = 2.0
    """Seconds that processing may lag before pieces are dropped."""
    flush_every: float = 0.1
    """Seconds between writes to the file, at least."""
    flush_rows: int | None = None
    """Rows that are written at once when there are so many, whatever the time; None: as many as fit
    256 KiB."""
    file_roots: tuple[Path, ...] = ()
    """Folders below which files are read that the status memory names; none: anywhere."""

    @property
    def lag_limit(self) -> float | None:
        """Return the limit that `Pacing` wants."""
        return None if self.fast else self.max_lag


class Output(Protocol):
    """Output of a scan."""

    @property
    def path(self) -> Path | None: ...
    @property
    def rows(self) -> int: ...
    def close(self) -> None: ...


SetupT = TypeVar("SetupT", ScanSetup, PulsarSetup)
OutputT = TypeVar("OutputT", bound=Output)


class BasicRun(ABC, Generic[SetupT, OutputT]):
    """A scan from its START on; `begin` when the array begins, `step` as long as it lasts, `end`
    always.

    Args:
        options: How to replay.
        values: The status memory at START.
        data_root: Where the projects are.
        to_file: False: monitor only, nothing is written.

    Attributes:
        setup: What it was set up with.
        source: Where the voltages are from.
        pacing: Which piece is due.
        integrations: Those that were finished; rows or blocks by the kind of the file.
        begun: `begin` was called.
        output: The file, or what writes it; None before `begin`, and in monitor mode.
        spectrum_bytes: Of what `newest_spectrum` returns; 0: this kind of scan makes none.

    Raises:
        DaqError: The recording, the setup or a file that it names cannot be used.
    """

    source: Source
    pacing: Pacing
    output: OutputT | None = None
    integrations = 0
    begun = False
    spectrum_bytes = 0
    _tally: Tally
    _written_at = 0.0

    def __init__(
        self,
        options: RunOptions,
        values: Mapping[str, Value],
        data_root: Path,
        *,
        to_file: bool = True,
    ) -> None:
        self.options, self._data_root, self._to_file = options, data_root, to_file
        self._values = dict(values)
        self.setup: SetupT = self._read_setup()
        if not to_file:
            self.setup = replace(self.setup, scan_length=None)  # it goes on until it is stopped
        self._prepare()

    @abstractmethod
    def _read_setup(self) -> SetupT:
        """Return what the status memory says."""

    @abstractmethod
    def _prepare(self) -> None:
        """Open the source, and all that voltages pass."""

    @property
    @abstractmethod
    def note(self) -> str:
        """Sentence on what was done in another way than wished; for DAQNOTE."""

    @property
    def account(self) -> ScanAccount:
        """Counts against the plan; of the whole scan until it is over, then of what it came to."""
        return self._tally.account(self.integrations)

    @property
    def path(self) -> Path | None:
        """The file being written; None before `begin`, and in monitor mode."""
        return None if self.output is None else self.output.path

    @property
    def rows_written(self) -> int:
        """Rows or blocks that are left whatever happens to this process."""
        return 0 if self.output is None else self.output.rows

    @abstractmethod
    def peak_channel(self) -> int:
        """Channel (from 0, in band order) with the most power so far."""

    def newest_spectrum(self) -> LiveSpectrum | None:
        """Return the newest integration that was finished since this was asked last; None: there is
        none."""
        return None

    def begin(self, start: float, at: float | None = None) -> None:
        """Begin; OSError if there can be no file.

        Args:
            start: Time of the first sample, unix seconds: that of all time stamps.
            at: The same moment by the clock that `step` is told; None: that is in unix seconds,
                too.
        """
        self.output = self._open_output(start)
        self.pacing.start = self._written_at = start if at is None else at
        self.begun = True

    @abstractmethod
    def _open_output(self, start: float) -> OutputT | None:
        """Return what the scan writes into."""

    @abstractmethod
    def step(self, now: float) -> bool:
        """Process one piece, or drop it if it is too late; True if integrations were finished."""

    @abstractmethod
    def flush(self, *, sync: bool = False) -> None:
        """Write what is finished to the file. OSError if the disk does not take it."""

    def end(self, closing: ClosingRemarks = CLOSING) -> None:
        """Finish what may be short, and close everything; the file stays. OSError as `flush`."""
        try:
            self._finish()
            account = self.account
            self._close_header(account, closing.ending or self._tally.ending(account), closing)
        except OSError:
            with contextlib.suppress(OSError):
                self.abandon()
            raise
        self._close()

    @abstractmethod
    def _finish(self) -> None:
        """Finish the present integration or row if it may be short, and write all."""

    @abstractmethod
    def _close_header(
        self, account: ScanAccount, ending: FileState, closing: ClosingRemarks
    ) -> None:
        """Tell the file what became of the scan. OSError."""

    def abandon(self) -> None:
        """Close without writing any more rows, after the disk has failed; what is not in the file
        does not count."""
        self._forget_unsafe()
        with contextlib.suppress(OSError):
            self._close_header(self.account, FileState.FAILED, CLOSING)
        self._close()

    @abstractmethod
    def _forget_unsafe(self) -> None:
        """Take what is not in the file off the count."""

    def _close(self) -> None:
        self.source.close()
        if self.output is not None:
            self.output.close()
