"""PSRFITS files: headers and rows as `protocol.psrfits` lays them out, in a file that grows as
`spectrometer.daq.streamingfits` says."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from spectrometer.daq.protocol.psrfits import (
    COLUMNS,
    UNITS,
    Layout,
    Scaled,
    layout_cards,
    primary_cards,
    row_type,
    scale_profiles,
    scale_samples,
)
from spectrometer.daq.source import SourceCard, feed_basis
from spectrometer.daq.streamingfits import Record, StreamingTable, write_all
from spectrometer.daq.writer import complete_header, primary_unit
from spectrometer.derive.times import sidereal_seconds
from spectrometer.status.errors import CardError
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import Value, read_number

__all__ = ["PsrFitsFile", "antenna_position", "source_position"]

UNKNOWN = "UNKNOWN"
_OF_THE_MODE = (
    "NPOL",
    "POL_TYPE",
    "NBITS",
    "NSBLK",
    "ACC_LEN",
    "DS_TIME",
    "ONLY_I",
    "FFTLEN",
    "OVERLAP",
    "BLOCSIZE",
)
"""Status keys of what the mode would have recorded: the table's own cards say what it holds."""
PAR_LINE = 128
ANTENNA = ("ANT_X", "ANT_Y", "ANT_Z")
PENDING_BYTES = 1 << 24
"""Of lost rows: more are not kept in memory."""


