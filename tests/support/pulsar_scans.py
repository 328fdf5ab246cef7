"""Scans of pulsar modes in this process, by the classes that `spectrometer-daq` runs, and what is in their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.run import RunOptions
from spectrometer.daq.runs import run_for

START = 1.7e9  # 2023-11-14T22:13:20
DAY, SECOND = 60262, 80000
RECEIVER: dict[str, Any] = {"center_mhz": 300.0, "bandwidth_mhz": 0.4, "channels": 4, "seed": 4}
STATUS: dict[str, Any] = {
    "BACKEND": "GUPPI", "OBS_MODE": "FOLD", "OBSNCHAN": 4, "TBIN": 1e-4, "DS_TIME": 1, "NPOL": 4,
    "POL_TYPE": "AABBCRCI", "ONLY_I": 0, "NBIN": 64, "TFOLD": 1.0, "SCANLEN": 3.0, "PROJID": "P", "BANKNAM": "BANKA",
    "SCANNUM": 1, "FFTLEN": 32768, "OVERLAP": 512, "BLOCSIZE": 33554432, "CHAN_DM": 0.0,
}  # fmt: skip

Doubles = npt.NDArray[np.float64]


def par_file(folder: Path, *, period: float = 0.1, dm: float = 0.0, at: float = 0.0) -> Path:
    """A par file of a pulsar whose phase is 0 at `at` s after START."""
    path = folder / "x.par"
    path.write_text(f"PSR J0000+0000\nF0 {1 / period!r}\nPEPOCH {DAY + (SECOND + at) / 86400!r}\nDM {dm}\n")
    return path


def pulsar_scan(
    folder: Path,
    receiver: Mapping[str, Any] | None = None,
    *,
    source: Path | None = None,
    late: tuple[float, float] | None = None,
    taps: int = 8,
    **status: Any,
) -> Path:
    """Take a scan to its end; its file.

    Args:
        folder: Of the data; a par file `x.par` in it is the one to fold with.
        receiver: Settings of the synthetic receiver other than RECEIVER's.
        source: A recording instead.
        late: Pieces that are complete between these times, s since START, come too late and are dropped.
        taps: Of the filter bank.
        status: Keys of the status memory other than STATUS has.
    """
    values = {**STATUS, "PARFILE": str(folder / "x.par"), **status}
    synthetic = None if source is not None else ReceiverConfig(**{**RECEIVER, **(receiver or {})})
    options = RunOptions(source=source, synthetic=synthetic, fast=late is None, taps=taps)
    run = run_for(options, {key: value for key, value in values.items() if value is not None}, folder)
    run.begin(START)
    now = START
    while not run.pacing.over:
        now += run.pacing.due_in(now)
        is_late = late is not None and late[0] < now - START <= late[1]
        run.step(now + (3.0 if is_late else 0.0))
    run.end()
    assert run.path is not None
    return run.path


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
        scale, offset = (np.asarray(rows[key], float).reshape(shape) for key in ("DAT_SCL", "DAT_OFFS"))
        if table["NBIN"] > 1:
            values = rows["DATA"] * scale[..., None] + offset[..., None]
        else:
            data = np.asarray(rows["DATA"], float).reshape(len(rows), table["NSBLK"], npol, nchan)
            values = data * scale[:, None] + offset[:, None]
        return Found(units[0].header, table, units["HISTORY"].data[0], rows, values)


def dispersed_by(dm: float, frequencies: Doubles, reference: float = np.inf) -> Doubles:
    """How much later frequencies (MHz) come than the reference, s; the constant as pulsar programs round it."""
    return dm / 2.41e-4 * (frequencies**-2 - reference**-2)


def dedispersed(values: Doubles, turns: Doubles) -> Doubles:
    """Profiles with each channel moved to an earlier phase, as a reader does it by DM: by an FFT along the bins.

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
