"""Numbers of 14 characters, compared with the formatting of Python, which is that of C."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateways.difx.protocol.decimals import decimal14_array


def one_by_one(values: list[float]) -> bytes:
    """Write numbers each on its own."""
    return b"".join(b"%14.6e" % value for value in values)


def test_known_numbers_have_the_characters_of_the_sheet() -> None:
    assert decimal14_array([1.0, -14.03624]) == b"  1.000000e+00 -1.403624e+01"


def test_numbers_that_are_not_finite_are_zeros() -> None:
    assert decimal14_array([np.nan, np.inf, -np.inf]) == b"  0.000000e+00" * 3


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
@example([0.0, -0.0, 5e-324, 1.7976931348623157e308, 1e99, 1e100, 1e-99, 1e-100, 9.9999999e98])
@example([9.9999995, 9.99999949999, 1.0000005, 0.99999995, 999999.95, 1e15, 1e-5, 1e22, 1e23])
@example([float(f"{d}.{d}{d}5e{e}") for d in range(1, 10) for e in range(-20, 20)])
@settings(max_examples=60)
def test_every_number_is_written_as_printf_does(values: list[float]) -> None:
    assert decimal14_array(values) == one_by_one(values)


def test_many_numbers_of_all_sizes_are_written_as_printf_does() -> None:
    source = np.random.default_rng(1)
    values = source.normal(size=20_000) * 10.0 ** source.integers(-30, 30, 20_000)
    values[::7] = values[::7].astype(np.float32)
    values[::11] = np.round(values[::11], 3)
    assert decimal14_array(values) == one_by_one(values.tolist())
