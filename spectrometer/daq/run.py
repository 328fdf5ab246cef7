"""One spectral-line scan: voltages go through channelizer and accumulator into a FITS file.

Knows how the parts fit together and when a piece is due; commands and the status memory belong to
`program`. Callers say what time it is.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from spectrometer.daq.account import (
    ClosingRemarks,
    FileState,
    ScanAccount,
    Tally,
    account_cards,
    close_header,
    update_header,
)
from spectrometer.daq.accumulator import SAME, Accumulator, StateCycle, StateSum
from spectrometer.daq.axis import FrequencyAxis, Subbands, WholeBand
from spectrometer.daq.basicrun import BasicRun, RunOptions
from spectrometer.daq.channelizer import Channelizer, fit_taps, prototype, reach
from spectrometer.daq.errors import ChannelizerError, ScanSetupError
from spectrometer.daq.pacing import Pacing
from spectrometer.daq.planned import PlannedSpectra
from spectrometer.daq.protocol.liveframes import LiveSpectrum
from spectrometer.daq.receiver import with_status
from spectrometer.daq.recordings import open_recording
from spectrometer.daq.scansetup import ScanSetup, read_setup
from spectrometer.daq.source import Source, SourceCard, gap_note
from spectrometer.daq.synthetic import SyntheticReceiver
from spectrometer.daq.writer import IntegrationRow, ScanFile, build_headers, file_name
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import Value

log = logging.getLogger(__name__)

UNIX_EPOCH_MJD = 40587.0
FLUSH_BYTES = 1 << 18
LONGEST_FILTER = 1 << 24  # samples of both polarizations: 256 MiB
SOURCES = RECORDING, SYNTHETIC = "RECORDING", "SYNTHETIC"


def open_source(options: RunOptions, values: Mapping[str, Value], cycle: StateCycle) -> Source:
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


class ScanRun(BasicRun[ScanSetup, ScanFile]):
    """A spectral-line scan; see `BasicRun`."""

    _last_integration = -1
    _start = 0.0

    def _read_setup(self) -> ScanSetup:
        return read_setup(self._values)

    def _prepare(self) -> None:
        if self._to_file:
            check_directory(self._data_root / self.setup.project)
        self.source = open_source(self.options, self._values, self.setup.cycle)
        try:
            self._make_spectrometer()
        except ValueError as error:  # an unknown window, too few samples
            self.source.close()
            raise (
                error if isinstance(error, ChannelizerError) else ChannelizerError(str(error))
            ) from error
        except BaseException:
            self.source.close()
            raise
        nchan, subbands = self._row_shape
        self.spectrum_bytes = 4 * self.accumulator.products * nchan * (subbands or 1)
        self._newest: list[StateSum] = []
        self._unsafe: dict[int, int] = {}
        """Integrations that are not yet on disk -> rows of the file up to their end."""
        self.pacing = Pacing(self.source, self.rate, self.setup.scan_length, self.options.lag_limit)
        self._tally = Tally(self.pacing, self._planned.integrations)

    def _make_spectrometer(self) -> None:
        band, setup, options = self.source.band, self.setup, self.options
        self.axis: FrequencyAxis
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
        """Sentence on what is otherwise than wished; empty if nothing is."""
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

    def _open_output(self, start: float) -> ScanFile | None:
        self._start = start
        if not self._to_file:
            return None
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
        return ScanFile(
            self._data_root / self.setup.project,
            file_name(moment, self.setup.bank, self.setup.scan_number),
            nchan,
            primary,
            table,
            subbands=subbands,
        )

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

    def peak_channel(self) -> int:
        """Channel (from 0, in band order) with the most power in all finished integrations."""
        return self.accumulator.peak_channel()

    def newest_spectrum(self) -> LiveSpectrum | None:
        """Return the mean over all switching states of the newest integration, if it is new."""
        parts, self._newest = self._newest, []
        if not parts:
            return None
        spectra = sum(part.spectra for part in parts)
        mean = np.sum([part.mean * part.spectra for part in parts], axis=0) / spectra
        shaped = np.stack([np.atleast_2d(self.axis.shaped(each)) for each in mean], axis=1)
        starts, labels = self.axis.first_channels(), self.accumulator.labels
        names = [f" of sub-band {number}" for number in range(len(starts))]
        return LiveSpectrum(
            rows=[f"{label}{name if names[1:] else ''}" for name in names for label in labels],
            x_starts=np.repeat(starts, len(labels)).tolist(),
            x_delta=self.axis.width,
            time=self._start + parts[0].middle / self.rate,
            integration=parts[0].integration,
            data=shaped.reshape(-1, shaped.shape[-1]).astype(np.float32),
        )

    def flush(self, *, sync: bool = False) -> None:
        """Write what is finished to the file. OSError if the disk does not take it."""
        if self.output is not None:
            self.output.set_number("NLOOPS", self.pacing.loops)
            self.output.flush(sync=sync)
            self._unsafe.clear()
            if sync:
                update_header(self.output, self.account)

    def _finish(self) -> None:
        if self.begun:
            self._take(self.accumulator.finish(), self._written_at)
            self.flush()

    def _close_header(
        self, account: ScanAccount, ending: FileState, closing: ClosingRemarks
    ) -> None:
        if self.output is not None:
            close_header(self.output, account, ending, closing)

    def _forget_unsafe(self) -> None:
        if self.output is not None:
            self.integrations -= sum(end > self.output.rows for end in self._unsafe.values())
            self._unsafe.clear()

    def _take(self, finished: list[StateSum], now: float) -> None:
        if not finished:
            return
        self.integrations += len({part.integration for part in finished} - {self._last_integration})
        self._last_integration = finished[-1].integration
        self._newest = [part for part in finished if part.integration == self._last_integration]
        if self.output is None:
            return
        for part in finished:
            self.output.append(self._rows(part))
            self._unsafe[part.integration] = self.output.rows + self.output.pending_rows
        if (
            self._is_enough(self.output)
            or not 0 <= now - self._written_at < self.options.flush_every
        ):
            self.flush()
            self._written_at = now

    def _is_enough(self, file: ScanFile) -> bool:
        wanted = self.options.flush_rows
        return file.pending_bytes >= FLUSH_BYTES if wanted is None else file.pending_rows >= wanted

    def _rows(self, part: StateSum) -> Iterator[IntegrationRow]:
        nfine, setup, axis = self._channelizer.nfine, self.setup, self.axis
        of_subbands = (
            {}
            if axis.centres is None
            else {"subband_frequencies": axis.centres, "reference_values": axis.sky()}
        )
        begin = part.integration * setup.exposure
        moment = datetime.fromtimestamp(self._start + begin, UTC)
        for polarization, label in enumerate(self.accumulator.labels):
            yield IntegrationRow(
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
