"""Stokes parameters and sums over time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectrometer.daq.detection import TimeSum, detect, to_channels

POLARIZED = [
    ((1, 0), (1, 1, 0, 0)),
    ((0, 2), (4, -4, 0, 0)),
    ((1, 1), (2, 0, 2, 0)),
    ((1, 1j), (2, 0, 0, 2)),  # CI is of A* B
]


@pytest.mark.parametrize(("voltages", "stokes"), POLARIZED)
def test_stokes_parameters_of_known_waves(
    voltages: tuple[complex, complex], stokes: tuple[int, ...]
) -> None:
    given_ = np.array(voltages, np.complex64).reshape(1, 1, 2)
    assert detect(given_, "IQUV").ravel().tolist() == list(stokes)
    a, b, cr, ci = detect(given_, "AABBCRCI").ravel().tolist()
    assert (a + b, a - b, 2 * cr, 2 * ci) == stokes
    i, q, u, v = stokes
    assert detect(given_, "IQUV", is_circular=True).ravel().tolist() == [i, u, v, q]
    conjugated = given_.conj()  # a falling band
    assert detect(conjugated, "IQUV", is_conjugated=True).ravel().tolist() == list(stokes)
    assert detect(conjugated, "AABBCRCI", is_conjugated=True).ravel().tolist() == [a, b, cr, ci]
    assert detect(given_, "AA+BB").ravel().tolist() == [stokes[0]]
    assert detect(given_[..., :1], "INTEN").ravel().tolist() == [a]


def test_a_tone_is_in_the_channel_of_its_frequency() -> None:
    nfine, count = 8, 3
    spectra = np.zeros((2, count, nfine, 1), np.complex64)
    spectra[1, :, 1] = 1.0  # a step above the middle of the second coarse channel
    spectra[0, :, nfine // 2] = 2.0  # its lower edge
    channels = to_channels(spectra)
    assert channels.shape == (16, count, 1)
    assert np.flatnonzero(np.abs(channels[:, 0, 0])).tolist() == [0, 8 + 4 + 1]


@settings(max_examples=25)
@given(st.integers(1, 7), st.lists(st.integers(0, 20), min_size=1, max_size=6))
def test_means_of_a_stream_in_pieces(count: int, lengths: list[int]) -> None:
    powers = np.random.default_rng(1).random((2, 3, sum(lengths))).astype(np.float32)
    means = TimeSum(count)
    edges = np.cumsum([0, *lengths])
    found = np.concatenate(
        [means.add(powers[..., a:b]) for a, b in itertools.pairwise(edges)], axis=2
    )
    whole = powers.shape[2] // count
    expected = [powers[..., n * count : (n + 1) * count].mean(axis=2) for n in range(whole)]
    assert found.shape[2] == whole
    assert means.held == powers.shape[2] - whole * count
    assert np.allclose(np.moveaxis(found, 2, 0), np.array(expected).reshape(whole, 2, 3))
