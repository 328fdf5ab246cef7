"""Messages of the streams: updates and heartbeats as JSON, frames of pipes as bytes. No I/O, no
clock.

A binary message is

| bytes | |
|---|---|
| 4 | length n of the header, unsigned, little-endian |
| n | header: JSON, in ASCII, with spaces at its end, so that the arrays begin at a multiple of 8 |
| rest | arrays, one after the other, each from a multiple of 8 on: little-endian, last axis fastest |

The header has `name`, `number`, `time`, `lost` as an update has, all values of the frame that are
no arrays (`x_start`, `x_delta`, ...), and `arrays`: of each its `key`, `dtype` ("<f4"), `shape`, and
`offset` from the end of the header, bytes.
"""

from __future__ import annotations

import struct
from typing import Any

from player.endpoints.http.protocol.texts import write_json
from zmqjsonproxy.channels.updates import Update

__all__ = ["MAX_ARRAY", "MAX_TEXT", "write_beat", "write_end", "write_frame", "write_update"]

MAX_ARRAY = 1024
"""Numbers of an array that are written into a text."""
MAX_TEXT = 2**20
"""Characters of an update; the value of a longer one is left out."""
_ALIGNED = 8
_LENGTH = struct.Struct("<I")


def write_update(update: Update) -> str:
    """Write an update as JSON."""
    told = {"event": "update", **_told(update), "kind": update.kind}
    text = write_json({**told, "value": update.value}, MAX_ARRAY)
    if len(text) > MAX_TEXT:
        text = write_json({**told, "value": {"left_out": True, "characters": len(text)}})
    return text


def _told(update: Update) -> dict[str, Any]:
    return {
        "name": update.name,
        "number": update.number,
        "time": update.time,
        "lost": update.lost,
    }


def write_beat(number: int, time: float, **told: object) -> str:
    """Write a heartbeat as JSON.

    Args:
        number: Counts the heartbeats of a stream.
        time: Of the Player, UTC, unix seconds.
        **told: What has become of the stream so far.
    """
    return write_json({"event": "heartbeat", "number": number, "time": time, **told})


def write_end(why: str) -> str:
    """Write the last message of a stream that is ended before its viewer ended it, as JSON."""
    return write_json({"event": "end", "reason": why})


def write_frame(update: Update, **more: Any) -> bytes:
    """Write a frame of a pipe as a binary message; ValueError: it has no arrays.

    Args:
        update: The frame.
        **more: Further members of the header; those of the frame itself do not take their place.
    """
    value = update.value if isinstance(update.value, dict) else {}
    arrays: dict[str, Any] = {key: each for key, each in value.items() if hasattr(each, "dtype")}
    if not arrays:
        raise ValueError(f"{update.name}: no arrays in its value")
    others = {key: each for key, each in value.items() if key not in arrays}
    bodies, described, offset = [], [], 0
    for key, array in arrays.items():
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        body = little.tobytes()
        described.append(
            {"key": key, "dtype": little.dtype.str, "shape": list(array.shape), "offset": offset}
        )
        bodies.append(body + bytes(-len(body) % _ALIGNED))
        offset += len(bodies[-1])
    header = write_json({**others, **_told(update), **more, "arrays": described})
    header += " " * (-(_LENGTH.size + len(header)) % _ALIGNED)
    return b"".join((_LENGTH.pack(len(header)), header.encode("ascii"), *bodies))
