"""Folding by phase."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.daq.folding import Folder, Spin, first_sample, subintegrations_at


def test_a_pulse_is_in_the_bin_at_which_its_channel_has_it_and_others_hold_the_rest() -> None:
    step, count = 1e-3, 5000
    times = (np.arange(count) + 0.5) * step
    spin = Spin(0.25, 10.0)
    delays = np.array([0.0, 0.03])  # 15 bins: stay as they are
    arrives = np.floor(np.mod(0.25 + (times[None, :] - delays[:, None]) * 10.0, 1.0) * 100 + 1e-6)
    powers = np.where(arrives == 40, 5.0, 1.0)[None].astype(np.float32)
    folder = Folder(1, 2, 50, spin)
    for begin in range(0, count, 777):
        folder.add(powers[:, :, begin : begin + 777], times[begin : begin + 777])
    assert folder.samples == count
    profiles = folder.take()
    assert profiles.shape == (1, 2, 50)
    assert profiles.argmax(axis=2).tolist() == [[20, 35]]
    assert profiles.max(axis=2) == pytest.approx(np.array([[3.0, 3.0]]))  # half of the bin
    assert np.sort(profiles[0], axis=1)[:, :-1] == pytest.approx(np.ones((2, 49)))
    assert folder.samples == 0


def test_a_change_of_frequency_moves_the_phase() -> None:
    assert Spin(0.5, 2.0, -0.01).at(np.array([0.0, 10.0])) == pytest.approx([0.5, 20.0])


@given(st.integers(0, 10_000), st.floats(1e-6, 1.0), st.floats(1e-3, 10.0) | st.integers(1, 50))
def test_a_sub_integration_begins_with_the_first_sample_that_is_in_it(
    number: int, sample_time: float, length: float
) -> None:
    fold_time = length * sample_time if isinstance(length, int) else length
    first = first_sample(number, sample_time, fold_time)
    before, there = subintegrations_at(np.array([first - 1, first]), sample_time, fold_time)
    assert before < number <= there


def test_a_bin_without_samples_has_the_mean_of_its_channel() -> None:
    folder = Folder(1, 1, 8, Spin(0.0, 1.0))
    folder.add(np.array([[[2.0, 4.0]]], np.float32), np.array([0.01, 0.2]))
    assert folder.take()[0, 0].tolist() == [2.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
