from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from correlator.delays import Delay
from correlator.fx import Antenna, Correlator, Pair, pairs_of
from correlator.lags import Fringe, find_fringe
from correlator.receivers import Receiver, ReceiverSetup
from correlator.voltages import Band, Samples
from hypothesis import given, settings
from hypothesis import strategies as st

BAND = Band(1420e6, 1e6)
LAG_US = 1.0
"""Of a band of 1 MHz."""


class Given:
    """Voltages that a test gives, from position 0 on; none before and after, and none where `lost`."""

    start = None

    def __init__(
        self, samples: npt.ArrayLike, bands: Sequence[Band] = (BAND,), lost: range = range(0)
    ) -> None:
        self.all: Samples = np.asarray(samples, np.complex64)
        self.bands, self.lost = bands, lost
        self.polarizations, self.samples = self.all.shape[1:]

    def read(self, first: int, count: int) -> tuple[Samples, npt.NDArray[np.bool_]]:
        at = np.arange(first, first + count)
        valid = (at >= 0) & (at < self.samples) & ~np.isin(at, self.lost)
        samples = self.all[:, :, np.clip(at, 0, self.samples - 1)] * valid
        return samples.astype(np.complex64), valid

    def close(self) -> None:
        """Nothing is held."""


def noise(count: int, seed: int, pols: int = 1) -> npt.NDArray[np.complex128]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((1, pols, count)) + 1j * rng.standard_normal((1, pols, count))


def receiver(
    seed: int, delay: Delay, sky: float = 1.0, bands: tuple[Band, ...] = (BAND,)
) -> Receiver:
    return Receiver(ReceiverSetup(bands=bands, polarizations=1, delay=delay, seed=seed, sky=sky))


def visibilities(
    antennas: Sequence[Antenna], integrations: int, integration_s: float, channels: int = 32
) -> dict[tuple[int, int], npt.NDArray[np.complex64]]:
    pairs = pairs_of(antennas)
    correlator = Correlator(antennas, pairs, channels=channels, integration_s=integration_s)
    made = [correlator.integrate(number) for number in range(integrations)]
    return {
        (pair.first.station, pair.second.station): np.array([m.spectra[n] for m in made if m])
        for n, pair in enumerate(pairs)
    }


def by_definition(a: Samples, b: Samples, channels: int) -> npt.NDArray[np.complex128]:
    """Correlate lag by lag in the time domain, frame by frame, then take the sum over lags: XF."""
    lags = np.zeros(channels, complex)
    frames = a.reshape(-1, channels), b.reshape(-1, channels)
    for one, other in zip(*frames, strict=True):
        for lag in range(channels):
            lags[lag] += np.sum(np.roll(one, -lag) * other.conj())
    k = np.arange(channels) - channels // 2
    turns = np.exp(-2j * np.pi * np.outer(k, np.arange(channels)) / channels)
    return turns @ lags / a.size


def test_products_without_delay_are_those_of_a_correlator_of_lags() -> None:
    a, b = noise(160, 1), 0.5 * noise(160, 1) + noise(160, 2)
    antennas = [Antenna("A", Given(a), Delay()), Antenna("B", Given(b), Delay())]
    found = visibilities(antennas, 1, 160e-6, channels=16)
    for pair, (one, other) in {(0, 1): (a, b), (0, 0): (a, a), (1, 1): (b, b)}.items():
        expected = by_definition(one[0, 0], other[0, 0], 16)
        np.testing.assert_allclose(found[pair][0], expected, rtol=0, atol=1e-4)


def test_an_odd_number_of_channels_works() -> None:
    a = noise(150, 1)
    found = visibilities([Antenna("A", Given(a), Delay())], 1, 150e-6, channels=15)
    expected = by_definition(a[0, 0], a[0, 0], 15)
    np.testing.assert_allclose(found[0, 0][0], expected, rtol=0, atol=1e-4)


@given(
    delay_us=st.floats(-300, 300),
    rate_us=st.floats(-0.01, 0.01),
    late_s=st.floats(-1e-4, 1e-4),
)
@settings(max_examples=6, deadline=None)
def test_a_delay_that_the_model_has_is_taken_out(
    delay_us: float, rate_us: float, late_s: float
) -> None:
    true = Delay((delay_us, rate_us))
    far = receiver(2, Delay((delay_us - late_s * 1e6, rate_us)))  # its clock begins late_s later
    antennas = [
        Antenna("A", receiver(1, Delay()), Delay()),
        Antenna("B", far, true, late_s),
    ]
    found = visibilities(antennas, 2, 0.004)
    power = np.sqrt(found[0, 0].mean() * found[1, 1].mean()).real
    middle = found[0, 1][:, 4:-4].mean() * np.exp(2j * np.pi * 1420e6 * late_s) / power
    assert abs(middle) > 0.95
    assert abs(np.angle(middle)) < 0.05


