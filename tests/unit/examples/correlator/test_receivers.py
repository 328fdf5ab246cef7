from __future__ import annotations

import numpy as np
import pytest
from correlator.delays import Delay
from correlator.receivers import Receiver, ReceiverSetup
from correlator.voltages import Band
from hypothesis import given, settings
from hypothesis import strategies as st

BAND = Band(1000e6, 1e6)


def receiver(delay_us: float = 0.0, **others: object) -> Receiver:
    return Receiver(ReceiverSetup(bands=(BAND,), delay=Delay((delay_us,)), **others))  # type: ignore[arg-type]


@given(st.integers(-3000, 3000), st.lists(st.integers(1, 2500), min_size=1, max_size=3))
@settings(max_examples=8, deadline=None)
def test_voltages_are_the_same_however_they_are_read(first: int, cuts: list[int]) -> None:
    whole, valid = receiver(7.3).read(first, sum(cuts))
    pieces, at = [], first
    for cut in cuts:
        pieces.append(receiver(7.3).read(at, cut)[0])
        at += cut
    assert valid.all()
    np.testing.assert_array_equal(np.concatenate(pieces, axis=2), whole)


@pytest.mark.parametrize("samples", [1, 25, -7])
def test_a_station_that_is_later_by_whole_samples_has_the_same_sky_later(samples: int) -> None:
    near, far = receiver(sky=1.0), receiver(float(samples), sky=1.0)
    # 1000 MHz turn a whole number of times in a sample of 1 us
    early, late = near.read(0, 2000)[0], far.read(samples, 2000)[0]
    assert np.abs(early - late).max() <= np.sqrt(2)  # a step of the sampler
    assert np.mean(early != late) < 0.01


def test_the_power_is_that_of_the_level_and_the_sky_is_its_part() -> None:
    one, other = (receiver(sky=0.25, seed=seed).read(0, 40_000)[0][0] for seed in (1, 2))
    assert np.mean(np.abs(one) ** 2, axis=1) == pytest.approx([512, 512], rel=0.03)
    coherence = np.mean(one * other.conj(), axis=1) / 512
    assert np.abs(coherence - 0.25).max() < 0.03


def test_the_polarizations_of_the_sky_are_correlated_as_set() -> None:
    x, y = receiver(sky=1.0, polarized=0.5).read(0, 40_000)[0][0]
    assert abs(np.mean(x * y.conj()) / 512 - 0.5) < 0.03


def test_samples_are_those_of_eight_bits() -> None:
    samples, _ = receiver().read(0, 1000)
    parts = np.stack([samples.real, samples.imag])
    assert np.array_equal(parts, np.rint(parts))
    assert np.abs(parts).max() <= 127
