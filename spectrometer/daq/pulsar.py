"""One scan of a pulsar (GUPPI) mode: voltages go through a chain into a recorder of search data,
profiles or voltages.

Knows how the parts fit together and when a piece is due, as `run` does for spectra. Times within
the data are those of the voltages, by their sample time; how fast they come, by the clock, is the
card REPLAYRT (docs/decisions).
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from groundwork.givenfiles import GivenFileError, read_given
from spectrometer.daq.account import ClosingRemarks, FileState, ScanAccount, Tally
from spectrometer.daq.accumulator import StateCycle
from spectrometer.daq.basicrun import BasicRun
from spectrometer.daq.errors import ScanSetupError
from spectrometer.daq.folding import Spin
from spectrometer.daq.pacing import Pacing
from spectrometer.daq.planned import subintegrations_of
from spectrometer.daq.protocol.psrfits import Layout
from spectrometer.daq.psrfits import PsrFitsFile, antenna_position, source_position
from spectrometer.daq.pulsarchain import Chain, ChainOptions
from spectrometer.daq.pulsarsetup import PulsarSetup, RecordedForm, read_pulsar_setup
from spectrometer.daq.rawfile import RawFile, choose_block, in_two_polarizations
from spectrometer.daq.receiver import FASTEST
from spectrometer.daq.recorders import FoldRecorder, RawRecorder, SearchRecorder, VoltageRecorder
from spectrometer.daq.run import (
    UNIX_EPOCH_MJD,
    check_directory,
    open_source,
    scan_cards,
)
from spectrometer.daq.source import SourceCard, gap_note
from spectrometer.daq.writer import file_name
from spectrometer.derive.parfile import DAY_S, Ephemeris, read_par
from spectrometer.errors import PulsarSetupError
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import Value

__all__ = ["PulsarRun"]

log = logging.getLogger(__name__)

ROW_S = 0.25
"""Of the clock: the longest that a row, a block or a transform is waited for, where the data allow
it."""
ROW_BYTES = 1 << 20
MAX_BINS = 1 << 25
"""Of the profiles of all channels and products together: 256 MiB."""
ROWS_AT_LEAST = 8
"""In a scan, however short."""
RAW_KEYS = (
    "BACKEND",
    "OBS_MODE",
    "TELESCOP",
    "OBSERVER",
    "PROJID",
    "SRC_NAME",
    "FRONTEND",
    "RA_STR",
    "DEC_STR",
    "FD_POLN",
    "NRCVR",
    "BANKNAM",
    "BANKNUM",
    "CHAN_DM",
    "SCANNUM",
    "SCANLEN",
    "CAL_MODE",
    "CAL_FREQ",
    "CAL_DCYC",
)


class PulsarRun(BasicRun[PulsarSetup, VoltageRecorder]):
    """A scan of a pulsar mode; see `BasicRun`."""

    note = ""
    _unwritten = 0

    def _read_setup(self) -> PulsarSetup:
        return read_pulsar_setup(self._values)

    def _prepare(self) -> None:
        self._par_text, self._ephemeris = self._read_par()
        if self._to_file:
            check_directory(self._data_root / self.setup.project)
        self.source = open_source(self.options, self._values, StateCycle())
        try:
            self.rate = self._choose_rate()
            if (
                self.setup.recording is RecordedForm.CAL
            ):  # the diode is part of the source, so it is opened again
                self.source.close()
                self.source = open_source(self.options, self._values, self._calibration())
            self._make_chain()
        except BaseException:
            self.source.close()
            raise
        self.pacing = Pacing(self.source, self.rate, self.setup.scan_length, self.options.lag_limit)
        self._tally = Tally(self.pacing, self._planned)

    def _planned(self, voltages: int) -> int:
        """Complete rows, sub-integrations or blocks of so many voltages."""
        if self._chain is None:
            return self._block.blocks_of(voltages)
        samples = self._chain.samples_of(voltages)
        if self.setup.recording is RecordedForm.SEARCH:
            return samples // self._nsblk
        return subintegrations_of(samples, self._chain.sample_time, self.setup.fold_time)

    # what it needs

    def _read_par(self) -> tuple[str, Ephemeris | None]:
        if self.setup.recording is not RecordedForm.FOLD:
            return "", None
        given = self.setup.par_file
        if given == UNSPECIFIED or given.startswith("..."):
            raise ScanSetupError(f"PARFILE is {given}; expected a path of at most 68 characters")
        try:
            text = read_given(Path(given), self.options.file_roots).decode("ascii", "replace")
            return text, read_par(text)
        except GivenFileError as error:
            raise ScanSetupError(f"PARFILE {Path(given).name}: {error}") from error
        except PulsarSetupError as error:
            raise ScanSetupError(f"{Path(given).name}: {error}") from error

    def _choose_rate(self) -> float:
        """Of a recording its own, if that is not too fast for this program; never one that fills an
        exposure."""
        band = self.source.band
        if not self.source.samples:
            return self.source.default_rate(0.0)
        return self.options.rate or min(1.0 / band.sample_time, FASTEST / band.channels)

    def _calibration(self) -> StateCycle:
        """The diode, on at the beginning of each period; the source goes by the clock, the period
        by the voltages."""
        period = 1.0 / self.setup.cal_frequency / (self.rate * self.source.band.sample_time)
        return StateCycle(
            period=period,
            starts=(0.0, self.setup.cal_duty),
            cal=(1, 0),
            sig_ref=(0, 0),
            blanking=(0.0, 0.0),
        )

    def _make_chain(self) -> None:
        band, setup = self.source.band, self.setup
        basis = self.source.basis or setup.basis
        clock = 1.0 / (self.rate * band.sample_time)  # s of the clock in one of the voltages
        notes = gap_note(self.source)
        if basis != setup.basis:
            notes.append(f"FD_POLN {basis} as the recording says")
        self._values["FD_POLN"] = basis  # with all that files assume by it
        self._chain: Chain | None = None
        longest = min(ROW_S, (setup.scan_length or ROW_S * ROWS_AT_LEAST) / ROWS_AT_LEAST)
        if setup.recording is RecordedForm.RAW:
            if band.channels == 1:
                raise ScanSetupError(
                    "raw: 1 channel would be read as real samples; 2 or more are needed: divide the source's band, "
                    "or record search data"
                )
            if band.polarizations == 1:
                notes.append("one polarization: B is all zeros")
            self._block = choose_block(
                in_two_polarizations(band), setup.blocsize, 0, max(int(longest * self.rate), 1)
            )
            first = self._block.new + self._block.overlap
            if band.channels != setup.nchan:
                notes.append(f"{band.channels} channels as they come, not {setup.nchan}")
        else:
            nchan = (
                setup.nchan if self.options.nfine is None else self.options.nfine * band.channels
            )
            chain = self._chain = Chain(
                band,
                ChainOptions(
                    nchan=nchan,
                    taps=self.options.taps,
                    window=self.options.window,
                    pol_type=setup.pol_type,
                    is_circular=basis == "CIRC",
                    sample_time=setup.sample_time,
                    dm=setup.dm if setup.is_coherent else None,
                    transforms=setup.transforms,
                    longest=longest / clock,
                ),
            )
            most = min(longest / (chain.sample_time * clock), ROW_BYTES / (nchan * chain.products))
            self._nsblk = 1 << max(int(most).bit_length() - 1, 0)
            bins = MAX_BINS // (nchan * chain.products)
            if setup.recording is not RecordedForm.SEARCH and setup.nbin > bins:
                raise ScanSetupError(
                    f"NBIN is {setup.nbin}; expected at most {bins} with {nchan} channels"
                )
            self._check_diode(chain)
            rows = self._nsblk if setup.recording is RecordedForm.SEARCH else 1
            first = chain.first_voltages + int((rows - 1) * chain.sample_time / band.sample_time)
            notes += chain.notes
            turns = setup.cal_frequency if self._ephemeris is None else self._ephemeris.f0
            if (
                setup.recording is not RecordedForm.SEARCH
                and chain.sample_time * turns * setup.nbin > 1.01
            ):
                shown = 1 / turns / setup.nbin
                notes.append(
                    f"a sample of {chain.sample_time:.6g} s is longer than a bin of {shown:.3g} s"
                )
            if self._ephemeris is not None and self._ephemeris.left_out:
                notes.append(f"not used of the par file: {', '.join(self._ephemeris.left_out)}")
        if setup.scan_length is not None and setup.scan_length * self.rate < first:
            raise ScanSetupError(
                f"SCANLEN {setup.scan_length:g} s is too short: the first row takes {first / self.rate:.3g} s"
            )
        notes += self._unknown_places()
        self.note = "; ".join(notes)
        if self.note:
            log.warning("%s: %s", self.source.name, self.note)

    def _check_diode(self, chain: Chain) -> None:
        """Refuse a diode that is switched so fast that no sample is of one of its states alone."""
        if self.setup.recording is not RecordedForm.CAL:
            return
        duty, frequency = self.setup.cal_duty, self.setup.cal_frequency
        shortest = min(duty, 1 - duty) / frequency
        needed = chain.taps * chain.nfine * self.source.band.sample_time + chain.sample_time
        if shortest < needed:
            raise ScanSetupError(
                f"CAL_FREQ {frequency:g} Hz: a state lasts {shortest:.4g} s, samples need {needed:.4g} s: "
                "switch more slowly, or take fewer channels"
            )

    def _unknown_places(self) -> list[str]:
        """Cards of positions that readers will miss, while it can still be told."""
        notes = [] if all(source_position(self._values)) else ["no RA, DEC"]
        if self._chain is not None and antenna_position(self._values) is None:
            notes.append("no ANT_X, Y, Z")
        return notes

    # what the program asks

    def peak_channel(self) -> int:
        """Channel (from 0, in band order) with the most power so far."""
        return 0 if self.output is None else self.output.peak_channel()

    def step(self, now: float) -> bool:
        """Process one piece, or drop it if it is too late; True if rows were finished."""
        assert self.output is not None
        before = self.pacing.reached
        due, rows = self.pacing.take(now), 0
        if due.is_late or due.position > before:  # too slow, or a gap in a recording
            self.output.lost()
        if not due.is_late and due.samples.shape[1]:
            rows = self.output.take(due.samples, due.position)
        self._count(rows, now)
        self.pacing.advance()
        if self.pacing.over:
            last = self.output.finish(self.pacing.reached)
            self._count(last, now)
            rows += last
        return bool(rows)

    def _count(self, rows: int, now: float) -> None:
        self.integrations += rows
        self._unwritten += rows
        enough = self.options.flush_rows is not None and self._unwritten >= self.options.flush_rows
        if rows and (enough or not 0 <= now - self._written_at < self.options.flush_every):
            self.flush()
            self._written_at, self._unwritten = now, 0

    def flush(self, *, sync: bool = False) -> None:
        """Write what is finished to the file. OSError if the disk does not take it."""
        if self.output is not None:
            self.output.set_loops(self.pacing.loops)
            self.output.flush(sync=sync)
            if sync:
                self.output.update_header(self.account)

    def _finish(self) -> None:
        if self.output is not None:
            self.integrations += self.output.finish(self.pacing.reached)
            self.flush()

    def _close_header(
        self, account: ScanAccount, ending: FileState, closing: ClosingRemarks
    ) -> None:
        if self.output is not None:
            self.output.close_header(account, ending, closing)

    def _forget_unsafe(self) -> None:
        if self.output is not None:
            self.integrations -= self.output.unsafe

    # its file

    def _open_output(self, start: float) -> VoltageRecorder:
        setup = self.setup
        moment = datetime.fromtimestamp(start, UTC)
        directory = self._data_root / setup.project
        day, second = divmod(start, DAY_S)
        day = int(day + UNIX_EPOCH_MJD)
        if self._chain is None:
            file = None
            if self._to_file:
                file = RawFile(directory, file_name(moment, setup.bank, setup.scan_number, ".raw"))
            return RawRecorder(
                in_two_polarizations(self.source.band),
                self._block,
                self._raw_cards(day, second),
                file,
            )
        chain, folds = self._chain, setup.recording is not RecordedForm.SEARCH
        spin, dm = self._spin(day, second)
        frequency = spin.frequency
        layout = Layout(
            frequencies=tuple(chain.frequencies.tolist()),
            channel_width=chain.channel_width,
            pol_type=chain.pol_type,
            npol=chain.products,
            sample_time=1.0 / (frequency * setup.nbin) if folds else chain.sample_time,
            nsblk=1 if folds else self._nsblk,
            nbin=setup.nbin if folds else 1,
            coherent_dm=setup.dm if setup.is_coherent else 0.0,
            dm=dm,
        )
        psrfits = None
        if self._to_file:
            psrfits = PsrFitsFile(
                directory,
                file_name(moment, setup.bank, setup.scan_number),
                layout,
                obs_mode={RecordedForm.FOLD: "PSR"}.get(setup.recording, str(setup.recording)),
                begin=(day + int((second + chain.first) // DAY_S), (second + chain.first) % DAY_S),
                status=self._values,
                own=self._own_cards(chain, start),
                history=[
                    *self.source.notes,
                    *([self.note] if self.note else []),
                    *self._sentences(),
                ],
                par_text=self._par_text,
            )
        if not folds:
            return SearchRecorder(chain, psrfits, self._nsblk)
        return FoldRecorder(chain, psrfits, nbin=setup.nbin, fold_time=setup.fold_time, spin=spin)

    def _spin(self, day: int, second: float) -> tuple[Spin, float]:
        """Return what is folded with, and the pulsar's dispersion measure."""
        if self._ephemeris is None:
            return Spin(0.0, self.setup.cal_frequency or 1.0), 0.0
        return Spin(*self._ephemeris.at(day, second)), self._ephemeris.dm

    def _sentences(self) -> list[str]:
        sentences = [
            "Times are those of the voltages, by their sample time.",
            "Joins of loops are taken as joined.",
        ]
        if self.setup.recording is RecordedForm.FOLD:
            sentences.append(
                "F0 is taken as apparent; channels are folded with one phase and not dedispersed."
            )
        return sentences

    def _own_cards(self, chain: Chain, start: float) -> list[SourceCard]:
        planned, window, first = self._tally.whole, self.options.window, start + chain.first
        cards = scan_cards(self.source, self.rate, planned, chain.taps, window, first)
        cards.append(("RECTBIN", self.source.band.sample_time, "s, of the voltages"))
        if self.setup.recording is RecordedForm.CAL:
            cards += [
                ("CAL_MODE", "SYNC", "diode in step with the scan"),
                (
                    "CAL_PHS",
                    chain.first * self.setup.cal_frequency % 1.0,
                    "turns at STT; the diode goes on at 0",
                ),
                ("CAL_NPHS", 2, "states of a turn: on, off"),
            ]
        if chain.transforms is not None:
            cards += [
                ("FFTLEN", chain.transforms.fftlen, "of coherent dedispersion, as used"),
                ("OVERLAP", chain.transforms.overlap, "of its transforms, as used"),
            ]
        return cards

    def _raw_cards(self, day: int, second: float) -> dict[str, Value]:
        values = {
            key: self._values[key]
            for key in RAW_KEYS
            if self._values.get(key, "") not in ("", UNSPECIFIED)
        }
        return values | {
            "PKTFMT": "1SFA",
            "OVERLAP": 0,
            "STT_IMJD": day,
            "STT_SMJD": int(second),
            "STT_OFFS": second % 1.0,
            "STTVALID": 1,
            "SIMULATE": 1,
            "DATASRC": self.source.name,
            "REPLAYRT": float(self.rate),
            "NLOOPS": 0,
        }
