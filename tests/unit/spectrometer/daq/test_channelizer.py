"""Filter bank and accumulator against numpy's FFT and sums of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from spectrometer.daq.accumulator import Accumulator, StateCycle
from spectrometer.daq.channelizer import (
    Channelizer,
    fine_channels,
    fit_taps,
    prototype,
    sum_cross,
    sum_power,
)
from spectrometer.daq.errors import ChannelizerError

Samples = npt.NDArray[np.int8]


def noise(coarse: int, time: int, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).integers(-60, 60, (coarse, time, 4), dtype=np.int8)


def as_complex(samples: Samples) -> npt.NDArray[np.complex128]:
    return samples.astype(np.float64).view(np.complex128)


def test_spectra_equal_a_filter_and_fft_written_out() -> None:
    samples, response = noise(3, 1000), prototype(4, 64)
    spectra = Channelizer(3, 2, response).process(samples)
    voltages = as_complex(samples)
    assert spectra.shape == (3, 12, 64, 2)
    for number in range(12):
        window = voltages[:, number * 64 : number * 64 + 256].reshape(3, 4, 64, 2)
        expected = np.fft.fft(np.einsum("ctjp,tj->cjp", window, response.astype(float)), axis=1)
        np.testing.assert_allclose(spectra[:, number], expected, atol=1e-3)


@pytest.mark.parametrize("sizes", [[1] * 40, [7, 300, 1, 692], [63, 64, 65, 808], [1000]])
def test_spectra_do_not_depend_on_how_samples_arrive(sizes: list[int]) -> None:
    samples, response = noise(2, sum(sizes)), prototype(3, 16)
    whole = Channelizer(2, 2, response).process(samples).copy()
    cut, at, parts = Channelizer(2, 2, response), 0, []
    for size in sizes:
        parts.append(cut.process(samples[:, at : at + size]).copy())
        at += size
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("channel", [0, 5, 31, 60])
def test_a_tone_lands_in_its_channel(channel: int) -> None:
    tone = 100 * np.exp(2j * np.pi * channel / 64 * np.arange(1024))
    samples = np.zeros((2, 1024, 4), np.int8)
    samples[1, :, 2], samples[1, :, 3] = tone.real.round(), tone.imag.round()
    power = sum_power(Channelizer(2, 2, prototype(8, 64)).process(samples))
    assert np.unravel_index(int(power.argmax()), power.shape) == (1, channel, 1)
    far = np.delete(power[1, :, 1], [(channel - 1) % 64, channel, (channel + 1) % 64])
    assert far.max() < 1e-4 * power.max()


def test_parseval_holds_without_a_filter() -> None:
    samples = noise(4, 64 * 20)
    power = sum_power(Channelizer(4, 2, prototype(1, 64, "boxcar")).process(samples))
    np.testing.assert_allclose(
        power.sum() / 64, (np.abs(as_complex(samples)) ** 2).sum() / 64, rtol=1e-5
    )


def test_filter_keeps_the_mean_power_of_noise() -> None:
    samples = noise(2, 64 * 2000)
    spectra = Channelizer(2, 2, prototype(8, 64)).process(samples)
    mean = sum_power(spectra).mean() / spectra.shape[1]
    assert mean == pytest.approx((np.abs(as_complex(samples)) ** 2).mean(), rel=0.02)


def test_cross_product_is_x_times_conjugate_y() -> None:
    spectra = Channelizer(2, 2, prototype(2, 16)).process(noise(2, 160))
    expected = (spectra[..., 0] * spectra[..., 1].conj()).sum(axis=1)
    np.testing.assert_allclose(sum_cross(spectra), expected, rtol=1e-4)


def test_impossible_channels_are_refused_with_what_is_possible() -> None:
    assert fine_channels(1024, 4) == 256
    with pytest.raises(ChannelizerError, match="multiple of 4"):
        fine_channels(1022, 4)
    assert fit_taps(8, 256, 3904, 4) == 8
    assert fit_taps(8, 1024, 3904, 4) == 3
    with pytest.raises(ChannelizerError, match="NCHAN 16384: at most 8192"):
        fit_taps(8, 4096, 3904, 4)


def test_one_fine_channel_goes_with_one_tap_only() -> None:
    np.testing.assert_array_equal(prototype(1, 1, "hann"), [[1.0]])
    with pytest.raises(ChannelizerError, match="8 taps needs 2 or more fine channels, not 1"):
        prototype(8, 1)


def test_accumulator_equals_sums_by_state_and_integration() -> None:
    cycle = StateCycle(
        period=0.4, starts=(0.0, 0.5), cal=(1, 0), sig_ref=(0, 0), blanking=(0.05, 0.0)
    )
    spectra = Channelizer(2, 2, prototype(2, 16)).process(noise(2, 16 * 201))
    accumulator = Accumulator(
        cycle, coarse=2, nfine=16, polarizations=2, cross=True, integration_samples=5e2
    )
    done = accumulator.add(spectra[:, :70], 19.0, 1000.0)
    done += accumulator.add(spectra[:, 70:], 19.0 + 70 * 16, 1000.0)
    done += accumulator.finish()
    times = (19.0 + 16 * np.arange(200)) / 1000
    phase = np.mod(times, 0.4)
    state = np.where(phase < 0.05 - 1e-12, -1, np.where(phase < 0.2, 0, 1))
    pairs = set(zip((times // 0.5).astype(int).tolist(), state.tolist(), strict=True))
    assert {(part.integration, part.state) for part in done} == {
        pair for pair in pairs if pair[1] >= 0
    }
    for part in done:
        which = (state == part.state) & ((times // 0.5).astype(int) == part.integration)
        assert part.spectra == which.sum()
        chosen = spectra[:, which]
        xx = np.fft.fftshift((np.abs(chosen[..., 0]) ** 2).mean(axis=1), axes=1).ravel()
        cross = (chosen[..., 0] * chosen[..., 1].conj()).imag.mean(axis=1)
        imaginary = np.fft.fftshift(cross, axes=1).ravel()
        np.testing.assert_allclose(part.mean[0], xx, rtol=1e-4)
        np.testing.assert_allclose(part.mean[3], imaginary, rtol=1e-3, atol=1e-1)
