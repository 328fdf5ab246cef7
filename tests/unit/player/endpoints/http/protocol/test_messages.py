"""Messages of the streams."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.endpoints.http.protocol.messages import (
    MAX_TEXT,
    write_beat,
    write_frame,
    write_update,
)
from zmqjsonproxy.channels import Update


def test_an_update_has_number_time_and_what_was_lost() -> None:
    told = json.loads(write_update(Update("BANKA", "level", 2**60, 7, 1.5, 2)))
    assert told == {
        "event": "update",
        "name": "level",
        "number": 7,
        "time": 1.5,
        "lost": 2,
        "kind": "result",
        "value": "1152921504606846976",
    }


def test_a_value_that_is_too_long_is_left_out() -> None:
    told = json.loads(write_update(Update("BANKA", "level", "x" * MAX_TEXT, 1, 1.0)))
    assert told["value"]["left_out"]
    assert told["value"]["characters"] > MAX_TEXT


def test_a_heartbeat_says_what_it_is_told() -> None:
    assert json.loads(write_beat(3, 2.0, dropped=1)) == {
        "event": "heartbeat",
        "number": 3,
        "time": 2.0,
        "dropped": 1,
    }


DTYPES = ["<f4", ">f4", "<i2", "|u1", "<f8", ">i8", "<c8"]


@given(
    st.text(max_size=20),
    st.lists(st.tuples(st.sampled_from(DTYPES), st.integers(0, 9)), min_size=1, max_size=3),
)
def test_a_frame_is_read_back_in_place(name: str, arrays: list[tuple[str, int]]) -> None:
    made = {f"a{n}": np.arange(size).astype(dtype) for n, (dtype, size) in enumerate(arrays)}
    update = Update("BANKA", name, {**made, "x_start": 0.5, "window": None}, 3, 1.5, 1, "pipe")
    message = write_frame(update)
    (length,) = struct.unpack_from("<I", message)
    begin = 4 + length
    header = json.loads(message[4:begin])
    assert (header["name"], header["number"], header["x_start"]) == (name, 3, 0.5)
    assert begin % 8 == 0
    for told in header["arrays"]:
        wanted = made[told["key"]]
        assert told["offset"] % 8 == 0
        assert not told["dtype"].startswith(">")
        count = int(np.prod(told["shape"]))
        read = np.frombuffer(message, told["dtype"], count, begin + told["offset"])
        assert np.array_equal(read.reshape(told["shape"]), wanted)


@pytest.mark.parametrize("value", [None, {"x_start": 1.0}, [1]])
def test_what_has_no_arrays_is_no_frame(value: object) -> None:
    with pytest.raises(ValueError, match="no arrays"):
        write_frame(Update("BANKA", "trace", value, 1, 1.0, 0, "pipe"))  # type: ignore[arg-type]
