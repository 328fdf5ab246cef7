"""Coherent dedispersion of a stream."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectrometer.daq.dedispersion import (
    OverlapSave,
    Transforms,
    channel_filter,
    choose_transforms,
    needed_overlap,
)
from spectrometer.derive.dispersion import delays

CENTRES = np.array([300.05, 300.15])
WIDTH, DM, SAMPLE = 0.1, 20.0, 1e-5
FFTLEN = 512


def noise(count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return (rng.standard_normal((2, count, 2)) + 1j * rng.standard_normal((2, count, 2))).astype(
        np.complex64
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_what_dispersion_did_is_undone(sign: int) -> None:
    overlap = needed_overlap(DM, CENTRES, WIDTH, SAMPLE)
    there, back = (
        OverlapSave(channel_filter(DM, CENTRES, sign * WIDTH, FFTLEN, undo=undo), overlap)
        for undo in (False, True)
    )
    voltages = noise(8192)
    dispersed = there.process(voltages)
    found = back.process(dispersed)
    expected = voltages[:, overlap : overlap + found.shape[1]]
    # the ends of the filter, which the overlap cuts, hold a small part of the power
    assert np.mean(np.abs(found - expected) ** 2) < 0.05 * np.mean(np.abs(expected) ** 2)
    assert np.mean(np.abs(dispersed[:, overlap // 2 :][:, : found.shape[1]] - expected) ** 2) > 1


@pytest.mark.parametrize("sign", [1, -1])
def test_a_frequency_comes_as_late_as_dispersion_says(sign: int) -> None:
    count, at, offset = 4096, 2048, 0.25  # of the channel's width
    times = np.arange(count)
    pulse = np.exp(-0.5 * np.square((times - at) / 60)) * np.exp(2j * np.pi * offset * times)
    voltages = np.repeat(pulse[None, :, None], 2, axis=0).astype(np.complex64)
    response = channel_filter(DM, CENTRES, sign * WIDTH, count, undo=False)
    found = np.abs(OverlapSave(response, 0).process(voltages)[..., 0]) ** 2
    middle = (found * times).sum(axis=1) / found.sum(axis=1)
    late = delays(DM, CENTRES + sign * offset * WIDTH) - delays(DM, CENTRES)
    assert (middle - at) * SAMPLE == pytest.approx(late, abs=0.1 * SAMPLE)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_pieces_of_any_length_give_the_same_stream(lengths: list[int]) -> None:
    voltages = noise(sum(lengths))
    response = channel_filter(DM, CENTRES, WIDTH, FFTLEN, undo=True)
    whole, pieces = OverlapSave(response, 100), OverlapSave(response, 100)
    edges = np.cumsum([0, *lengths])
    found = [pieces.process(voltages[:, a:b]) for a, b in itertools.pairwise(edges)]
    expected = whole.process(voltages)
    assert np.array_equal(np.concatenate(found, axis=1), expected)
    assert pieces.held == voltages.shape[1] - expected.shape[1]


@given(
    st.integers(0, 5000).map(lambda half: 2 * half),
    st.integers(4, 18).map(lambda power: 1 << power),
    st.integers(0, 1 << 18),
    st.integers(1, 100_000),
)
def test_sizes_always_do(needed: int, fftlen: int, overlap: int, longest: int) -> None:
    found = choose_transforms(needed, Transforms(fftlen, overlap), longest)
    assert needed <= found.overlap <= found.fftlen // 2
    assert found.overlap % 2 == 0
    assert found.fftlen <= max(longest, 16, 8 * needed)
    if needed <= overlap <= fftlen // 2 and overlap % 2 == 0 and 4 * needed <= fftlen <= longest:
        assert found == Transforms(fftlen, overlap)
