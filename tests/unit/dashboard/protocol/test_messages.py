"""Messages to viewers."""

from __future__ import annotations

import json
import struct

import numpy as np

from dashboard.protocol.messages import write_beat, write_hello, write_pipe, write_wanted
from zmqjsonproxy.channels import Update


def test_a_frame_says_of_which_bank_and_limits_it_is() -> None:
    data = np.arange(6, dtype=">i2").reshape(2, 3)
    value = {"data": data, "x_start": 1.5, "bank": "another's"}
    update = Update("BANKA", "trace", value, 7, 12.25, 1, "pipe")
    message = write_pipe(update, "bank", {"rate": 5.0})
    (length,) = struct.unpack("<I", message[:4])
    header, arrays = json.loads(message[4 : 4 + length]), message[4 + length :]
    assert (4 + length) % 8 == 0
    told = {name: header[name] for name in ("bank", "object", "name", "number", "time", "lost")}
    assert told == {
        "bank": "BANKA",
        "object": "bank",
        "name": "trace",
        "number": 7,
        "time": 12.25,
        "lost": 1,
    }
    assert (header["wanted"], header["x_start"]) == ({"rate": 5.0}, 1.5)
    assert header["arrays"] == [{"key": "data", "dtype": "<i2", "shape": [2, 3], "offset": 0}]
    assert np.frombuffer(arrays, "<i2", 6).tolist() == [0, 1, 2, 3, 4, 5]


def test_texts_have_their_members() -> None:
    assert json.loads(write_beat(3, 1.5, 2, {"BANKC": 2.4})) == {
        "event": "heartbeat",
        "number": 3,
        "time": 1.5,
        "merged": 2,
        "silent": {"BANKC": 2.4},
    }
    assert json.loads(write_hello(1.0, "0.1", 0.5, ["log"], ["x"])) == {
        "event": "hello",
        "time": 1.0,
        "version": "0.1",
        "started": 0.5,
        "topics": ["log"],
        "unknown": ["x"],
    }
    assert json.loads(write_wanted(["log"], [{"rate": 5}], [])) == {
        "event": "wanted",
        "topics": ["log"],
        "frames": [{"rate": 5}],
        "unknown": [],
    }
