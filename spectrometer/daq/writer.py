"""The FITS file of spectra: its headers, which come from astropy, and its rows. It grows as
`spectrometer.daq.streamingfits` says."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from spectrometer.daq.streamingfits import CHECKSUM_CARDS, StreamingTable
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.meanings import meaning
from spectrometer.status.protocol.cards import Value

log = logging.getLogger(__name__)

_NOT_COPIED = frozenset(
    (
        "SIMPLE",
        "BITPIX",
        "NAXIS",
        "EXTEND",
        "END",
        "CHECKSUM",
        "DATASUM",
        "COMMENT",
        "HISTORY",
        "DATE",
        # states of programs at some moment
        "DAQSTATE",
        "DAQPULSE",
        "SCANSTAT",
        "NETSTAT",
        "DISKSTAT",
        "DAQFITS",
        "DAQNINT",
        "DAQNROW",
        "DAQPEAK",
        "DAQLOOPS",
        "DAQBLKS",
        "DAQDROP",
        "DAQPLAN",
        "DAQLOST",
        "DAQERR",
        "DAQNOTE",
        "NPKT",
        "NDROP",
        "FILENUM",
        "SCANREM",
        "ARMSTATE",
        "ARRAYST",
        "ACCBLKOU",
        "DAQSTART",
        "DAQMONO",
        "BOARDST",
        # the band that the mode would have on the sky: a recording has its own
        "OBSFREQ",
        "OBSBW",
        "CHAN_BW",
        "EFSAMPFR",
        "BASE_BW",
        "OBSNCHAN",
        "TBIN",
        "FPGACLK",
        "CRPIX1",
        "CRVAL1",
        "CDELT1",
        "HWEXPOSR",
    )
)
_NOT_COPIED_PREFIXES = ("NAXIS", "SUB", "_MCR1_", "_MCDL_", "_MFQR_")


@dataclass(frozen=True, slots=True)
class IntegrationRow:
    """One row of the table."""

    integration: int
    state: int
    polarization: str
    sig_ref: int
    cal: int
    start: str
    """Beginning of the integration, UTC, as FITS writes moments."""
    duration: float
    """Seconds of the integration, with all that is lost or blanked."""
    mjd: float
    """Mean time of all that the integration has summed, UTC."""
    exposure: float
    """Replayed seconds that went into the row."""
    recorded: float
    """Seconds of the recording itself, by its own sample time."""
    spectra: int
    data: npt.NDArray[np.float64]
    """Shape (channels,), or (sub-bands, channels) with what follows."""
    subband_frequencies: npt.NDArray[np.float64] | None = None
    """Of each sub-band, Hz of the sampled band."""
    reference_values: npt.NDArray[np.float64] | None = None
    """Of each sub-band, Hz on the sky at CRPIX1."""


def file_name(start: datetime, bank: str, scan_number: int, suffix: str = ".fits") -> str:
    """Name of a scan's file by its start (UTC)."""
    return f"{start:%Y_%m_%d_%H-%M-%S}_{bank}_{scan_number}{suffix}"


def _row_type(nchan: int, subbands: int | None) -> np.dtype[np.void]:
    of_subbands = (
        []
        if subbands is None
        else [("SUBFREQ", ">f8", (subbands,)), ("CRVAL1", ">f8", (subbands,))]
    )
    return np.dtype(
        [
            ("INTEGNUM", ">i4"),
            ("STATE", ">i2"),
            ("SIG_REF", ">i2"),
            ("CAL", ">i2"),
            ("POL", "S4"),
            ("DATE_OBS", "S26"),
            ("DURATION", ">f8"),
            ("TIME", ">f8"),
            ("EXPOSURE", ">f8"),
            ("RECTIME", ">f8"),
            ("NSPECTRA", ">i4"),
            *of_subbands,
            ("DATA", ">f4", (nchan,) if subbands is None else (subbands, nchan)),
        ]
    )


_UNITS = {
    "DURATION": "s",
    "TIME": "d",
    "EXPOSURE": "s",
    "RECTIME": "s",
    "SUBFREQ": "Hz",
    "CRVAL1": "Hz",
    "DATA": "count**2",
}
_COLUMNS = {
    "INTEGNUM": "integration, from 0",
    "STATE": "switching state, from 0",
    "SIG_REF": "signal or reference, 0 or 1",
    "CAL": "diode: 1 on",
    "POL": "XX, YY, real and imaginary part of X Y*",
    "DATE_OBS": "UTC, beginning of the integration",
    "DURATION": "of the integration, losses included",
    "TIME": "MJD, UTC, mean of all that was summed",
    "EXPOSURE": "what went into the row, by the clock",
    "RECTIME": "the same, by TBIN",
    "NSPECTRA": "spectra that are summed",
    "SUBFREQ": "of the sampled band, centres of sub-bands",
    "CRVAL1": "on the sky, of channel CRPIX1 of each sub-band",
    "DATA": "mean power of a spectrum",
}
_STRUCTURE = {"EXTEND": "there are further units", "EXTVER": "version of the unit"}
_OF_COLUMNS = {"TFORM": "format", "TDIM": "axes, the first runs fastest", "TUNIT": "unit"}