@given(
    residual_us=st.floats(-8, 8),
    rate_hz=st.floats(-30, 30),
    delay_us=st.floats(-100, 100),
)
@settings(max_examples=8, deadline=None)
def test_a_delay_that_the_model_lacks_is_found_in_the_lags(
    residual_us: float, rate_hz: float, delay_us: float
) -> None:
    lacks = Delay((residual_us, rate_hz / 1420))
    model = Delay((delay_us, 0.003))
    true = Delay((delay_us + residual_us, 0.003 + rate_hz / 1420))
    antennas = [
        Antenna("A", receiver(1, Delay(), sky=0.5), Delay()),
        Antenna("B", receiver(2, true, sky=0.5), model),
    ]
    found = find_fringe(visibilities(antennas, 8, 0.004)[0, 1], width_hz=1e6, integration_s=0.004)
    expected = float(lacks.seconds(np.array([0.016]))[0])
    assert abs(found.delay_s - expected) < 0.1e-6 * LAG_US
    assert abs(found.rate_hz - rate_hz) < 3
    assert found.snr > 10


def test_delays_close_over_three_stations_and_are_those_of_the_time_domain() -> None:
    put_in = (0.0, 5.25, -3.5)
    receivers = [receiver(n, Delay((late,)), sky=0.5) for n, late in enumerate(put_in)]
    antennas = [Antenna(name, r, Delay()) for name, r in zip("ABC", receivers, strict=True)]
    found = visibilities(antennas, 4, 0.008)
    delays = {
        pair: find_fringe(rows, width_hz=1e6, integration_s=0.008).delay_s * 1e6
        for pair, rows in found.items()
        if pair[0] != pair[1]
    }
    assert abs(delays[0, 1] + delays[1, 2] - delays[0, 2]) < 0.05 * LAG_US
    voltages = [r.read(0, 8192)[0][0, 0] for r in receivers]
    for (i, j), delay in delays.items():
        lags = np.abs(np.correlate(voltages[j], voltages[i][64:-64]))
        assert delay == pytest.approx(put_in[j] - put_in[i], abs=0.05)
        assert abs(delay - (int(lags.argmax()) - 64)) < LAG_US


def test_a_single_station_gives_its_own_spectra() -> None:
    antenna = Antenna("A", Given(noise(320, 1, pols=2)), Delay())
    assert [p.polarization for p in pairs_of([antenna])] == [0, 1, 2, 3]
    (xx, yy) = pairs_of([antenna], is_crossed=False)
    assert (xx.polarization, yy.polarization) == (0, 3)
    correlator = Correlator([antenna], [xx, yy], channels=16, integration_s=320e-6)
    made = correlator.integrate(0)
    assert made is not None
    power = np.mean(np.abs(antenna.voltages.read(0, 320)[0][0, 0]) ** 2)
    assert np.mean(made.spectra[0]) == pytest.approx(power, rel=1e-5)
    assert (made.weights, made.valid) == ([1.0, 1.0], [1.0])


def test_only_bands_that_both_stations_have_are_multiplied() -> None:
    low, high = Band(1420e6, 1e6), Band(1421e6, 1e6)
    wide = Band(1421e6, 2e6)
    antennas = [
        Antenna("A", receiver(1, Delay(), bands=(low, high)), Delay()),
        Antenna("B", receiver(2, Delay(), bands=(high,)), Delay()),
        Antenna("C", receiver(3, Delay(), bands=(wide,)), Delay()),
    ]
    pairs = pairs_of(antennas)
    assert [names(pair) for pair in pairs] == [
        ("AB", 1421),
        ("AA", 1420),
        ("AA", 1421),
        ("BB", 1421),
        ("CC", 1421),
    ]
    made = Correlator(antennas, pairs, channels=16, integration_s=0.004).integrate(0)
    assert made is not None
    cross, _, auto, other, _ = made.spectra
    assert abs(cross.mean()) / np.sqrt(auto.mean() * other.mean()).real > 0.95
    assert made.weights == [1.0] * 5


def names(pair: Pair) -> tuple[str, float]:
    return "ABC"[pair.first.station] + "ABC"[pair.second.station], pair.band.center_hz / 1e6


def test_frames_without_data_are_left_out_and_weights_tell_it() -> None:
    a = noise(320, 1)
    damaged = Given(a, lost=range(32, 40))  # a part of the third frame of 20
    antennas = [Antenna("A", Given(a), Delay()), Antenna("B", damaged, Delay())]
    pairs = pairs_of(antennas)
    correlator = Correlator(antennas, pairs, channels=16, integration_s=320e-6)
    made = correlator.integrate(0)
    assert made is not None
    assert made.weights == [0.95, 1.0, 0.95]
    assert made.valid == pytest.approx([1.0, 0.95])
    kept = np.delete(a.reshape(20, 16), 2, axis=0).reshape(-1)
    expected = by_definition(kept, kept, 16)
    np.testing.assert_allclose(made.spectra[0], expected, rtol=0, atol=1e-4)
    after = correlator.integrate(1)
    assert after is not None
    assert (after.weights, after.valid) == ([0.0] * 3, [0.0, 0.0])
    assert not np.any(after.spectra)


def test_an_integration_is_stopped_in_the_middle() -> None:
    antenna = Antenna("A", Given(noise(320, 1)), Delay())
    correlator = Correlator([antenna], pairs_of([antenna]), channels=16, integration_s=320e-6)
    assert correlator.integrate(0, lambda: True) is None


def test_zeros_have_a_fringe_without_signal() -> None:
    assert find_fringe(np.zeros((2, 8)), width_hz=1e6, integration_s=1) == Fringe(0.0, 0.0, 0.0)
