from __future__ import annotations

import numpy as np
from correlator.delays import Delay
from hypothesis import given, settings
from hypothesis import strategies as st

COEFFICIENTS = st.tuples(st.floats(-1e4, 1e4), st.floats(-10, 10), st.floats(-1e-3, 1e-3))
TIMES = np.array([-1.0, 0.0, 0.5, 100.0])


def test_coefficients_are_microseconds_by_powers_of_seconds() -> None:
    delay = Delay((3.0, -2.0, 0.5))
    assert delay.seconds(np.array([0.0, 2.0])).tolist() == [3e-6, 1e-6]
    assert delay.rate(np.array([0.0, 4.0])).tolist() == [-2e-6, 2e-6]


@given(COEFFICIENTS)
@settings(max_examples=30, deadline=None)
def test_a_wavefront_has_the_same_delay_at_the_station_and_at_the_reference(
    coefficients: tuple[float, float, float],
) -> None:
    delay = Delay(coefficients)
    there = delay.at_station(TIMES + delay.seconds(TIMES))
    np.testing.assert_allclose(there, delay.seconds(TIMES), rtol=0, atol=1e-15)
