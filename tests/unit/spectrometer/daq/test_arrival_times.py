"""Arrival times that a reader takes from folded files, by the rule of PSRCHIVE, against when the
pulses were sent.

The rule: epoch = STT + OFFS_SUB as written where EPOCHS is VALID; a bin was received at epoch + bin
/ NBIN * PERIOD, bin 0 from its leading edge on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pulsar_scans import (
    SECOND,
    Found,
    centroid,
    dedispersed,
    dispersed_by,
    par_file,
    psrfits,
    pulsar_scan,
)

from spectrometer.daq.folding import Spin

PERIOD = 0.1
PULSAR = {"period_s": PERIOD, "width": 0.04, "flux_k": 60.0}
BIN = 1 / 64


def arrivals(found: Found) -> np.ndarray:
    """Turns since START at which each row and quarter of the band has its pulse: shape (rows,
    4)."""
    epochs = found.primary["STT_SMJD"] + found.primary["STT_OFFS"] - SECOND + found.rows["OFFS_SUB"]
    powers = found.values[:, 0].reshape(len(epochs), 4, -1, found.table["NBIN"]).mean(axis=2)
    phases = np.array([[centroid(channel) for channel in row] for row in powers])
    times: np.ndarray = epochs[:, None] + phases * found.rows["PERIOD"][:, None]
    return times


def wrapped(turns: np.ndarray) -> np.ndarray:
    """Turns off a whole number."""
    off: np.ndarray = turns - np.rint(turns)
    return off


@given(
    st.floats(0, 1, exclude_max=True),
    st.floats(0.01, 700.0),
    st.floats(-1e-8, 1e-8),
    st.floats(0, 3600.0),
)
def test_the_last_moment_of_phase_0_is_within_a_turn_before(
    phase: float, frequency: float, change: float, time: float
) -> None:
    spin = Spin(phase, frequency, change)
    zero = spin.last_zero(time)
    turns = float(spin.at(np.array(zero)))
    assert turns == pytest.approx(round(turns), abs=1e-6)
    assert -1e-6 <= (time - zero) * frequency < 1 + 1e-3


def test_epochs_of_rows_that_are_no_whole_number_of_turns_are_moments_of_phase_0(
    tmp_path: Path,
) -> None:
    par_file(tmp_path, period=PERIOD)
    found = psrfits(pulsar_scan(tmp_path, {"pulsar": PULSAR}, TFOLD=0.53))
    assert found.table["EPOCHS"] == "VALID"
    assert found.rows["OFFS_SUB"].tolist() == pytest.approx([0.2, 0.7, 1.3, 1.8, 2.3, 2.8])
    assert found.rows["TSUBINT"].tolist() == pytest.approx([0.53] * 5 + [0.35])
    assert found.rows["PERIOD"].tolist() == pytest.approx([PERIOD] * 6)


@pytest.mark.parametrize(
    "status",
    [
        {"OBS_MODE": "FOLD"},
        {"OBS_MODE": "FOLD", "POL_TYPE": "IQUV"},
        {
            "OBS_MODE": "FOLD",
            "OBSNCHAN": 64,
        },  # a filter bank: the first sample is later than the first voltage
        {"OBS_MODE": "COHERENT_FOLD"},
    ],
)
@pytest.mark.parametrize("at", [0.0, 0.037])
def test_a_pulse_arrives_when_it_was_received_in_every_row(
    tmp_path: Path, status: dict[str, Any], at: float
) -> None:
    par_file(tmp_path, period=PERIOD, at=at)
    found = psrfits(pulsar_scan(tmp_path, {"pulsar": PULSAR}, TFOLD=0.53, **status))
    assert len(found.rows) == 6
    assert wrapped(arrivals(found) / PERIOD) == pytest.approx(
        0, abs=0.5 * BIN
    )  # pulses leave at 0.0, 0.1, ... s


def test_the_diode_of_a_cal_file_goes_on_when_it_does(tmp_path: Path) -> None:
    status = {"OBS_MODE": "CAL", "CAL_FREQ": 10.0, "CAL_DCYC": 0.5, "TFOLD": 0.53, "OBSNCHAN": 64}
    found = psrfits(pulsar_scan(tmp_path, {"cal_k": 100.0}, **status))
    assert len(found.rows) == 6
    middle_of_on = arrivals(found) * 10.0 - 0.25
    assert wrapped(middle_of_on) == pytest.approx(0, abs=0.5 * BIN)
    assert found.primary["CAL_PHS"] == pytest.approx(found.primary["STT_OFFS"] * 10.0 % 1)  # at STT
    assert (found.primary["CAL_MODE"], found.primary["CAL_NPHS"]) == ("SYNC", 2)


def test_what_is_lost_in_a_row_moves_its_middle_and_lessens_time_and_weight(tmp_path: Path) -> None:
    par_file(tmp_path, period=PERIOD)
    found = psrfits(
        pulsar_scan(tmp_path, {"pulsar": PULSAR}, TFOLD=1.0, SCANLEN=4.0, late=(0.52, 1.02))
    )  # 10 of 50 ms
    assert found.rows["TSUBINT"].tolist() == pytest.approx([0.5, 1.0, 1.0, 1.0])
    assert found.rows["OFFS_SUB"].tolist() == pytest.approx([0.2, 1.4, 2.4, 3.4], abs=PERIOD + 1e-6)
    assert abs(found.rows["OFFS_SUB"][0] - 0.25) <= PERIOD  # the middle of what was summed, not 0.5
    assert found.rows["DAT_WTS"].tolist() == pytest.approx(
        np.repeat([[0.5], [1.0], [1.0], [1.0]], 4, axis=1)
    )
    assert wrapped(arrivals(found) / PERIOD) == pytest.approx(0, abs=0.5 * BIN)


@pytest.mark.parametrize("status", [{}, {"OBS_MODE": "CAL", "CAL_FREQ": 10.0}, {"OBSNCHAN": 64}])
def test_rows_of_which_nothing_is_lost_have_the_full_weight(
    tmp_path: Path, status: dict[str, Any]
) -> None:
    """Of 10.6 samples: one row has 11 and the next one 10."""
    par_file(tmp_path, period=PERIOD)
    found = psrfits(
        pulsar_scan(tmp_path, {"pulsar": PULSAR}, **{"TFOLD": 0.0848, "TBIN": 8e-3, **status})
    )
    samples = found.rows["TSUBINT"] / 8e-3
    assert {10, 11} <= set(np.rint(samples).astype(int).tolist())
    assert (found.rows["DAT_WTS"] == 1).all()


@pytest.mark.parametrize("obs_mode", ["FOLD", "COHERENT_FOLD"])
@pytest.mark.parametrize("bandwidth", [0.4, -0.4])
def test_channels_have_the_pulse_when_it_came_and_a_reader_aligns_them_once(
    tmp_path: Path, obs_mode: str, bandwidth: float
) -> None:
    """A pulse that left at phase 0 arrives at 300 MHz 92.208 turns later by DM 200: at phase
    0.208."""
    dm, phases = 200.0, {299.85: 0.301, 299.95: 0.239, 300.05: 0.178, 300.15: 0.116}
    par_file(tmp_path, period=PERIOD, dm=dm)
    receiver = {"bandwidth_mhz": bandwidth, "pulsar": {**PULSAR, "dm": dm}}
    found = psrfits(pulsar_scan(tmp_path, receiver, OBS_MODE=obs_mode, CHAN_DM=dm, TFOLD=0.53))
    frequencies = found.rows["DAT_FREQ"][0]
    expected = np.array([phases[round(float(f), 2)] for f in frequencies])
    assert wrapped(arrivals(found) / PERIOD - expected) == pytest.approx(0, abs=0.5 * BIN)

    assert (found.table["DM"], found.table["REFFREQ"]) == (dm, pytest.approx(300.0))
    history = found.history
    assert (history["DEDISP"], history["DM"], history["REF_FREQ"]) == (0, dm, pytest.approx(300.0))
    assert history["DDS_MTHD"] == "NONE"
    turns = dispersed_by(dm, frequencies, found.table["REFFREQ"]) / PERIOD
    aligned = dedispersed(found.values[:, :2].sum(axis=1), turns).mean(axis=0)
    assert [centroid(channel) for channel in aligned] == pytest.approx([0.208] * 4, abs=0.5 * BIN)
