"""The channelizer's answer to the synthetic receiver against theory.

Limits are five standard deviations, each derived beside its test from the radiometer equation;
nothing is tuned. `spread` is the factor by which the variance of a sum over spectra and channels
exceeds that of independent ones; it follows from the filter alone.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from spectrometer.daq.accumulator import Accumulator, StateCycle, StateSum
from spectrometer.daq.channelizer import Channelizer, prototype
from spectrometer.daq.errors import ScanSetupError
from spectrometer.daq.receiver import ReceiverConfig, with_status
from spectrometer.daq.synthetic import SyntheticReceiver, line_response

TAPS, NFINE = 8, 64
SIGMAS = 5.0
QUANTISED = 2 / 12
"""Counts^2 that rounding re and im to whole steps adds."""

Doubles = npt.NDArray[np.float64]


def receiver(cycle: StateCycle | None = None, **settings: Any) -> SyntheticReceiver:
    return SyntheticReceiver(ReceiverConfig(**settings), cycle or StateCycle())


def spectra_of(
    source: SyntheticReceiver, samples: int, cycle: StateCycle | None = None
) -> list[StateSum]:
    """Mean spectra of so many samples by the code under test, one for each state."""
    band, rate = source.band, source.default_rate(1.0)
    channelizer = Channelizer(band.channels, 2, prototype(TAPS, NFINE))
    accumulator = Accumulator(
        cycle or StateCycle(),
        coarse=band.channels,
        nfine=NFINE,
        polarizations=2,
        cross=True,
        integration_samples=1e15,
    )
    for piece in source.pieces():
        middle = piece.first_sample - channelizer.held + TAPS * NFINE / 2
        assert not accumulator.add(channelizer.process(piece.samples), middle, rate)
        if piece.first_sample + piece.samples.shape[1] >= samples:
            return accumulator.finish()
    raise AssertionError("it has no end")


def spread(lags: range = range(-TAPS, TAPS + 1), channels: range = range(NFINE)) -> float:
    """Sum of the squared correlations of a spectrum's channel with all others, the channel itself
    included."""
    response = prototype(TAPS, NFINE).astype(float).ravel()
    total = 0.0
    for lag in lags:
        shift = abs(lag) * NFINE
        products = response[shift:] * response[: len(response) - shift]
        padded = np.zeros(TAPS * NFINE)
        padded[: len(products)] = products
        total += float(np.sum(np.abs(np.fft.fft(padded)[::TAPS][channels]) ** 2))
    return total


def test_level_and_noise_follow_the_radiometer_equation() -> None:
    (found,) = spectra_of(receiver(tsys_k=(25.0, 40.0), level=16.0), 640_000)
    expected = np.array([2 * 16.0**2 + QUANTISED, 2 * 16.0**2 * 40 / 25 + QUANTISED])
    mean = found.mean[:2].mean(axis=1)
    # mean of N spectra of n channels: relative variance spread / (N n)
    limit = SIGMAS * np.sqrt(spread() / (found.spectra * NFINE))
    assert limit < 0.01
    np.testing.assert_allclose(mean / expected, 1.0, atol=limit)
    # one channel: sigma / mean = sqrt(w / N), B tau = N for a channel as wide as the spacing; of
    # every fourth channel, as those are independent (their correlation is under 1e-6), the variance
    # is known to sqrt(2 / (M - 1) + 6 / (N M))
    factor = spread(channels=range(1))
    assert 1.0 <= factor < 1.1
    for polarization in range(2):
        sampled = found.mean[polarization, ::4] / expected[polarization]
        count = len(sampled)
        limit = SIGMAS * np.sqrt(2 / (count - 1) + 6 / (found.spectra * count))
        assert sampled.var(ddof=1) * found.spectra / factor == pytest.approx(1.0, abs=limit)


def test_radiometer_equation_over_many_integrations() -> None:
    source, spectra, factor = receiver(level=20.0), 50, spread(channels=range(1))
    channelizer = Channelizer(1, 2, prototype(TAPS, NFINE))
    accumulator = Accumulator(
        StateCycle(),
        coarse=1,
        nfine=NFINE,
        polarizations=2,
        cross=False,
        integration_samples=spectra * NFINE,
    )
    done: list[StateSum] = []
    for piece in itertools.islice(source.pieces(), 60):
        middle = piece.first_sample - channelizer.held + TAPS * NFINE / 2
        done += accumulator.add(channelizer.process(piece.samples), middle, 1.0)
    means = np.array([part.mean[:, ::4] for part in done[1:] if part.spectra == spectra])
    relative = means.std(axis=0, ddof=1) ** 2 / means.mean(axis=0) ** 2
    # B tau = 50 for each value; M = integrations x channels x polarizations of them
    values = means.size
    assert len(means) > 300
    limit = SIGMAS * np.sqrt(2 / (values - relative.size) + 6 / (spectra * values))
    assert relative.mean() * spectra / factor == pytest.approx(1.0, abs=limit + 1 / spectra**2)
    assert limit < 0.12


@pytest.mark.parametrize("bandwidth", [2.0, -2.0])
def test_a_line_is_in_its_channel_with_its_power_and_width(bandwidth: float) -> None:
    line = {"frequency_mhz": 1420.4, "width_khz": 40.0, "strength_k": 30.0}
    source = receiver(
        center_mhz=1420.0, bandwidth_mhz=bandwidth, channels=2, level=10.0, lines=[line]
    )
    (found,) = spectra_of(source, 400_000)
    gain = 2 * 10.0**2 / 25.0
    step = bandwidth / (2 * NFINE)
    frequencies = 1420.0 - bandwidth / 2 + step * np.arange(2 * NFINE)
    for spectrum in found.mean[:2]:
        above = (spectrum - QUANTISED) / gain - 25.0
        # the noise of a sum over channels: sum of P^2 / N, times spread
        sigma = np.sqrt(np.sum((above + 25.0) ** 2) * spread() / found.spectra) * abs(step)
        area = 30.0 * 0.040 * np.sqrt(np.pi / (4 * np.log(2)))
        assert area > 10 * sigma
        assert above.sum() * abs(step) == pytest.approx(area, abs=SIGMAS * sigma)
        near = np.abs(frequencies - 1420.4) < 0.1
        weight = above * near
        position = (weight * frequencies).sum() / weight.sum()
        distance = frequencies[near] - 1420.4
        error = (
            np.sqrt(np.sum((distance * (above[near] + 25)) ** 2) * spread() / found.spectra)
            / weight.sum()
        )
        assert position == pytest.approx(1420.4, abs=SIGMAS * error)
        assert abs(frequencies[above.argmax()] - 1420.4) <= abs(step) * 1.5


def test_the_filter_of_a_line_has_its_profile() -> None:
    response = line_response(0.05, 0.1)
    frequencies = np.fft.fftfreq(4096)
    padded = np.zeros(4096, complex)
    padded[: len(response)] = response
    expected = np.exp(-4 * np.log(2) * ((frequencies - 0.1) / 0.05) ** 2)
    np.testing.assert_allclose(np.abs(np.fft.fft(padded)) ** 2, expected, atol=1e-5)


def test_a_carrier_has_its_power_in_its_channel() -> None:
    place = 1420.0 + 2.0 * (10 / NFINE)  # the middle of a channel
    source = receiver(carriers=[{"frequency_mhz": place, "power_k_mhz": 4.0}], level=16.0)
    (found,) = spectra_of(source, 200_000)
    gain = 2 * 16.0**2 / 25.0
    response = prototype(TAPS, NFINE).astype(float)
    tone = gain * 4.0 / 2.0 * response.sum() ** 2
    noise = gain * 25.0 + QUANTISED
    for spectrum in found.mean[:2]:
        assert int(spectrum.argmax()) == NFINE // 2 + 10
        # |tone + noise|^2: variance 2 tone noise + noise^2 for each spectrum
        sigma = np.sqrt((2 * tone * noise + noise**2) * spread(channels=range(1)) / found.spectra)
        assert spectrum.max() == pytest.approx(tone + noise, abs=SIGMAS * sigma)


def test_polarizations_have_the_correlation_that_was_asked_for() -> None:
    source = receiver(correlation=0.3, correlation_deg=60.0, tsys_k=(25.0, 35.0), channels=2)
    (found,) = spectra_of(source, 400_000)
    xx, yy, real, imaginary = found.mean.mean(axis=1)
    coefficient = (real + 1j * imaginary) / np.sqrt((xx - QUANTISED) * (yy - QUANTISED))
    # of B tau independent samples the coefficient is known to 1 / sqrt(B tau) at most, in re and in
    # im
    limit = SIGMAS * np.sqrt(spread() / (found.spectra * 2 * NFINE))
    expected = 0.3 * np.exp(1j * np.deg2rad(60.0))
    assert abs(coefficient.real - expected.real) < limit < 0.02
    assert abs(coefficient.imag - expected.imag) < limit


def test_states_differ_by_the_diode() -> None:
    rate = 500_000.0
    blanking = TAPS * NFINE / rate  # no spectrum reaches over a change
    cycle = StateCycle(
        period=0.05,
        starts=(0.0, 0.5),
        cal=(1, 0),
        sig_ref=(0, 0),
        blanking=(blanking / 2, blanking / 2),
    )
    found = spectra_of(receiver(cycle, cal_k=5.0, rate_hz=rate, level=12.0), 800_000, cycle)
    clean = [part for part in found if part.state >= 0]
    assert [part.state for part in clean] == [0, 1]
    gain = 2 * 12.0**2 / 25.0
    on, off = (part.mean[:2].mean(axis=1) / gain for part in clean)
    # a spectrum whose middle is half a filter behind a change begins at the change; as much before
    # the next one is left to the next state, so at most one filter length of half a period is
    # mixed: its weight is known too
    counts = np.array([part.spectra for part in clean])
    sigma = np.sqrt((30.0**2 / counts[0] + 25.0**2 / counts[1]) * spread() / NFINE)
    mixed = 5.0 * (TAPS * NFINE / 2 / rate) / (cycle.period / 2 - blanking / 2)
    assert sigma < 0.25
    for step in on - off:
        assert 5.0 - mixed - SIGMAS * sigma < step < 5.0 + SIGMAS * sigma


def test_the_same_seed_is_the_same_signal_and_another_is_another() -> None:
    def samples(seed: int) -> Doubles:
        line = {"frequency_mhz": 1420.3, "width_khz": 20.0, "strength_k": 3.0}
        source = receiver(seed=seed, lines=[line])
        return np.concatenate(
            [piece.samples for piece in itertools.islice(source.pieces(), 3)], axis=1
        )

    np.testing.assert_array_equal(samples(5), samples(5))
    assert abs(np.corrcoef(samples(5).ravel(), samples(6).ravel())[0, 1]) < SIGMAS / np.sqrt(
        samples(5).size
    )


def test_everything_in_the_header_says_that_it_is_computed() -> None:
    source = receiver(
        lines=[{"frequency_mhz": 1420.3, "width_khz": 20.0, "strength_k": 3.0}],
        carriers=[{"frequency_mhz": 1420.1, "power_k_mhz": 1.0}],
    )
    cards = {key: value for key, value, _ in source.cards}
    assert cards["SIMULATE"] is True
    assert (cards["SIMLIN01"], cards["SIMCAR01"]) == ("1420.3 20 3", "1420.1 1")
    assert source.notes == ["The voltages are computed; nothing here was received."]


def test_settings_that_cannot_be_are_all_told() -> None:
    with pytest.raises(ValidationError) as caught:
        ReceiverConfig.model_validate(
            {
                "channels": 4,
                "lines": [
                    {"frequency_mhz": 1430.0, "width_khz": 1.0, "strength_k": 1.0},
                    {"frequency_mhz": 1420.0, "width_khz": 1.0, "strength_k": 1.0},
                    {"frequency_mhz": 1420.2, "width_khz": 1e-3, "strength_k": 1.0},
                ],
                "carriers": [{"frequency_mhz": 1.0, "power_k_mhz": 1.0}],
            }
        )
    text = str(caught.value)
    assert "1430 MHz is outside the band of 1419 to 1421 MHz" in text
    assert "1420 MHz, 1.5 widths to each side, is not within one coarse channel" in text
    assert "1420.2 MHz is too narrow: at least 0.05 kHz" in text
    assert "the carrier at 1 MHz is outside" in text


def test_the_status_memory_has_the_last_word() -> None:
    changed = with_status(
        ReceiverConfig(),
        {
            "SIMTSYS": "30, 40",
            "SIMCAL": "3.5",
            "SIMSEED": 9,
            "SIMFREQ": 1665.0,
            "SIMLINE1": "1665.4 10 5",
        },
    )
    assert (changed.tsys_k, changed.cal_k, changed.seed, changed.center_mhz) == (
        (30.0, 40.0),
        3.5,
        9,
        1665.0,
    )
    assert changed.lines[0].strength_k == 5.0
    assert with_status(ReceiverConfig(), {"NCHAN": 1024}) == ReceiverConfig()
    with pytest.raises(ScanSetupError) as caught:
        with_status(
            ReceiverConfig(), {"SIMTSYS": "x", "SIMCAL": "hot", "SIMLINE2": "1 2", "SIMRHO": 2.0}
        )
    for part in (
        "SIMTSYS is 'x'",
        "SIMCAL: expected a number",
        "SIMLINE2 is '1 2'",
        "SIMRHO: Input should be less",
    ):
        assert part in str(caught.value)
