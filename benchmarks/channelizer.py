"""Channelizer and complete run, of a bare numpy + scipy loop on the same samples in the same
process.

The bare loop has no features: one whole pass of the recording at a time, filter by 8 shifted
products, FFT,
|.|^2, sum. It runs on one core, as ours does; blocks alternate A B A B and medians are compared.
"""

from __future__ import annotations

import importlib.util
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.fft

from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.channelizer import Channelizer, prototype, sum_power
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.run import ScanRun
from spectrometer.status import Value

TAPS, NFINE, NCHAN = 8, 256, 1024
PASSES = 400
REPEATS = 8


def recording_path() -> Path:
    """The Arecibo sample of the package baseband, whose code is not imported."""
    spec = importlib.util.find_spec("baseband")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "benchmarks.channelizer: install the package baseband for its sample recording"
        )
    return Path(spec.submodule_search_locations[0]) / "data" / "sample_puppi.raw"


def bare_pass(
    samples: npt.NDArray[np.int8], response: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """One pass without features: shape (coarse, polarizations, nfine)."""
    coarse, length, _ = samples.shape
    spectra = length // NFINE
    voltages = np.ascontiguousarray(
        samples.astype(np.float32).view(np.complex64).transpose(0, 2, 1)
    )
    blocks = voltages[:, :, : spectra * NFINE].reshape(coarse, -1, spectra, NFINE)
    count = spectra - TAPS + 1
    filtered = response[0] * blocks[:, :, :count]
    for tap in range(1, TAPS):
        filtered += response[tap] * blocks[:, :, tap : tap + count]
    transformed = scipy.fft.fft(filtered, axis=-1)
    power: npt.NDArray[np.float32] = (transformed.real**2 + transformed.imag**2).sum(axis=2)
    return power


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _measure(_effort: Effort) -> list[Row]:
    """Measure: throughput in million samples (of all channels and polarizations) per second."""
    logging.getLogger("spectrometer").setLevel(
        logging.ERROR
    )  # what the sample recording is warned of, each time
    path = recording_path()
    recording = GuppiFile(path)
    (piece,) = recording.pieces()
    samples, response = np.asarray(piece.samples, np.int8), prototype(TAPS, NFINE)
    channelizer = Channelizer(4, 2, response)
    sums = np.zeros((4, NFINE, 2))

    def floor() -> None:
        total = np.zeros((4, 2, NFINE))
        for _ in range(PASSES):
            total += bare_pass(samples, response)

    def ours() -> None:
        sums[:] = 0
        for _ in range(PASSES):
            channelizer.reset()
            sums.__iadd__(sum_power(channelizer.process(samples)))

    with tempfile.TemporaryDirectory() as directory:
        status: dict[str, Value] = {
            "NCHAN": NCHAN,
            "EXPOSURE": 0.1,
            "SCANLEN": 0.1 * PASSES,
            "PROJID": "BENCH",
        }

        def complete() -> None:
            run = ScanRun(RunOptions(source=path, fast=True, taps=TAPS), status, Path(directory))
            run.begin(time.time())
            while not run.pacing.over:
                run.step(time.time())
            run.end()

        works = (floor, ours, complete)
        times: tuple[list[float], list[float], list[float]] = ([], [], [])
        for work in works:
            work()
        for _ in range(REPEATS):
            for work, taken in zip(works, times, strict=True):
                taken.append(_seconds(work))
    recording.close()
    amount = samples.shape[0] * samples.shape[1] * 2 * PASSES / 1e6
    bare, channelized, whole = (amount / statistics.median(taken) for taken in times)
    unit = "Msamples/s"
    return [
        Row(
            "channelizer, 8 taps, 1024 channels",
            bare,
            channelized,
            channelized / bare,
            0.5,
            0.9,
            unit,
        ),
        Row("complete run from file to FITS", bare, whole, whole / bare, 0.4, None, unit),
    ]


PARTS: dict[str, Part] = {"all": _measure}
