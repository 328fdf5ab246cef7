"""Wishes of viewers: names of topics, frames of pipes. No sockets, no clock."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from groundwork.truncation import cut
from groundwork.values import JsonObject

__all__ = [
    "FRAME_HZ",
    "MAX_FRAMES",
    "MAX_TOPICS",
    "FrameWish",
    "WishError",
    "known_topics",
    "read_wishes",
]

MAX_TOPICS, MAX_FRAMES = 64, 48
"""Of a browser: its tabs share a connection, and a page has up to nine panes."""
FRAME_HZ = 5.0
"""Frames of a pipe, per second, at most."""
_MAX_WIDTH = 16_384
_MAX_POINTS = 2**40
_MAX_NAME = 250


class WishError(ValueError):
    """Error: what came is no wish; says why."""


@dataclass(frozen=True, slots=True)
class FrameWish:
    """Frames that a viewer wants; equal ones share a subscription.

    Attributes:
        bank: Whose.
        object_name: Exposed object.
        name: Of the pipe.
        rate: Frames per second at most.
        width: Pixels; None: whole frames.
        window: First point, and one after the last; None: all.
    """

    bank: str
    object_name: str
    name: str
    rate: float = FRAME_HZ
    width: int | None = None
    window: tuple[int, int] | None = None

    @property
    def limits(self) -> JsonObject:
        """Limits that are set, as they are told."""
        told: JsonObject = {"rate": self.rate}
        if self.width is not None:
            told["width"] = self.width
        if self.window is not None:
            told["window"] = list(self.window)
        return told

    def describe(self) -> JsonObject:
        """Return it as it is told."""
        told: JsonObject = {"bank": self.bank, "object": self.object_name, "name": self.name}
        return {**told, **self.limits}


def read_wishes(text: str) -> tuple[list[str], list[FrameWish]]:
    """Read a message of a viewer: topics, frames; WishError: it is none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WishError(f"not JSON: {cut(str(error), 200)}") from error
    if not isinstance(told, dict):
        raise WishError("a wish is an object with topics and frames")
    topics, frames = told.get("topics", []), told.get("frames", [])
    if not isinstance(topics, list) or not all(isinstance(each, str) for each in topics):
        raise WishError("topics: a list of names")
    if not isinstance(frames, list):
        raise WishError("frames: a list")
    if len(topics) > MAX_TOPICS or len(frames) > MAX_FRAMES:
        raise WishError(f"at most {MAX_TOPICS} topics and {MAX_FRAMES} frames")
    wanted = dict.fromkeys(_read_frame(each) for each in frames)
    return list(dict.fromkeys(topics)), list(wanted)


def _read_frame(told: Any) -> FrameWish:
    if not isinstance(told, dict):
        raise WishError("frames: each is an object")
    names = [told.get("bank"), told.get("object", "bank"), told.get("name")]
    if not all(isinstance(name, str) and 0 < len(name) <= _MAX_NAME for name in names):
        raise WishError("frames: bank, object and name are texts")
    if any(sign in str(names[2]) for sign in "*?["):
        raise WishError("frames: name is that of one pipe, no pattern")
    rate = told.get("rate", FRAME_HZ)
    if not _is_number(rate) or not 0 < rate <= FRAME_HZ:
        raise WishError(f"frames: rate is a number above 0, up to {FRAME_HZ:g}")
    width, window = told.get("width"), told.get("window")
    if width is not None and (type(width) is not int or not 0 < width <= _MAX_WIDTH):
        raise WishError(f"frames: width is a number of pixels from 1 to {_MAX_WIDTH}")
    if window is not None:
        window = _read_window(window)
    bank, object_name, name = map(str, names)
    return FrameWish(bank, object_name, name, float(rate), width, window)


def _read_window(window: Any) -> tuple[int, int]:
    is_pair = isinstance(window, list) and len(window) == 2
    if not is_pair or not all(type(each) is int for each in window):
        raise WishError("frames: window is [first point, one after the last]")
    first, end = window
    if not 0 <= first < end <= _MAX_POINTS:
        raise WishError("frames: a window has at least one point")
    return first, end


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def known_topics(wanted: Iterable[str], there: Collection[str]) -> tuple[list[str], list[str]]:
    """Return which topics there are of those that are wanted, and which there are not."""
    known: list[str] = []
    unknown: list[str] = []
    for name in dict.fromkeys(wanted):
        (known if name in there else unknown).append(name)
    return known, [cut(name, 100) for name in unknown]
