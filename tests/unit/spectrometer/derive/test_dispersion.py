"""Delays by dispersion, and the filter that makes them."""

from __future__ import annotations

import numpy as np
import pytest

from spectrometer.derive.dispersion import delays, filter_response, smearing


def test_known_delays() -> None:
    # Lorimer & Kramer 2005, (4.7): 4.15 ms (f/GHz)^-2 for 1 pc/cm3
    assert delays(1.0, 1000.0) == pytest.approx(4.149e-3, rel=1e-3)
    assert delays(100.0, [400.0, 800.0]) == pytest.approx([2.593361, 0.648340], rel=1e-6)


def test_smearing_of_a_channel() -> None:
    # Lorimer & Kramer 2005, (6.4): 8.3 us DM (MHz) (GHz)^-3
    assert sum(smearing(50.0, 430.0, -0.5)) == pytest.approx(8.3e-6 * 50 * 0.5 / 0.43**3, rel=2e-3)


def test_the_delay_of_the_filter_is_that_of_the_frequency() -> None:
    offsets = np.linspace(-0.5, 0.5, 20001)
    phase = np.unwrap(np.angle(filter_response(30.0, 430.0, offsets)))
    group_delay = -np.gradient(phase, offsets * 1e6) / (2 * np.pi)
    expected = delays(30.0, 430.0 + offsets) - delays(30.0, 430.0)
    assert group_delay[1:-1] == pytest.approx(expected[1:-1], abs=1e-8)
