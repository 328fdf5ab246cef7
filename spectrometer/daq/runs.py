"""Classes that run a scan, and the choice by BACKEND and OBS_MODE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.pulsar import PulsarRun
from spectrometer.daq.pulsarsetup import BACKEND as PULSAR_BACKEND
from spectrometer.daq.run import ScanRun
from spectrometer.status.protocol.cards import Value

__all__ = ["Run", "run_for"]


Run = PulsarRun | ScanRun
"""A scan as `spectrometer.daq.program` works on it."""


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
