"""Small pictures of spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dashboard.bandpass import bandpass
from zmqjsonproxy.channels import Update


def update(value: Any) -> Update:
    return Update("BANKA", "spectrum", value, 1, 9.5, 0, "pipe")


def test_the_first_row_is_shown_in_few_digits() -> None:
    lower = np.array([[1.23456789, 2.0], [3.0, 4.0]], np.float32)
    value = {"lower": lower, "upper": lower + 1, "x_start": 1400.0, "x_delta": 0.5, "points": 64}
    assert bandpass(update(value)) == {
        "name": "spectrum",
        "time": 9.5,
        "lower": [1.2346, 2.0],
        "upper": [2.2346, 3.0],
        "x_start": 1400.0,
        "x_delta": 0.5,
        "points": 64,
    }


def test_short_frames_are_shown_as_they_are() -> None:
    told = bandpass(update({"data": np.arange(3)}))
    assert told is not None
    assert told["lower"] == told["upper"] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "value",
    [
        "no frame",
        {},
        {"data": [1, 2]},
        {"data": np.array([])},
        {"data": np.array(["x"])},
        {"data": np.zeros(5000)},
        {"data": np.array(1.0)},
        {"data": np.zeros((0, 64))},
        {"lower": np.zeros((2, 64)), "upper": np.zeros(64)},
    ],
)
def test_what_has_no_row_is_not_shown(value: Any) -> None:
    assert bandpass(update(value)) is None
