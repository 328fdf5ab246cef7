"""Frames of pipes: reduced for a subscription, restored at its reader."""

from __future__ import annotations

import numpy as np
import pytest

from zmqjsonproxy.channels.frames import reduced_frame, restored_frame
from zmqjsonproxy.channels.protocol.limits import Limits, read_limits
from zmqjsonproxy.channels.protocol.notices import encode, encode_frame
from zmqjsonproxy.channels.reducedframe import Reduction

POINTS = np.sin(np.arange(4096) / 50).astype("<f4")


def test_a_wide_frame_becomes_bounds_and_no_peak_is_lost() -> None:
    data = POINTS.copy()
    data[1234] = 77
    sent = reduced_frame(encode_frame(data, 1.0, 0.5), Reduction(width=100))
    assert sent.size < data.nbytes / 4
    got = restored_frame(sent.value())
    assert isinstance(got, dict)
    assert got["upper"].max() == 77
    assert got["lower"].shape == got["upper"].shape == (100,)
    axis = {name: got[name] for name in ("x_start", "x_delta", "points", "window", "width")}
    assert axis == {
        "x_start": 1.0,
        "x_delta": 0.5,
        "points": 4096,
        "window": (0, 4096),
        "width": 100,
    }


def test_a_window_is_a_frame_of_fewer_points() -> None:
    got = restored_frame(
        reduced_frame(encode_frame(POINTS, 0.0, 1.0), Reduction(window=(10, 20))).value()
    )
    assert isinstance(got, dict)
    assert np.array_equal(got["data"], POINTS[10:20])
    assert (got["points"], got["window"]) == (4096, (10, 20))


@pytest.mark.parametrize("value", [{"data": [1, 2, 3], "x_start": 0.0, "x_delta": 1.0}, 3, None])
def test_a_value_that_is_no_array_is_sent_as_it_is(value: object) -> None:
    encoded = encode(value)
    assert reduced_frame(encoded, Reduction(width=1)) is encoded
    assert restored_frame(value) == value


def test_a_frame_that_cannot_be_reduced_so_is_refused() -> None:
    with pytest.raises(ValueError, match="complex values"):
        reduced_frame(encode_frame(POINTS.astype("<c8"), 0.0, 1.0), Reduction(width=10))


@pytest.mark.parametrize(
    "value",
    [
        {"reduced": None},
        {"reduced": {"method": "band"}, "arrays": []},
        {"reduced": {"method": "plain", "dtype": "<f4", "rows": [], "points": 4}, "arrays": [1]},
    ],
)
def test_what_is_no_reduced_frame_is_a_value_error(value: object) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        restored_frame(value)


def test_limits_travel_and_know_their_kinds() -> None:
    limits = Limits(5.0, 0.1, Reduction(width=800, window=(1, 5), error=0, compress=True))
    said = limits.describe()
    assert said == {
        "rate": 5.0,
        "dead_band": 0.1,
        "width": 800,
        "window": (1, 5),
        "error": 0.0,
        "compress": True,
    }
    assert read_limits(said | {"window": [1, 5]}) == limits
    assert limits.for_kind("pipe") == limits
    assert limits.for_kind("result") == Limits(5.0, 0.1)
    assert limits.for_kind("message") == Limits()
    with pytest.raises(ValueError, match="width"):
        read_limits({"width": 0})
