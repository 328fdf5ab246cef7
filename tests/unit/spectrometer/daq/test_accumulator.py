"""To which switching state a spectrum belongs, by what its filter has taken in."""

from __future__ import annotations

import numpy as np
import pytest

from spectrometer.daq.accumulator import Accumulator, StateCycle
from spectrometer.daq.channelizer import prototype, reach

NFINE, RATE = 64, 1e5
SHARE = 0.005


def cycle(period: float, blanking: float = 0.0) -> StateCycle:
    return StateCycle(
        period=period, starts=(0.0, 0.5), cal=(1, 0), sig_ref=(0, 0), blanking=(blanking, blanking)
    )


@pytest.mark.parametrize("taps", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("blanking", [0.0, 0.003])
def test_what_is_taken_for_a_state_is_hardly_of_another_or_of_the_blanking(
    taps: int, blanking: float
) -> None:
    response, switching = prototype(taps, NFINE), cycle(0.05, blanking)
    middles = taps * NFINE / 2 + NFINE * np.arange(4000)
    found = switching.states_at(middles / RATE, reach(response) / RATE)
    places = np.arange(int(middles[-1]) + taps * NFINE)
    states = switching.states_at((places + 0.5) / RATE)  # of each sample
    power = np.square(response.ravel().astype(np.float64))
    for middle, state in zip(middles.astype(int), found, strict=True):
        its = states[middle - taps * NFINE // 2 : middle + taps * NFINE // 2]
        inside = power[its == state].sum() / power.sum()
        assert state < 0 or inside >= 1 - 2 * SHARE
    kept = np.mean(found >= 0)
    assert 1 - kept == pytest.approx((2 * reach(response) / RATE + blanking) / 0.025, abs=0.02)


def test_the_step_of_a_diode_is_its_own() -> None:
    taps, switching = 8, cycle(0.05)
    response = prototype(taps, NFINE)
    count, step = 4000, 0.25
    places = np.arange(count * NFINE + taps * NFINE)
    power = 1 + step * (switching.phases_at((places + 0.5) / RATE) == 0)
    # without noise: as many spectra, each constant, as the filter's power would have in the mean
    weights = np.square(response.ravel().astype(np.float64))
    means = np.array([weights @ power[n * NFINE : n * NFINE + weights.size] for n in range(count)])
    spectra = np.repeat(np.sqrt(means)[None, :, None, None], 2, axis=2).astype(np.complex64)

    def found(its_reach: float) -> float:
        accumulator = Accumulator(
            switching,
            coarse=1,
            nfine=2,
            polarizations=1,
            cross=False,
            integration_samples=1e12,
            step=NFINE,
            reach=its_reach,
        )
        assert accumulator.add(spectra, taps * NFINE / 2, RATE) == []
        on, off = accumulator.finish()
        return float(on.mean.mean() - off.mean.mean()) / step

    assert found(0.0) < 0.985  # judged by the middle alone
    assert found(reach(response)) == pytest.approx(1.0, abs=1e-3)


def test_without_switching_nothing_is_left_out() -> None:
    assert not StateCycle().states_at(np.linspace(0, 10, 1000), 0.5).any()
