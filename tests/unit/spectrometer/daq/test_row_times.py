"""Times of the rows of spectra: the middle and the length of what was truly summed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from spectrometer.daq.accumulator import Accumulator, StateCycle
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.runs import run_for

START = 1_700_000_000.0
FILTER_S = 64 / 10_000
"""A spectrum of 16 channels in 2 coarse ones takes 8 taps of 8 samples, of which there are 10,000
in a second."""
RECEIVER = {"center_mhz": 300.0, "bandwidth_mhz": 0.02, "channels": 2}


def table(
    folder: Path,
    is_lost: Callable[[float], bool] = lambda _: False,
    stop: float | None = None,
    **status: Any,
) -> Any:
    """Rows of a scan.

    Args:
        folder: Of the data.
        is_lost: Says of the beginning of a piece, s since the start of the scan, whether it comes
            too late.
        stop: When the scan is stopped, s.
        status: Exposure, length, switching.
    """
    values = {"NCHAN": 16, "PROJID": "P", "BANKNAM": "B", "SCANNUM": 1, **status}
    run = run_for(RunOptions(synthetic=ReceiverConfig(**RECEIVER), max_lag=100.0), values, folder)
    run.begin(START, 0.0)
    now = 0.0
    while not run.pacing.over:
        now += run.pacing.due_in(now)
        if stop is not None and now > stop:
            run.pacing.stop(stop)
            break
        begin = run.pacing.reached / 10_000
        run.pacing.start = (
            -1000.0 if is_lost(begin + 1e-9) else 0.0
        )  # as if it had been complete long ago
        run.step(now)
        run.pacing.start = 0.0
    run.pacing.cut(now)
    run.end()
    assert run.path is not None
    with fits.open(run.path, memmap=False) as units:
        units.verify("exception")
        rows = units["SPECTRA"].data
        return rows[rows["POL"] == "XX"]


def seconds(rows: Any) -> np.ndarray:
    found: np.ndarray = (rows["TIME"] - 40587.0) * 86400.0 - START
    return found


def begins(rows: Any) -> list[float]:
    return [
        datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - START
        for text in rows["DATE_OBS"]
    ]


def test_the_last_row_of_a_scan_that_is_no_multiple_of_the_exposure_has_its_own_middle(
    tmp_path: Path,
) -> None:
    rows = table(tmp_path, EXPOSURE=2.0, SCANLEN=3.0)
    assert seconds(rows) == pytest.approx([1.0, 2.5], abs=FILTER_S)
    assert rows["EXPOSURE"] == pytest.approx([2.0, 1.0], abs=FILTER_S)
    assert rows["DURATION"] == pytest.approx([2.0, 1.0])
    assert begins(rows) == [0.0, 2.0]


def test_a_row_that_is_cut_short_by_a_stop_has_the_middle_of_what_there_was(tmp_path: Path) -> None:
    rows = table(tmp_path, stop=0.16, EXPOSURE=5.0, SCANLEN=10.0)
    assert seconds(rows) == pytest.approx([0.075], abs=FILTER_S)
    assert rows["EXPOSURE"] == pytest.approx([0.15], abs=FILTER_S)
    assert rows["DURATION"] == pytest.approx([0.15])  # three pieces were complete


@pytest.mark.parametrize(
    ("kept", "time", "exposure"),
    [
        ([(0.0, 0.15)], 0.075, 0.15),
        ([(0.0, 0.1), (0.4, 0.5)], 0.25, 0.2),
        ([(0.35, 0.5)], 0.425, 0.15),
    ],
)
def test_what_is_lost_within_a_row_moves_its_time_and_lessens_its_exposure(
    tmp_path: Path, kept: list[tuple[float, float]], time: float, exposure: float
) -> None:
    def is_lost(begin: float) -> bool:
        return 0.5 <= begin < 1.0 and not any(
            0.5 + first <= begin < 0.5 + last for first, last in kept
        )

    rows = table(tmp_path, is_lost, EXPOSURE=0.5, SCANLEN=1.5)
    assert seconds(rows) == pytest.approx([0.25, 0.5 + time, 1.25], abs=2 * FILTER_S)
    assert rows["EXPOSURE"] == pytest.approx([0.5, exposure, 0.5], abs=2 * FILTER_S)
    assert rows["DURATION"] == pytest.approx([0.5] * 3)
    assert begins(rows) == pytest.approx([0.0, 0.5, 1.0])


def test_all_states_of_an_integration_have_one_time(tmp_path: Path) -> None:
    cycle = {"SWPERIOD": 0.2, "_SPHS_01": 0.0, "_SPHS_02": 0.3, "_SCAL_01": 1, "_SCAL_02": 0}
    rows = table(tmp_path, lambda begin: 0.75 <= begin < 1.0, EXPOSURE=0.5, SCANLEN=1.5, **cycle)
    assert rows["STATE"].tolist() == [0, 1] * 3
    assert seconds(rows)[::2] == pytest.approx(seconds(rows)[1::2], abs=1e-6)
    assert seconds(rows)[::2] == pytest.approx(
        [0.25, 0.625, 1.25], abs=0.03
    )  # states differ in length


def test_the_middle_is_the_mean_of_all_spectra_that_were_summed() -> None:
    sums = Accumulator(
        StateCycle(), coarse=1, nfine=2, polarizations=1, cross=False, integration_samples=100.0
    )
    for first, count in ((1.0, 5), (51.0, 3)):
        assert not sums.add(np.ones((1, count, 2, 1), np.complex64), first, 1.0)
    (done,) = sums.finish()
    assert done.middle == pytest.approx(np.mean([1, 3, 5, 7, 9, 51, 53, 55]))
    sums.add(np.ones((1, 1, 2, 1), np.complex64), 730.5, 1.0)
    assert sums.finish()[0].middle == pytest.approx(730.5)
