"""One spectral-line scan: voltages go through channelizer and accumulator into a FITS file.

Knows how the parts fit together and when a piece is due; commands and the status memory belong to
`program`. Callers say what time it is.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from spectrometer.daq.account import (
    CLOSING,
    Account,
    Closing,
    Ending,
    Tally,
    account_cards,
    close_header,
    update_header,
)
from spectrometer.daq.accumulator import SAME, Accumulator, StateSum, SwitchingCycle
from spectrometer.daq.axis import Axis, Subbands, WholeBand
from spectrometer.daq.channelizer import Channelizer, fit_taps, prototype, reach
from spectrometer.daq.errors import ChannelizerError, ScanSetupError
from spectrometer.daq.pacing import Pacing
from spectrometer.daq.planned import PlannedSpectra
from spectrometer.daq.receiver import ReceiverConfig, with_status
from spectrometer.daq.recordings import open_recording
from spectrometer.daq.scansetup import ScanSetup, read_setup
from spectrometer.daq.source import Source, SourceCard, gap_note
from spectrometer.daq.synthetic import SyntheticReceiver
from spectrometer.daq.writer import Row, ScanFile, build_headers, file_name
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import Value

log = logging.getLogger(__name__)

UNIX_EPOCH_MJD = 40587.0
FLUSH_BYTES = 1 << 18
LONGEST_FILTER = 1 << 24  # samples of both polarizations: 256 MiB
SOURCES = RECORDING, SYNTHETIC = "RECORDING", "SYNTHETIC"


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
        """As `Pacing` wants it."""
        return None if self.fast else self.max_lag


def open_source(options: RunOptions, values: Mapping[str, Value], cycle: SwitchingCycle) -> Source:
    """Open the source that the status key DAQSRC says, RECORDING or SYNTHETIC; else what there is,
    a recording first.

    Args:
        options: What there is.
        values: The status memory.
        cycle: When a synthetic receiver's diode is on.

    Raises:
        DaqError: There is none, or it cannot be used.
    """
    wish = str(values.get("DAQSRC", UNSPECIFIED)).upper()
    if wish not in (UNSPECIFIED.upper(), "", *SOURCES):
        raise ScanSetupError(f"DAQSRC is {wish}; expected {' or '.join(SOURCES)}")
    if options.source is not None and wish != SYNTHETIC:
        return open_recording(options.source)
    if options.synthetic is not None and wish != RECORDING:
        return SyntheticReceiver(with_status(options.synthetic, values), cycle)
    raise ScanSetupError(f"DAQSRC is {wish}, and spectrometer-daq was started without it")


def scan_cards(
    source: Source, rate: float, planned: int, taps: int, window: str, first: float
) -> list[SourceCard]:
    """Cards that the FITS files of all scans have.

    Args:
        source: Of the voltages.
        rate: Replayed samples per second and coarse channel.
        planned: Integrations or rows; 0 if the scan has no length.
        taps, window: Of the filter bank.
        first: Time of the first sample, unix seconds.
    """
    moment = datetime.fromtimestamp(first, UTC)
    return [
        *source.cards,
        ("DATASRC", source.name, "where the voltages are from"),
        ("REPLAYRT", float(rate), "samples/s and coarse channel by the clock"),
        *account_cards(planned),
        ("NLOOPS", 0, "loop joins"),
        ("NTAPS", taps, "taps of the filter bank"),
        ("PFBWIN", window, "window of the filter bank"),
        (
            "DATE-OBS",
            moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
            "UTC, start of the first sample",
        ),
    ]


def check_directory(directory: Path) -> None:
    """Make a project's directory now: a start on many Banks has to fail before any of them begins.
    ScanSetupError."""
    if (
        not directory.parent.is_dir()
    ):  # not made here: its disk may not be mounted, and another one would fill up
        log.error("there is no data root %s; mount its disk, or make it", directory.parent)
        raise ScanSetupError("there is no data root; is its disk mounted?")
    try:
        directory.mkdir(exist_ok=True)
    except OSError as error:
        log.error(
            "data directory %s: %s", directory, error
        )  # the whole path; a status key has no room for it
        raise ScanSetupError(
            f"data directory {directory.name}: {error.strerror or error}"
        ) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        is_read_only = os.statvfs(directory).f_flag & os.ST_RDONLY
        reason = os.strerror(errno.EROFS if is_read_only else errno.EACCES)
        log.error("data directory %s: %s", directory, reason)
        raise ScanSetupError(f"data directory {directory.name}: {reason}")


class ScanRun:
    """A scan from its START on; `begin` when the array begins, `step` as long as it lasts, `end`
    always.

    Args:
        options: How to replay.
        values: The status memory at START.
        data_root: Where the projects are.
        to_file: False: monitor only, nothing is written.

    Raises:
        DaqError: The recording or the setup cannot be used.
    """

    def __init__(
        self,
        options: RunOptions,
        values: Mapping[str, Value],
        data_root: Path,
        *,
        to_file: bool = True,
    ) -> None:
        self.options, self._values, self._data_root, self._to_file = (
            options,
            dict(values),
            data_root,
            to_file,
        )
        self.setup: ScanSetup = read_setup(values)
        if not to_file:
            self.setup = replace(self.setup, scan_length=None)  # it goes on until it is stopped
        if to_file:
            check_directory(data_root / self.setup.project)
        self.source = open_source(options, self._values, self.setup.cycle)
        try:
            self._prepare()
        except ValueError as error:  # an unknown window, too few samples
            self.source.close()
            raise (
                error if isinstance(error, ChannelizerError) else ChannelizerError(str(error))
            ) from error
        except BaseException:
            self.source.close()
            raise
        self.file: ScanFile | None = None
        self.integrations = 0
        self.begun = False
        """`begin` was called."""
        self._written_at = 0.0
        self._last_integration = -1
        self._start = 0.0
        self._unsafe: dict[int, int] = {}
        """Integrations that are not yet on disk -> rows of the file up to their end."""
        self.pacing = Pacing(self.source, self.rate, self.setup.scan_length, options.lag_limit)
        self._tally = Tally(self.pacing, self._planned.integrations)

    def _prepare(self) -> None:
        band, setup, options = self.source.band, self.setup, self.options
        self.axis: Axis
        if setup.subbands is None:
            self.axis = WholeBand(band, setup.nchan, options.nfine)
        else:
            self.axis = Subbands(band, setup.nchan, setup.subbands, options.nfine)
        nfine = self.axis.nfine
        self.taps = fit_taps(options.taps, nfine, self.source.longest_run(), band.channels)
        self.notes = [*gap_note(self.source), *self.axis.notes]
        if self.taps < options.taps:
            self.notes.append(
                f"{self.taps} taps instead of {options.taps}: the recording is too short"
            )
        longest = max(1, LONGEST_FILTER // (nfine * band.channels))
        if self.taps > longest:
            self.taps = longest
            self.notes.append(
                f"{self.taps} taps instead of {options.taps}: the filter would take too much memory"
            )
        for note in self.notes:
            log.warning("%s: %s", self.source.name, note)
        self.rate = self.source.default_rate(setup.exposure)
        if options.rate is not None and self.source.samples:
            self.rate = options.rate
        shortest = nfine / self.rate
        if setup.exposure < shortest:
            raise ScanSetupError(
                f"EXPOSURE {setup.exposure:g} s: a spectrum takes {shortest:.4g} s at {self.rate:g} samples/s"
            )
        first = self.taps * shortest
        if setup.scan_length is not None and setup.scan_length < first:
            raise ScanSetupError(
                f"SCANLEN {setup.scan_length:g} s: {self.taps} taps of {shortest:.3g} s need {first:.3g} s"
            )
        self._check_switching(shortest)
        response = prototype(self.taps, nfine, options.window)
        self._channelizer = Channelizer(band.channels, band.polarizations, response)
        self._reach = reach(response)
        self.accumulator = Accumulator(
            setup.cycle,
            coarse=self.axis.groups,
            nfine=self.axis.channels,
            polarizations=band.polarizations,
            cross=setup.cross,
            integration_samples=setup.exposure * self.rate,
            step=nfine,
            reach=self._reach,
            is_conjugated=band.is_conjugated,
        )
        self._planned = PlannedSpectra(
            cycle=setup.cycle,
            integration_samples=setup.exposure * self.rate,
            rate=self.rate,
            taps=self.taps,
            nfine=nfine,
            reach=self._reach,
            pass_samples=self.source.samples,
        )

    def _check_switching(self, step: float) -> None:
        """Refuse states that might hold no spectrum of their own; one begins every `step` s."""
        (number, length), needed = self.setup.cycle.shortest, (self.taps + 1) * step
        if len(self.setup.cycle.starts) > 1 and length < needed * (1 - SAME):
            raise ScanSetupError(
                f"state {number} lasts {length:.4g} s less blanking; {self.taps} taps need {needed:.4g} s: "
                "switch more slowly, or take fewer channels or taps"
            )

    @property
    def note(self) -> str:
        """What is otherwise than wished, in one sentence; empty if nothing is."""
        return "; ".join(self.notes)

    @property
    def _row_shape(self) -> tuple[int, int | None]:
        """Channels of a row, or of each of its sub-bands; how many of these."""
        axis = self.axis
        return (
            (axis.groups * axis.channels, None)
            if axis.centres is None
            else (axis.channels, axis.groups)
        )

    @property
    def account(self) -> Account:
        """See `Run`."""
        return self._tally.account(self.integrations)

    def begin(self, start: float, at: float | None = None) -> None:
        """Begin; OSError if there can be no file.

        Args:
            start: Time of the first sample, unix seconds: that of all time stamps.
            at: The same moment by the clock that `step` is told; None: that is in unix seconds,
                too.
        """
        if self._to_file:
            moment = datetime.fromtimestamp(start, UTC)
            nchan, subbands = self._row_shape
            primary, table = build_headers(
                nchan,
                self._values,
                self._own_cards(start),
                self._history(),
                world=self.axis.world,
                subbands=subbands,
            )
            self.file = ScanFile(
                self._data_root / self.setup.project,
                file_name(moment, self.setup.bank, self.setup.scan_number),
                nchan,
                primary,
                table,
                subbands=subbands,
            )
        self._start = start
        self.pacing.start = self._written_at = start if at is None else at
        self.begun = True

    def step(self, now: float) -> bool:
        """Process one piece, or drop it if it is too late; True if integrations were finished."""
        due, nfine = self.pacing.take(now), self._channelizer.nfine
        finished = []
        if due.is_late or not due.follows:
            self._channelizer.reset()
        if not due.is_late:
            middle = due.position - self._channelizer.held + self.taps * nfine / 2
            spectra = self._channelizer.process(due.samples)
            finished = self.accumulator.add(self.axis.pick(spectra), middle, self.rate)
        self._take(finished, now)
        self.pacing.advance()
        if self.pacing.over:
            last = self.accumulator.finish()
            self._take(last, now)
            finished += last
        return bool(finished)

    @property
    def path(self) -> Path | None:
        """The file being written; None before `begin`, and in monitor mode."""
        return None if self.file is None else self.file.path

    def peak_channel(self) -> int:
        """Channel (from 0, in band order) with the most power in all finished integrations."""
        return self.accumulator.peak_channel()

    @property
    def rows_written(self) -> int:
        """Rows that the file's header counts: what is left of it whatever happens to this
        process."""
        return 0 if self.file is None else self.file.rows

    def flush(self, *, sync: bool = False) -> None:
        """Write what is finished to the file. OSError if the disk does not take it."""
        if self.file is not None:
            self.file.set_number("NLOOPS", self.pacing.loops)
            self.file.flush(sync=sync)
            self._unsafe.clear()
            if sync:
                update_header(self.file, self.account)

    def end(self, closing: Closing = CLOSING) -> None:
        """Finish the present integration and close everything; the file stays. OSError as
        `flush`."""
        try:
            if self.begun:
                self._take(self.accumulator.finish(), self._written_at)
                self.flush()
            if self.file is not None:
                account = self.account
                close_header(
                    self.file, account, closing.ending or self._tally.ending(account), closing
                )
        except OSError:
            with contextlib.suppress(OSError):
                self.abandon()
            raise
        self._close()

    def abandon(self) -> None:
        """Close without writing any more rows, after the disk has failed; what is not in the file
        does not count."""
        if self.file is not None:
            self.integrations -= sum(end > self.file.rows for end in self._unsafe.values())
            self._unsafe.clear()
            with contextlib.suppress(OSError):
                close_header(self.file, self.account, Ending.FAILED, CLOSING)
        self._close()

    def _close(self) -> None:
        self.source.close()
        if self.file is not None:
            self.file.close()

    def _take(self, finished: list[StateSum], now: float) -> None:
        if not finished:
            return
        self.integrations += len({part.integration for part in finished} - {self._last_integration})
        self._last_integration = finished[-1].integration
        if self.file is None:
            return
        for part in finished:
            self.file.append(self._rows(part))
            self._unsafe[part.integration] = self.file.rows + self.file.pending_rows
        if self._is_enough(self.file) or not 0 <= now - self._written_at < self.options.flush_every:
            self.flush()
            self._written_at = now

    def _is_enough(self, file: ScanFile) -> bool:
        wanted = self.options.flush_rows
        return file.pending_bytes >= FLUSH_BYTES if wanted is None else file.pending_rows >= wanted

    def _rows(self, part: StateSum) -> Iterator[Row]:
        nfine, setup, axis = self._channelizer.nfine, self.setup, self.axis
        of_subbands = (
            {}
            if axis.centres is None
            else {"subband_frequencies": axis.centres, "reference_values": axis.sky()}
        )
        begin = part.integration * setup.exposure
        moment = datetime.fromtimestamp(self._start + begin, UTC)
        for polarization, label in enumerate(self.accumulator.labels):
            yield Row(
                integration=part.integration,
                state=part.state,
                polarization=label,
                sig_ref=setup.cycle.sig_ref[part.state],
                cal=setup.cycle.cal[part.state],
                start=moment.strftime("%Y-%m-%dT%H:%M:%S.%f"),
                duration=min(setup.exposure, self.pacing.reached / self.rate - begin),
                mjd=UNIX_EPOCH_MJD + (self._start + part.middle / self.rate) / 86400.0,
                exposure=part.spectra * nfine / self.rate,
                recorded=part.spectra * nfine * self.source.band.sample_time,
                spectra=part.spectra,
                data=axis.shaped(part.mean[polarization]),
                **of_subbands,
            )

    def _history(self) -> list[str]:
        return [
            *self.source.notes,
            *self.notes,
            "Loop joins reset the filter; spectra within a pass overlap as the filter needs.",
        ]

    def _own_cards(self, start: float) -> list[SourceCard]:
        band = self.source.band
        switching_reach = self._reach / self.rate if len(self.setup.cycle.starts) > 1 else 0.0
        said = self.source.basis
        basis = [("FD_POLN", said, "basis of X and Y; CIRC: they are L and R")] if said else []
        return [
            *scan_cards(
                self.source, self.rate, self._tally.whole, self.taps, self.options.window, start
            ),
            ("SWREACH", switching_reach, "s at most, left out at ends of switching states"),
            *self.axis.cards,
            ("OBSNCHAN", band.channels, "coarse channels of the voltages"),
            ("OBSFREQ", band.center_frequency, "MHz, of the voltages"),
            ("OBSBW", band.true_bandwidth, "MHz, of the voltages, by TBIN"),
            ("TBIN", band.sample_time, "s, of the voltages; wins over bandwidths"),
            ("EXPOSURE", self.setup.exposure, "s of replay"),
            ("NSTATE", len(self.setup.cycle.starts), "switching states"),
            *basis,
            ("MJDSTART", UNIX_EPOCH_MJD + start / 86400.0, "UTC, start of the replay"),
        ]