class PsrFitsFile(StreamingTable):
    """A PSRFITS file being written.

    Args:
        directory: Made if it does not exist.
        name: Wished file name; `_2`, `_3`, ... is added if there is such a file.
        layout: Of its table.
        obs_mode: SEARCH, PSR or CAL.
        begin: Time of the first sample: MJD and s since the beginning of that day, UTC.
        status: Values of the status memory.
        own: Further cards of the primary header, which win.
        history: Sentences.
        par_text: The pulsar's par file, kept in the file; empty: none.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        layout: Layout,
        *,
        obs_mode: str,
        begin: tuple[int, float],
        status: Mapping[str, Value],
        own: Iterable[SourceCard] = (),
        history: Iterable[str] = (),
        par_text: str = "",
    ) -> None:
        self.layout, self._begin = layout, begin
        self._next_row = 0
        self._last: Scaled | None = None
        where = antenna_position(status)
        self._longitude = None if where is None else math.degrees(math.atan2(where[1], where[0]))
        self._frequencies = np.array(layout.frequencies)
        self._place = {
            column: _number(status, key, math.nan)
            for column, key in (
                ("RA_SUB", "RA"),
                ("DEC_SUB", "DEC"),
                ("TEL_AZ", "AZ"),
                ("TEL_ZEN", "ZA"),
            )
        }
        cards = [*_observation(status), *own, *primary_cards(layout, obs_mode, *begin)]
        if self._longitude is not None:
            cards.append(("STT_LST", self._sidereal(0.0), "s, mean sidereal time at STT"))
        wanted = {key: value for key, value in status.items() if key not in _OF_THE_MODE}
        units = fits.HDUList([primary_unit(wanted, cards, history), _history_table(layout)])
        if par_text:
            lines = [line.encode("ascii", "replace")[:PAR_LINE] for line in par_text.splitlines()]
            units.append(
                fits.BinTableHDU(np.array(lines, f"S{PAR_LINE}").view([("PARAM", f"S{PAR_LINE}")]))
            )
            units[-1].name = "PSRPARAM"
        table = fits.BinTableHDU(np.zeros(0, row_type(layout)), name="SUBINT")
        table.header["EXTVER"] = 1
        for key, value, comment in layout_cards(layout):
            table.header[key] = (value, comment)
        for unit in [*units[1:], table]:
            _describe(unit)
        before = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VerifyWarning)
            units.writeto(before)
        self._nsub_at = (
            sum(len(unit.header.tostring()) for unit in units[:2])
            + units[1].data.dtype.fields["NSUB"][1]
        )
        super().__init__(
            directory,
            name,
            row_type(layout),
            before.getvalue(),
            table.header.tostring().encode("ascii"),
        )

    def append_samples(self, samples: npt.NDArray[np.float32], number: int) -> None:
        """Take a row of search mode; it reaches the disk with the next `flush`.

        Rows that were lost before it are written, too, for readers that do not look at OFFS_SUB:
        they have the mean of the last row, and the weight 0.

        Args:
            samples: Shape (nsblk, products, channels).
            number: Of the row, since the beginning of the file, lost ones counted.
        """
        in_common = self.layout.scaled_in_common
        scaled = scale_samples(samples, in_common=in_common)
        if self._next_row < number:
            flat = _mean_of(self._last or scaled, in_common)
            for lost in range(self._next_row, number):
                self.take(self._search_row(flat, lost, weight=0.0))
                if self.pending_bytes > PENDING_BYTES:
                    self.flush()
        self.take(self._search_row(scaled, number))
        self._next_row, self._last = number + 1, scaled

    def _search_row(self, scaled: Scaled, number: int, weight: float = 1.0) -> Record:
        length = self.layout.nsblk * self.layout.sample_time
        return self._row(scaled, length, (number + 0.5) * length, weight)

    def append_profiles(
        self,
        profiles: npt.NDArray[np.float64],
        *,
        epoch: float,
        summed: float,
        share: float,
        period: float,
    ) -> None:
        """Take a row of fold mode; it reaches the disk with the next `flush`.

        Args:
            profiles: Shape (products, channels, nbin).
            epoch: A moment of phase 0 (the beginning of the first bin), s since the first sample. A
                reader takes OFFS_SUB + bin / nbin * period for the time at which a bin was
                received.
            summed: Of the samples that were folded, s.
            share: Of the samples that there would be if none were lost, 0 to 1.
            period: Of the pulsar, s.
        """
        record = self._row(scale_profiles(profiles), summed, epoch, share)
        record["PERIOD"] = period
        self.take(record)

    def _sidereal(self, offset: float) -> float:
        """Of a moment, s after the first sample; s, NaN if it is not known where the antenna is."""
        day, second = self._begin
        return (
            math.nan
            if self._longitude is None
            else sidereal_seconds(day, second + offset, self._longitude)
        )

    def _count(self, rows: int) -> None:
        super()._count(rows)
        write_all(self._file, rows.to_bytes(4, "big"), self._nsub_at)
        if (
            self.layout.is_search
        ):  # after NAXIS2: a program that dies in between leaves a sample too few, not too many
            self._set_table_number("NSTOT", rows * self.layout.nsblk)

    def _row(self, scaled: Scaled, length: float, offset: float, weight: float = 1.0) -> Record:
        record = np.zeros(1, self.row_type)
        record["LST_SUB"] = self._sidereal(offset)
        for column in ("GLON_SUB", "GLAT_SUB", "FD_ANG", "POS_ANG", "PAR_ANG"):
            record[column] = math.nan  # nobody says it
        for column, value in self._place.items():
            record[column] = value
        record["INDEXVAL"], record["TSUBINT"], record["OFFS_SUB"] = offset, length, offset
        record["DAT_FREQ"], record["DAT_WTS"] = self._frequencies, weight
        record["DAT_OFFS"], record["DAT_SCL"] = scaled.offset.ravel(), scaled.scale.ravel()
        record["DATA"] = scaled.data.reshape(record["DATA"].shape)
        return record


def _describe(table: fits.BinTableHDU) -> None:
    """Units of the columns, and comments."""
    for number, name in enumerate(table.columns.names, 1):
        if name in UNITS:
            table.header.insert(f"TFORM{number}", (f"TUNIT{number}", UNITS[name]), after=True)
    complete_header(table.header, COLUMNS)


def _mean_of(row: Scaled, in_common: int) -> Scaled:
    """A row of search mode whose samples are all the mean of another one, with one offset for the
    first products."""
    mean = (row.offset + row.scale * row.data.mean(axis=0)).astype(np.float32)
    mean[:in_common] = mean[:in_common].mean(axis=0)
    return Scaled(np.zeros_like(row.data), row.scale, mean)


def _text(status: Mapping[str, Value], key: str, default: str = UNKNOWN) -> str:
    value = str(status.get(key, UNSPECIFIED))
    return default if value in (UNSPECIFIED, "") else value


def _number(status: Mapping[str, Value], key: str, default: float) -> float:
    try:
        number = read_number(key, status.get(key))
    except CardError:
        return default
    return number if math.isfinite(number) else default


def source_position(status: Mapping[str, Value]) -> tuple[str, str]:
    """Right ascension and declination, `hh:mm:ss.s` and `+dd:mm:ss.s`; blank where nobody says
    them.

    A reader refuses a blank one; what it would make of 00:00:00 is a wrong barycentre.
    """
    ra, dec = _text(status, "RA_STR", ""), _text(status, "DEC_STR", "")
    return ra, dec if dec[:1] in ("", "+", "-") else f"+{dec}"


def antenna_position(status: Mapping[str, Value]) -> tuple[float, float, float] | None:
    """ITRF coordinates, m; None where nobody says them."""
    x, y, z = (_number(status, key, math.nan) for key in ANTENNA)
    return (x, y, z) if math.isfinite(x + y + z) and (x, y, z) != (0, 0, 0) else None


def _observation(status: Mapping[str, Value]) -> list[SourceCard]:
    """Cards of the observation that readers of PSRFITS expect, whoever says so; a text that nobody
    says is UNKNOWN."""
    ra, dec = source_position(status)
    basis = feed_basis(status.get("FD_POLN", "")) or "LIN"
    cards: list[SourceCard] = [
        ("OBSERVER", _text(status, "OBSERVER"), "observer"),
        ("PROJID", _text(status, "PROJID"), "project"),
        ("TELESCOP", _text(status, "TELESCOP"), "telescope"),
        ("FRONTEND", _text(status, "FRONTEND"), "receiver"),
        ("SRC_NAME", _text(status, "SRC_NAME"), "source"),
        ("BACKEND", "DIBAS", "readers have other rules for GUPPI and VEGAS"),
        ("BECONFIG", "N/A", "configuration file of the backend"),
        ("IBEAM", "", "beam"),
        ("NRCVR", int(_number(status, "NRCVR", 2)), "polarizations of the receiver"),
        ("FD_POLN", basis, "basis of A and B, LIN or CIRC"),
        (
            "FD_HAND",
            int(_number(status, "FD_HAND", 1)),
            "+1: A, B are X, Y or L, R; assumed if unsaid",
        ),
        (
            "FD_SANG",
            _number(status, "FD_SANG", 45.0 if basis == "LIN" else 0.0),
            "deg, where A = B; assumed if unsaid",
        ),
        (
            "FD_XYPH",
            _number(status, "FD_XYPH", 0.0),
            "deg, of A* B of the diode; assumed if unsaid",
        ),
        ("BE_PHASE", 1, "1: CI is Im[A* B] on the sky"),
        ("BE_DCC", 1, "1: a falling band's conjugation is undone"),
        ("BE_DELAY", 0.0, "s, still to be added to times"),
        ("TCYCLE", 0.0, "s, cycle of the backend"),
        ("PNT_ID", "", "name of the pointing"),
        ("COORD_MD", "J2000", "of RA, DEC and STT_CRD1 to STP_CRD2"),
        ("EQUINOX", 2000.0, "years, of the coordinates"),
        ("RA", ra, "hh:mm:ss.s; blank: not known"),
        ("DEC", dec, "+dd:mm:ss.s; blank: not known"),
        ("STT_CRD1", ra, "at the start"),
        ("STT_CRD2", dec, "at the start"),
        ("STP_CRD1", ra, "at the end"),
        ("STP_CRD2", dec, "at the end"),
        ("BMAJ", _number(status, "BMAJ", 0.0), "deg, of the beam"),
        ("BMIN", _number(status, "BMIN", 0.0), "deg, of the beam"),
        ("BPA", 0.0, "deg, of the beam"),
        ("TRK_MODE", _text(status, "TRK_MODE", "TRACK"), "TRACK, SCANGC or SCANLAT"),
        ("SCANLEN", _number(status, "SCANLEN", 0.0), "s, as asked for"),
        ("FD_MODE", "FA", "feed at a constant angle"),
        ("FA_REQ", 0.0, "deg, that angle"),
        (
            "CAL_MODE",
            "SYNC" if _text(status, "CAL_MODE") == "ON" else "OFF",
            "diode: OFF, SYNC, EXT1 or EXT2",
        ),
        ("CAL_FREQ", _number(status, "CAL_FREQ", 0.0), "Hz, of the diode"),
        ("CAL_DCYC", _number(status, "CAL_DCYC", 0.0), "part of a period that the diode is on"),
        ("CAL_PHS", _number(status, "CAL_PHS", 0.0), "turns of the diode at STT"),
        ("CAL_NPHS", 0, "states of the diode"),
    ]
    where = antenna_position(status)
    cards += [(key, metre, "m, ITRF") for key, metre in zip(ANTENNA, where or (), strict=False)]
    return cards


def _history_table(layout: Layout) -> fits.BinTableHDU:
    """Return the table of what was done to the data: one row."""
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S").encode("ascii")
    nbin = 0 if layout.is_search else layout.nbin
    columns: list[tuple[str, str, object]] = [
        ("DATE_PRO", "S24", made),
        ("PROC_CMD", "S256", b"spectrometer-daq"),
        ("SCALE", "S8", b"Counts"),
        ("POL_TYPE", "S8", layout.pol_type.encode("ascii")),
        ("NSUB", ">i4", 0),
        ("NPOL", ">i2", layout.npol),
        ("NBIN", ">i4", nbin),
        ("NBIN_PRD", ">i4", nbin),
        ("TBIN", ">f8", layout.sample_time),
        ("CTR_FREQ", ">f8", layout.centre),
        ("NCHAN", ">i4", layout.nchan),
        ("CHAN_BW", ">f8", layout.channel_width),
        ("REF_FREQ", ">f8", layout.centre),
        ("DM", ">f8", layout.dm),
        ("RM", ">f8", 0.0),
        ("PR_CORR", ">i2", 0),
        ("FD_CORR", ">i2", 0),
        ("BE_CORR", ">i2", 0),
        ("RM_CORR", ">i2", 0),
        ("DEDISP", ">i2", 0),
        ("DDS_MTHD", "S32", b"NONE"),
        ("SC_MTHD", "S32", b"NONE"),
        ("CAL_MTHD", "S32", b"NONE"),
        ("CAL_FILE", "S256", b"NONE"),
        ("RFI_MTHD", "S32", b"NONE"),
    ]
    row = np.zeros(1, np.dtype([(name, kind) for name, kind, _ in columns]))
    row[0] = tuple(value for _, _, value in columns)
    return fits.BinTableHDU(row, name="HISTORY")
