"""Amplitudes, phases, lags and means, compared with sums written out, and with known delays."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.protocol.lagspectra import (
    Means,
    amplitudes,
    averaged,
    fft_size,
    lag_spectrum,
    nearest_fft_size,
    phases,
)


def lags_by_sum(spectrum: list[complex], size: int) -> list[float]:
    """Transform by the definition of the inverse transform of a Hermitian spectrum."""
    full = [*spectrum, *(0j,) * (size // 2 + 1 - len(spectrum))]
    full = [full[0].real + 0j, *full[1 : size // 2], full[size // 2].real + 0j]
    full += [full[size - k].conjugate() for k in range(size // 2 + 1, size)]
    return [
        sum(c * cmath.exp(2j * math.pi * k * t / size) for k, c in enumerate(full)).real
        for t in range(size)
    ]


@given(
    st.lists(st.complex_numbers(max_magnitude=1e3), min_size=1, max_size=8),
    st.sampled_from([2, 16, 32]),
)
@settings(max_examples=25)
def test_lags_are_those_of_the_definition(spectrum: list[complex], wanted: int) -> None:
    size = fft_size(wanted, len(spectrum))
    found = lag_spectrum(np.array(spectrum), size, 1.0)
    expected = np.abs(lags_by_sum(spectrum, size))
    swapped = np.concatenate((expected[size // 2 :], expected[: size // 2]))
    np.testing.assert_allclose(found.magnitudes, swapped, atol=1e-9 * (1 + expected.max()))
    assert expected[found.peak] == pytest.approx(expected.max(), abs=1e-9 * (1 + expected.max()))


@pytest.mark.parametrize("wanted", [0, 128, 1024])
@pytest.mark.parametrize("samples", [-31, -3, 0, 1, 17])
def test_delay_of_shifted_voltages_is_found(samples: int, wanted: int) -> None:
    channels, bandwidth = 64, 8.0
    source = np.random.default_rng(7)
    first = source.normal(size=(200, 2 * channels))
    second = np.roll(first, samples, axis=1)  # later by so many samples of 1 / (2 bandwidth)
    spectra = np.fft.rfft(second) * np.fft.rfft(first).conj()
    found = lag_spectrum(spectra.mean(axis=0)[:channels], fft_size(wanted, channels), bandwidth)
    assert found.delay_us == pytest.approx(samples / (2 * bandwidth), abs=1 / (2 * bandwidth) / 2)
    assert found.snr > 5


def test_peak_at_half_of_the_lags_is_positive_and_beyond_it_negative() -> None:
    size, channels = 16, 8
    for index, signed in ((8, 8), (9, -7)):
        spectrum = np.exp(-2j * np.pi * np.arange(channels) * index / size)
        found = lag_spectrum(spectrum, size, 4.0)
        if found.peak == index:
            assert found.delay_us == pytest.approx(signed / 8.0)


def test_signal_to_noise_ratio_leaves_out_a_twentieth_around_the_peak() -> None:
    source = np.random.default_rng(3)
    spectrum = source.normal(size=50) + 1j * source.normal(size=50)
    lags = np.array(lags_by_sum(spectrum.tolist(), 100))
    peak = int(np.argmax(np.abs(lags)))
    away = [v for t, v in enumerate(lags) if min((t - peak) % 100, (peak - t) % 100) > 5]
    found = lag_spectrum(spectrum, 100, 1.0)
    assert found.snr == pytest.approx(abs(lags[peak]) / np.std(away))


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1e308])
def test_numbers_are_finite_whatever_comes(value: float) -> None:
    spectrum = np.full(4, complex(value, value))
    found = lag_spectrum(spectrum, 8, 1.0)
    assert math.isfinite(found.snr)
    assert math.isfinite(found.delay_us)
    assert np.isfinite(found.magnitudes).all()
    assert np.isfinite(amplitudes(spectrum)).all()
    assert np.isfinite(phases(spectrum)).all()


def test_spectrum_of_nothing_has_no_signal() -> None:
    found = lag_spectrum(np.zeros(4, complex), 8, 1.0)
    assert (found.peak, found.delay_us, found.snr) == (0, 0.0, 0.0)


def test_amplitude_and_phase_are_those_of_each_channel() -> None:
    spectrum = np.array([3 + 4j, -2, 2j, 1 - 1j], np.complex64)
    np.testing.assert_allclose(amplitudes(spectrum), [5, 2, 2, math.sqrt(2)], rtol=1e-6)
    np.testing.assert_allclose(phases(spectrum), [53.130102, 180, 90, -45], rtol=1e-6)


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (-5, 2),
        (0, 2),
        (1, 2),
        (2, 2),
        (3, 4),
        (5, 4),
        (100, 128),
        (96, 128),
        (95, 64),
        (4096, 4096),
        (65536, 65536),
        (65537, 65536),
        (2**31 - 1, 65536),
    ],
)
def test_number_of_lags_is_the_nearest_power_of_two(wanted: int, size: int) -> None:
    assert nearest_fft_size(wanted) == size


def test_means_of_products_are_not_mixed_and_begin_anew() -> None:
    means = Means()
    means.add([np.full(2, 1 + 0j), np.full(2, 100 + 0j)])
    first, second = means.add([np.full(2, 1 + 2j), np.full(2, 100 + 0j)])
    np.testing.assert_allclose(first, [1 + 1j] * 2)
    np.testing.assert_allclose(second, [100] * 2)
    means.clear()
    np.testing.assert_allclose(means.add([np.full(2, 7j)])[0], [7j] * 2)


def test_number_that_is_not_finite_spoils_no_mean() -> None:
    means = Means()
    means.add([np.array([np.nan + 0j, 2])])
    np.testing.assert_allclose(means.add([np.array([4 + 0j, 4])])[0], [2, 3])


def test_adjacent_channels_are_averaged_and_a_rest_is_left_out() -> None:
    spectrum = np.arange(10).astype(complex)
    np.testing.assert_allclose(averaged(spectrum, 3), [1.5, 5.5])
    assert averaged(spectrum, 10) is spectrum
