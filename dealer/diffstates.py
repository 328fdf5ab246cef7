"""States of Banks that are compared: words as `BANKA@scan12`, and the questions behind them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dealer.differences import ComparedState, HeldValue, StateDifference, differences, last_stretch
from dealer.errors import DealerError
from dealer.recordreading import PAGE, Record, RecordReader
from dealer.timearguments import MOMENT_FORM, moment
from zmqjsonproxy import (
    NoSuchInterfaceError,
    NoSuchMethodError,
    RefusedError,
    RemoteError,
    ThreadHub,
)

__all__ = [
    "WORD_FORM",
    "Comparison",
    "StateError",
    "StateWord",
    "StateWordError",
    "compare",
    "read_word",
]

WORD_FORM = f"BANK, BANK@MOMENT ({MOMENT_FORM}), BANK@scanN, or BANK@wanted"
_SCAN = re.compile(r"scan ?(\d{1,9})")
SCAN_KEYS = ("scan.scan", "scan.is_over")
AFTER_NOW_S = 3600.0
"""Values in force now are asked for by a later time: the clock of a Player may go ahead."""
JUST_BEFORE_S = 1e-3
_NO_HISTORY = (NoSuchInterfaceError, RemoteError, RefusedError)
"""Answers of Players that keep none."""


class StateError(DealerError):
    """A state that was asked for is not known."""


class StateWordError(StateError):
    """A word means no state that there can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateWord:
    """A state that is asked for.

    Attributes:
        label: As it was written.
        bank: Its Bank.
        at: The moment, UTC, unix seconds; None: now, or that of the scan.
        scan: Number of a scan whose end is meant; None: none is.
        is_wanted: What was wanted of the Bank is meant.
    """

    label: str
    bank: str
    at: float | None = None
    scan: int | None = None
    is_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two states, and on what they differ."""

    left: ComparedState
    right: ComparedState
    found: Sequence[StateDifference]

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "left": {"label": self.left.label, "bank": self.left.bank, "at": self.left.at},
            "right": {"label": self.right.label, "bank": self.right.bank, "at": self.right.at},
            "compared": len({*self.left.values, *self.right.values}),
            "differences": [each.describe() for each in self.found],
        }


def read_word(text: str, as_bank: Callable[[str], str], now: float) -> StateWord:
    """Return the state that a word means.

    Args:
        text: See WORD_FORM.
        as_bank: Returns the Bank that a name means, or raises.
        now: UTC, unix seconds.

    Raises:
        StateWordError: It means none.
    """
    name, at, when = text.partition("@")
    bank = as_bank(name)
    if not at or when in ("", "now", "actual"):
        return StateWord(label=bank, bank=bank)
    if when == "wanted":
        return StateWord(label=f"{bank}@wanted", bank=bank, is_wanted=True)
    if scan := _SCAN.fullmatch(when):
        return StateWord(label=f"{bank}@scan{scan[1]}", bank=bank, scan=int(scan[1]))
    try:
        at_moment = moment(when, now)
    except argparse.ArgumentTypeError:
        raise StateWordError(f"{text[:80]!r} means no state; write {WORD_FORM}") from None
    if at_moment > now:
        raise StateWordError(f"{bank}@{when} is a time to come; write one that is over")
    return StateWord(label=f"{bank}@{when}", bank=bank, at=at_moment)


def compare(
    hub: ThreadHub,
    urls: Mapping[str, str],
    words: tuple[StateWord, StateWord],
    now: float,
    timeout: float,
) -> Comparison:
    """Return on what two states differ.

    Args:
        hub: To ask with.
        urls: Bank -> URL of its Player.
        words: The states.
        now: UTC, unix seconds.
        timeout: Of one question, s.

    Raises:
        StateError: A state is not known; the text says why.
    """
    asking = _States(RecordReader(hub, urls, timeout), now)
    left, right = (asking.state(word) for word in words)
    journals = asking.journals({left.bank, right.bank}, max(left.at, right.at))
    return Comparison(left=left, right=right, found=differences(left, right, journals))


class _States:
    """Asks Players for states."""

    def __init__(self, reader: RecordReader, now: float) -> None:
        self._reader, self._now = reader, now

    def _ask(self, word: StateWord, object_name: str, method: str, **kwargs: Any) -> Any:
        (outcome,) = self._reader.ask(object_name, method, {word.bank: kwargs}).values()
        if outcome.error is not None:
            raise StateError(f"{word.label}: {outcome.error}") from outcome.error
        return outcome.value

    def state(self, word: StateWord) -> ComparedState:
        """Return a state."""
        if word.is_wanted:
            return self._wanted(word)
        at = self._at(word)
        try:
            keys = self._ask(word, "history", "keys")
            found = self._ask(
                word,
                *("history", "in_force"),
                keys=[key["name"] for key in keys],
                at=self._now + AFTER_NOW_S if at is None else at,
            )
        except StateError as error:
            if at is not None or not isinstance(error.__cause__, _NO_HISTORY):
                raise
            return self._live(word)
        values = {
            key: HeldValue(value=one["value"], unit=one["unit"] or "", since=one["time"])
            for key, one in found.items()
            if one["value"] is not None
        }
        if at is not None and not values:
            raise StateError(f"{word.label}: the history of {word.bank} has nothing of that time")
        moment = self._now if at is None else at
        return ComparedState(label=word.label, bank=word.bank, at=moment, values=values)

    def _live(self, word: StateWord) -> ComparedState:
        """Return what a Player that keeps no history publishes now; of one of the original its
        status."""
        values: dict[str, HeldValue] = {}
        for method, prefix in (("get_properties", ""), ("get_status", "status.")):
            try:
                told = self._ask(word, "bank", method)
            except StateError as error:
                if not isinstance(error.__cause__, NoSuchMethodError):
                    raise
                continue
            for key, value in (told if isinstance(told, Mapping) else {}).items():
                some = value.items() if isinstance(value, Mapping) else [("", value)]
                for member, each in some:
                    if each is None or isinstance(each, bool | int | float | str):
                        name = f"{prefix}{key}.{member}" if member else f"{prefix}{key}"
                        values[name] = HeldValue(value=each)
            break
        return ComparedState(label=word.label, bank=word.bank, at=self._now, values=values)

    def _wanted(self, word: StateWord) -> ComparedState:
        try:
            told = self._ask(word, "bank", "get_wanted")
        except StateError as error:
            if isinstance(error.__cause__, NoSuchMethodError):
                raise StateError(
                    f"{word.label}: its Player does not tell what is wanted"
                ) from error
            raise
        values = {key: HeldValue(value=value) for key, value in dict(told).items()}
        return ComparedState(
            label=word.label, bank=word.bank, at=self._now, values=values, is_wanted=True
        )

    def _at(self, word: StateWord) -> float | None:
        """Return the moment of a state, UTC, unix seconds; None: now."""
        if word.scan is None:
            return word.at
        points = self._ask(
            word, *("history", "read"), keys=list(SCAN_KEYS), most=10 * PAGE, newest=True
        )
        numbers = _of_key(points, SCAN_KEYS[0])
        stretch = last_stretch(numbers, word.scan)
        if stretch is None:
            known = sorted({number for _, number in numbers if isinstance(number, int)})
            kept = f"it has {_numbers(known)}" if known else "it has none"
            raise StateError(f"{word.label}: no such scan in the history of {word.bank}; {kept}")
        begun, end = stretch
        over = (at for at, is_over in _of_key(points, SCAN_KEYS[1]) if is_over and at > begun)
        ended = min((each for each in (end, next(over, None)) if each is not None), default=None)
        return None if ended is None else ended - JUST_BEFORE_S

    def journals(self, banks: Iterable[str], until: float) -> dict[str, list[Record]]:
        """Return the newest calls of Banks until a moment, in time order; of a Bank without a journal
        none."""
        asked = {"until": until + 1.0, "most": PAGE, "newest": True}
        found = self._reader.read_all(
            "journal", dict.fromkeys(sorted(banks), asked), lambda answer: list(answer["entries"])
        )
        return {bank: each.value for bank, each in found.items() if each.error is None}


def _numbers(known: Sequence[int]) -> str:
    first, last = known[0], known[-1]
    return f"scan {first}" if first == last else f"scans {first} to {last}"


def _of_key(points: Sequence[Record], key: str) -> list[tuple[float, Any]]:
    return [(point["time"], point["value"]) for point in points if point["key"] == key]
