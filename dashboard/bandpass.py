"""Small picture of each Bank's newest spectrum, once a second, while anybody looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.bankstate import WatchedBank
from dashboard.frames import FrameFeed, FrameFeeds
from dashboard.protocol.topics import KeyTopic
from dashboard.protocol.wishes import FrameWish
from groundwork.values import JsonObject
from zmqjsonproxy.channels import Update

__all__ = ["Bandpasses", "bandpass"]

PIXELS = 64
_RATE = 1.0
_DIGITS = 5


class Bandpasses:
    """Bandpasses of all Banks.

    Args:
        states: Of the Banks.
        feeds: Bring frames.
        topic: Gets them.
    """

    def __init__(self, states: Sequence[WatchedBank], feeds: FrameFeeds, topic: KeyTopic) -> None:
        self._states, self._feeds, self._topic = states, feeds, topic
        self._followed: dict[str, tuple[FrameFeed, int]] = {}

    def look(self, is_wanted: bool) -> None:
        """Follow what is wanted, and show what came; called a few times a second."""
        for state in self._states:
            wish, unit = (_first_pipe(state) if is_wanted else None) or (None, "")
            known = self._followed.get(state.bank)
            if known is not None and known[0].wish != wish:
                self._feeds.leave(self._followed.pop(state.bank)[0], _nobody)
                self._topic.remove(state.bank)
                known = None
            if wish is None:
                continue
            feed, seen = known or (self._feeds.join(wish, _nobody), 0)
            if feed.update is not None and feed.count != seen:
                seen = feed.count
                self._show(state.bank, feed.update, unit)
            self._followed[state.bank] = feed, seen

    def _show(self, bank: str, update: Update, unit: str) -> None:
        told = bandpass(update)
        if told is not None:
            self._topic.put(bank, told | {"unit": unit})


def _nobody() -> None:
    """Wake nobody: bandpasses are looked at from time to time."""


def _first_pipe(state: WatchedBank) -> tuple[FrameWish, str] | None:
    """Return what is wished of the first pipe, and the unit of it; None: there is none."""
    for object_name, properties in state.interface.properties.items():
        for one in properties:
            if one["kind"] == "pipe":
                name = str(one["name"])
                wish = FrameWish(state.bank, object_name, name, _RATE, PIXELS)
                return wish, str(one.get("unit") or "")
    return None


def bandpass(update: Update) -> JsonObject | None:
    """Return the first row of a frame, in few digits; None: it has none."""
    value: Any = update.value
    if not isinstance(value, Mapping):
        return None
    lower, upper = value.get("lower", value.get("data")), value.get("upper", value.get("data"))
    if not hasattr(lower, "dtype") or not hasattr(upper, "dtype") or lower.dtype.kind not in "iuf":
        return None
    if lower.shape != upper.shape or not lower.ndim or not lower.size:
        return None
    while lower.ndim > 1:
        lower, upper = lower[0], upper[0]
    if lower.size >= 3 * PIXELS:  # what has fewer points than that comes as it is
        return None
    told: JsonObject = {"name": update.name, "time": update.time}
    told |= {"lower": _rounded(lower), "upper": _rounded(upper)}
    return told | {key: value[key] for key in ("x_start", "x_delta", "points") if key in value}


def _rounded(numbers: Any) -> list[float]:
    return [float(f"{number:.{_DIGITS}g}") for number in numbers.tolist()]
