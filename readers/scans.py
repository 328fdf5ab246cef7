"""Scans in this process, by the classes that `spectrometer-daq` runs: from voltages to a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.runs import Run, run_for

__all__ = ["DAY", "PULSAR", "SECOND", "START", "line_scan", "par_file", "pulsar_scan", "run_to_end"]

START = 1.7e9  # 2023-11-14T22:13:20
DAY, SECOND = 60262, 80000
RECEIVER: dict[str, Any] = {"center_mhz": 300.0, "bandwidth_mhz": 0.4, "channels": 4, "seed": 4}
PULSAR: dict[str, Any] = {
    "BACKEND": "GUPPI",
    "OBS_MODE": "FOLD",
    "OBSNCHAN": 4,
    "TBIN": 1e-4,
    "DS_TIME": 1,
    "NPOL": 4,
    "POL_TYPE": "AABBCRCI",
    "ONLY_I": 0,
    "NBIN": 64,
    "TFOLD": 1.0,
    "SCANLEN": 3.0,
    "PROJID": "P",
    "BANKNAM": "BANKA",
    "SCANNUM": 1,
    "FFTLEN": 32768,
    "OVERLAP": 512,
    "BLOCSIZE": 33554432,
    "CHAN_DM": 0.0,
}
LINE: dict[str, Any] = {
    "BACKEND": "VEGAS",
    "NCHAN": 64,
    "EXPOSURE": 0.1,
    "SCANLEN": 1.0,
    "PROJID": "L",
    "BANKNAM": "BANKA",
    "SCANNUM": 3,
}


def par_file(folder: Path, *, period: float = 0.1, dm: float = 0.0, at: float = 0.0) -> Path:
    """A par file of a pulsar whose phase is 0 at `at` s after START."""
    path = folder / "x.par"
    path.write_text(
        f"PSR J0000+0000\nF0 {1 / period!r}\nPEPOCH {DAY + (SECOND + at) / 86400!r}\nDM {dm}\n"
    )
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
    """Take a scan of a pulsar mode to its end; its file.

    Args:
        folder: Of the data; a par file `x.par` in it is the one to fold with.
        receiver: Settings of the synthetic receiver other than RECEIVER's.
        source: A recording instead.
        late: Pieces that are complete between these times, s since START, come too late and are
            dropped.
        taps: Of the filter bank.
        status: Keys of the status memory other than PULSAR has; None: without that key.
    """
    synthetic = None if source is not None else ReceiverConfig(**{**RECEIVER, **(receiver or {})})
    options = RunOptions(
        source=source, synthetic=synthetic, fast=late is None, taps=taps, max_lag=0.1
    )
    return _scan(folder, options, {**PULSAR, "PARFILE": str(folder / "x.par"), **status}, late)


def line_scan(
    folder: Path,
    receiver: Mapping[str, Any] | None = None,
    *,
    source: Path | None = None,
    taps: int = 4,
    **status: Any,
) -> Path:
    """Take a spectral-line scan to its end; arguments as of `pulsar_scan`."""
    synthetic = None if source is not None else ReceiverConfig(**(receiver or {}))
    rate = None if source is None else status.pop("rate", None)
    return _scan(
        folder,
        RunOptions(source=source, synthetic=synthetic, fast=True, taps=taps, rate=rate),
        {**LINE, **status},
    )


def _scan(
    folder: Path,
    options: RunOptions,
    values: Mapping[str, Any],
    late: tuple[float, float] | None = None,
) -> Path:
    run = run_for(
        options, {key: value for key, value in values.items() if value is not None}, folder
    )
    return run_to_end(run, late)


def run_to_end(run: Run, late: tuple[float, float] | None = None) -> Path:
    """Take a scan from START to its end; its file. `late` as of `pulsar_scan`."""
    run.begin(START)
    now = START
    while not run.pacing.over:
        now += run.pacing.due_in(now)
        is_late = late is not None and late[0] < now - START <= late[1]
        run.step(now + (3.0 if is_late else 0.0))
    run.end()
    assert run.path is not None
    return run.path
