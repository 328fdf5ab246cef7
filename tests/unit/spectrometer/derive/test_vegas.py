"""Derived values of the high-bandwidth modes, and what the corrected
rounding makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.derive.rounding import CORRECTED, ORIGINAL
from spectrometer.derive.vegas import (
    exposure,
    hardware_exposure,
    hbw_clocks,
    in_mhz,
    phase_granules,
)


@pytest.mark.parametrize(
    ("nchan", "frequency", "hwexposr", "tick", "acc_len", "hardware", "fpga", "sampler", "width", "band"),
    [
        (1024, 1500.0, 0.000524288, 6.826666666666666e-07, 768, 0.0005242879999999999, 187500000.0, 3000000000.0,
         1464843.75, 1500000000.0),
        (16384, 500.0, 0.012582912, 3.2768e-05, 384, 0.012582912000000002, 62500000.0, 1000000000.0,
         30517.578125, 500000000.0),
        (1024, -1500.0, 0.000524288, 6.826666666666666e-07, 768, 0.0005242879999999999, 187500000.0, -3e9,
         -1464843.75, -1.5e9),
    ],
)  # fmt: skip
def test_clocks_are_the_originals_to_the_last_bit(
    nchan: int,
    frequency: float,
    hwexposr: float,
    tick: float,
    acc_len: int,
    hardware: float,
    fpga: float,
    sampler: float,
    width: float,
    band: float,
) -> None:
    clocks = hbw_clocks(nchan, frequency)
    assert (clocks.spec_tick, clocks.fpga_clock, clocks.sampler_frequency) == (tick, fpga, sampler)
    assert (clocks.channel_width, clocks.bandwidth) == (width, band)
    assert clocks.frequency_resolution == abs(width)
    assert hardware_exposure(hwexposr, tick) == (acc_len, hardware)


def test_frequency_given_in_hz_keeps_its_sign_and_gives_the_same_clocks() -> None:
    # Flaw V10: the original took 1.44e9 for MHz and made a sampler of 2.88e15 Hz.
    assert in_mhz(-1.44e9) == -1440.0
    assert in_mhz(5000) == 5000
    assert in_mhz(5000.1) == pytest.approx(0.0050001)
    assert hbw_clocks(1024, in_mhz(1.44e9)) == hbw_clocks(1024, 1440.0)


CLOCKS = hbw_clocks(1024, 1500.0)
HW = 0.0005242879999999999


@pytest.mark.parametrize(
    ("requested", "clocks_taken", "seconds"),
    [(1.0, 187564031, 1.0003414986666668), (0.5, 93782015, 0.5001707466666667)],
)
def test_unswitched_exposure_is_the_originals(
    requested: float, clocks_taken: int, seconds: float
) -> None:
    taken = exposure(requested, CLOCKS, HW, phases=1, granules=1465344, period=1, rounding=ORIGINAL)
    assert (taken.clocks, taken.seconds) == (clocks_taken, seconds)


def test_corrected_rounding_loses_no_clock_and_no_granule() -> None:
    # Flaw V5: 4 hardware exposures of 768 granules are 3072, of which the original keeps 3071.
    assert phase_granules(0.002, HW, CLOCKS.spec_tick, ORIGINAL) == 3071
    assert phase_granules(0.002, HW, CLOCKS.spec_tick, CORRECTED) == 3072
    taken = exposure(1.0, CLOCKS, HW, phases=1, granules=0, period=1, rounding=CORRECTED)
    assert taken.clocks == 1908 * 768 * 128  # the original has one clock less


def test_corrected_rounding_goes_up_unless_within_one_percent() -> None:
    # Flaw V2: the original compares the fraction with a hundredth of the request in seconds.
    for rounding, factor, count in (
        (CORRECTED, 10.005, 10),
        (CORRECTED, 10.02, 11),
        (ORIGINAL, 10.005, 11),
    ):
        taken = exposure(factor * HW, CLOCKS, HW, phases=1, granules=0, period=1, rounding=rounding)
        assert taken.clocks == pytest.approx(count * 768 * 128, abs=1)


@given(st.floats(1e-4, 100.0), st.floats(1e-4, 10.0))
def test_corrected_exposure_is_a_whole_number_of_hardware_exposures_and_at_least_one(
    requested: float, hardware: float
) -> None:
    acc_len, hwexposr = hardware_exposure(hardware, CLOCKS.spec_tick)
    taken = exposure(
        requested, CLOCKS, hwexposr, phases=1, granules=0, period=1, rounding=CORRECTED
    )
    unit = acc_len * CLOCKS.clocks_per_tick
    assert taken.clocks % unit == 0
    assert taken.clocks >= unit
    assert taken.seconds >= requested - 0.01 * hwexposr - 1e-9
    assert taken.seconds <= requested + hwexposr + 1e-9


@given(st.integers(1, 5000), st.integers(1, 20000))
def test_corrected_phase_of_whole_hardware_exposures_keeps_its_length(
    count: int, acc_len: int
) -> None:
    hwexposr = acc_len * CLOCKS.spec_tick
    assert (
        phase_granules(count * hwexposr, hwexposr, CLOCKS.spec_tick, CORRECTED) == count * acc_len
    )


def test_a_hardware_exposure_is_never_nothing() -> None:
    assert hardware_exposure(1e-9, 0.5) == (1, 0.5)
