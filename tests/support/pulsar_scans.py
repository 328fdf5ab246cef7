"""Scans of pulsar modes in this process, and what is in their files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from readers.scans import DAY, SECOND, START, par_file, pulsar_scan
from spectrometer.daq.protocol.guppiraw import read_header

__all__ = [
    "DAY",
    "SECOND",
    "START",
    "Found",
    "centroid",
    "dedispersed",
    "dispersed_by",
    "par_file",
    "psrfits",
    "pulsar_scan",
    "raw_voltages",
]

Doubles = npt.NDArray[np.float64]


@dataclass
class Found:
    """Contents of a PSRFITS file."""

    primary: fits.Header
    table: fits.Header
    history: fits.FITS_record
    rows: fits.FITS_rec
    values: Doubles = field(repr=False)
    """Fold: (rows, products, channels, bins); search: (rows, samples, products, channels)."""


def psrfits(path: Path) -> Found:
    """Read a file with astropy; value = DATA * DAT_SCL + DAT_OFFS."""
    with fits.open(path, memmap=False) as units:
        units.verify("exception")
        table, rows = units["SUBINT"].header, units["SUBINT"].data
        npol, nchan = table["NPOL"], table["NCHAN"]
        shape = (len(rows), npol, nchan)
        scale, offset = (
            np.asarray(rows[key], float).reshape(shape) for key in ("DAT_SCL", "DAT_OFFS")
        )
        if table["NBIN"] > 1:
            values = rows["DATA"] * scale[..., None] + offset[..., None]
        else:
            data = np.asarray(rows["DATA"], float).reshape(len(rows), table["NSBLK"], npol, nchan)
            values = data * scale[:, None] + offset[:, None]
        return Found(units[0].header, table, units["HISTORY"].data[0], rows, values)


def raw_voltages(path: Path) -> npt.NDArray[np.int8]:
    """Samples of all blocks of a raw file, one after the other: shape (channels, samples, 4)."""
    data, at, blocks = path.read_bytes(), 0, []
    while at < len(data):
        header = read_header(data[at : at + 20_000])
        begin, at = at + header.header_bytes, at + header.header_bytes + header.block_bytes
        blocks.append(
            np.frombuffer(data[begin:at], np.int8).reshape(header.channels, header.samples, 4)
        )
    return np.concatenate(blocks, axis=1)


def dispersed_by(dm: float, frequencies: Doubles, reference: float = np.inf) -> Doubles:
    """Delay of frequencies (MHz) after the reference, s; the constant as pulsar programs
    round it."""
    return dm / 2.41e-4 * (frequencies**-2 - reference**-2)


def dedispersed(values: Doubles, turns: Doubles) -> Doubles:
    """Profiles with each channel moved to an earlier phase, as a reader does it by DM: by an FFT
    along the bins.

    Args:
        values: Shape (..., channels, bins).
        turns: Of each channel.
    """
    spectra = np.fft.rfft(values, axis=-1)
    spectra *= np.exp(2j * np.pi * turns[:, None] * np.arange(spectra.shape[-1]))
    return np.fft.irfft(spectra, n=values.shape[-1], axis=-1)


def centroid(profile: Doubles) -> float:
    """Phase of a pulse in a profile whose bin 0 begins at phase 0; -0.5 to 0.5."""
    pulse = profile - np.median(profile)
    turns = np.exp(2j * np.pi * (np.arange(len(profile)) + 0.5) / len(profile))
    return float(np.angle((pulse * turns).sum()) / (2 * np.pi))
