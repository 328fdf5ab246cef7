"""Values of the status memory as clients of the original get them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spectrometer.status.protocol.originaltexts import as_original, original_text

# value, `str` of it in Python 2.7
TEXTS = [
    (1.0003414986666668, "1.00034149867"), (3e9, "3000000000.0"), (-1464843.75, "-1464843.75"), (0.0, "0.0"),
    (-0.0, "-0.0"), (30.0, "30.0"), (0.1, "0.1"), (6.826666666666666e-07, "6.82666666667e-07"), (1e16, "1e+16"),
    (123456789012.0, "1.23456789012e+11"), (1e11, "1e+11"), (99999999999.0, "99999999999.0"),
    (1234567890123.0, "1.23456789012e+12"), (1e22, "1e+22"), (1e-300, "1e-300"),
    (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"), (True, "True"), (False, "False"), (7, "7"), (-3, "-3"),
    (2**70, "1180591620717411303424"), (np.float64(0.5), "0.5"), (np.int64(5), "5"), (np.bool_(True), "True"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_numbers_are_written_as_python_2_wrote_them(value: object, text: str) -> None:
    assert original_text(value) == text


def test_numbers_that_somebody_else_has_written_stay_numbers() -> None:
    values = {"NCHAN": 1024, "FLAG": 1, "NPKT": 12, "NAME": "a", "DROP": 0.5}
    written = {"NCHAN": 1024, "FLAG": True, "NPKT": 11, "GONE": 3}
    assert as_original(values, written) == {
        "NCHAN": "1024",
        "FLAG": "True",
        "NPKT": 12,
        "NAME": "a",
        "DROP": 0.5,
    }
