"""Messages to viewers: JSON texts, and frames of pipes as bytes. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.values import JsonObject
from player.endpoints.http.protocol.messages import MAX_ARRAY, write_frame
from player.endpoints.http.protocol.texts import write_json
from zmqjsonproxy.channels import Update

__all__ = [
    "write_beat",
    "write_changes",
    "write_hello",
    "write_lines",
    "write_pipe",
    "write_wanted",
]


def write_changes(
    topic: str,
    since: int,
    place: int,
    time: float,
    values: Mapping[str, Any],
    gone: Sequence[str],
) -> str:
    """Write changes of a topic of keys.

    Args:
        topic: Its name.
        since: Place that the viewer had; 0: all there is.
        place: Place that it has then.
        time: Now, UTC, unix seconds.
        values: Those that have changed.
        gone: Keys that are no more.
    """
    told = {"event": "changes", "topic": topic, "from": since, "to": place, "time": time}
    return write_json({**told, "values": values, "gone": list(gone)}, MAX_ARRAY)


def write_lines(
    topic: str, since: int, place: int, lost: int, lines: Sequence[Mapping[str, Any]]
) -> str:
    """Write new lines of a topic of lines.

    Args:
        topic: Its name.
        since: Number of the last line that the viewer had; 0: it had none.
        place: Number of the last one that it has then.
        lost: Lines between them that are not sent.
        lines: The lines.
    """
    told = {"event": "lines", "topic": topic, "from": since, "to": place, "lost": lost}
    return write_json({**told, "lines": lines}, MAX_ARRAY)


def write_hello(
    time: float, version: str, started: float, topics: Sequence[str], unknown: Sequence[str]
) -> str:
    """Write the first message of a stream of events.

    Args:
        time: Now, UTC, unix seconds.
        version: Of the dashboard.
        started: When it began to serve.
        topics: That the viewer gets.
        unknown: That it asked for, and there are not.
    """
    told = {"event": "hello", "time": time, "version": version, "started": started}
    return write_json({**told, "topics": list(topics), "unknown": list(unknown)})


def write_wanted(
    topics: Sequence[str], frames: Sequence[JsonObject], unknown: Sequence[str]
) -> str:
    """Write the answer to wishes: what of them is had."""
    told = {"event": "wanted", "topics": list(topics), "frames": list(frames)}
    return write_json({**told, "unknown": list(unknown)})


def write_beat(number: int, time: float, merged: int, silent: Mapping[str, float]) -> str:
    """Write a heartbeat.

    Args:
        number: Counts those of a stream.
        time: Now, UTC, unix seconds.
        merged: Messages so far that the viewer was too slow for.
        silent: Bank -> time since it was heard, s, of those that are late.
    """
    told = {"event": "heartbeat", "number": number, "time": time, "merged": merged}
    return write_json({**told, "silent": silent})


def write_pipe(update: Update, object_name: str, wanted: JsonObject) -> bytes:
    """Write a frame of a pipe; ValueError: it has no arrays.

    Args:
        update: The frame.
        object_name: Object that published it.
        wanted: Limits that it was sent under.
    """
    return write_frame(update, bank=update.source, object=object_name, wanted=wanted)