_OF_A_COLUMN = {
    "CTYPE1": "1CTYP",
    "CUNIT1": "1CUNI",
    "CRPIX1": "1CRPX",
    "CRVAL1": "1CRVL",
    "CDELT1": "1CDLT",
}
"""Keyword of an image's axis -> that of a column's, before its number (FITS 4.0, table 22)."""


def primary_unit(
    status: Mapping[str, Value],
    own: Iterable[tuple[str, Value | bool, str]],
    history: Iterable[str] = (),
) -> fits.PrimaryHDU:
    """Build the primary unit of a scan's file.

    Args:
        status: Values of the status memory; keys about the mode's band and moments of programs are
            left out.
        own: Key, value and comment of what is known better here; these win.
        history: Sentences.
    """
    primary = fits.PrimaryHDU()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        copied = [
            (key, value, meaning(key))
            for key, value in status.items()
            if key not in _NOT_COPIED
            and not key.startswith(_NOT_COPIED_PREFIXES)
            and value != UNSPECIFIED
        ]
        for key, card_value, comment in (*copied, *own):
            try:
                primary.header[key] = (card_value, comment)
            except (
                ValueError
            ) as error:  # of the status memory, of a recording: a scan is worth more than a card
                log.warning("card %s is left out: %s", key, error)
        for sentence in history:
            primary.header["HISTORY"] = sentence.encode("ascii", "replace").decode()
        primary.header["DATE"] = (
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "UTC when the file was made",
        )
        complete_header(primary.header)
    return primary


def complete_header(header: fits.Header, columns: Mapping[str, str] | None = None) -> None:
    """Give each card a comment, if there is room for one, and keep room for checksums.

    Args:
        header: Of a unit.
        columns: Name of a column -> what it holds.
    """
    named: dict[str, str] = {}
    for card in header.cards:
        keyword = str(card.keyword)
        kind = keyword.rstrip("0123456789")
        if kind == "TTYPE":
            named[keyword] = (columns or {}).get(str(card.value), "")
        elif not card.comment and keyword not in ("", "HISTORY", "COMMENT"):
            named[keyword] = _STRUCTURE.get(keyword) or _OF_COLUMNS.get(kind) or meaning(keyword)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        for keyword, comment in named.items():
            header.comments[keyword] = comment
        header.extend(CHECKSUM_CARDS, end=True)


def build_headers(
    nchan: int,
    status: Mapping[str, Value],
    own: Iterable[tuple[str, Value | bool, str]],
    history: Iterable[str] = (),
    *,
    world: Iterable[tuple[str, Value | bool, str]] = (),
    subbands: int | None = None,
) -> tuple[bytes, bytes]:
    """Build the primary and the table header.

    Args:
        nchan: Channels of a spectrum, or of each sub-band.
        status: As of `primary_unit`, and `own`, `history`.
        world: Axis of channels, by the keywords of an image. In the table's header they are those of
            the column DATA, as FITS has them, and without sub-bands again as they are, as SDFITS has
            them: beside a column CRVAL1 they would be wrong for all sub-bands but one.
        subbands: Second axis of DATA; None: there is none.
    """
    primary = primary_unit(status, own, history)
    table = fits.BinTableHDU(np.zeros(0, _row_type(nchan, subbands)), name="SPECTRA")
    for number, name in enumerate(table.columns.names, start=1):
        if name in _UNITS:
            table.header.insert(f"TFORM{number}", (f"TUNIT{number}", _UNITS[name]), after=True)
    for key, value, comment in world:
        if subbands is None:
            table.header[key] = (value, comment)
        table.header[f"{_OF_A_COLUMN[key]}{len(table.columns)}"] = (value, comment)
    complete_header(table.header, _COLUMNS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)  # of a long text, whose comment is cut
        return primary.header.tostring().encode("ascii"), table.header.tostring().encode("ascii")


class ScanFile(StreamingTable):
    """A FITS file of spectra being written; OSError if it cannot be made.

    Args:
        directory: Made if it does not exist.
        name: Wished file name; `_2`, `_3`, ... is added if there is such a file.
        nchan: Channels of a spectrum.
        primary: Bytes of the primary header.
        table: Bytes of the table header, with NAXIS2 = 0.
        subbands: Sub-bands, or None, as the headers have it.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        nchan: int,
        primary: bytes,
        table: bytes,
        *,
        subbands: int | None = None,
    ) -> None:
        super().__init__(directory, name, _row_type(nchan, subbands), primary, table)

    def append(self, rows: Iterable[IntegrationRow]) -> None:
        """Take rows; they reach the disk with the next `flush`."""
        for row in rows:
            record = np.zeros(1, self.row_type)
            record[0] = (
                row.integration,
                row.state,
                row.sig_ref,
                row.cal,
                row.polarization.encode("ascii"),
                row.start.encode("ascii"),
                row.duration,
                row.mjd,
                row.exposure,
                row.recorded,
                row.spectra,
                *(
                    part
                    for part in (row.subband_frequencies, row.reference_values)
                    if part is not None
                ),
                row.data,
            )
            self.take(record)
