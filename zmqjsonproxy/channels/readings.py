"""Readings of computed properties, which run anybody's code: beside whoever asks, of each property
one at a time, in few threads. Knows no property, no socket.

A reading that hangs keeps its thread, and nobody but those who ask for that very property waits for
it, and not for long.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from groundwork.errors import text_of
from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.channels.protocol.notices import Encoded, encode
from zmqjsonproxy.process import ForkSafeLock

__all__ = ["READ_WITHIN_S", "Readings"]

log = logging.getLogger(__name__)

MAX_READERS = 8
"""Threads that read properties of one object at a time."""
READ_WITHIN_S = 1.0
"""A reading that takes longer is waited for no more."""
Read = Callable[[], JsonValue]
Told = Callable[["_Read"], object]


@dataclass(slots=True, eq=False)
class _Read:
    """Last reading of a property, and the one that goes on.

    Attributes:
        name: Of the property.
        read: Reads it.
        value: What was read last; None: it was never read.
        read_at: When the reading of that began, s, monotonic.
        problem: Why the last reading failed; empty: it did not.
        asked_at: When the reading that waits or runs was asked for; None: there is none.
        runs: It runs.
        told: Called when it has ended, by whom they belong to.
        told_next: When the one after it has ended, which is begun at once.
        is_blamed: What is wrong with it was logged.
    """

    name: str
    read: Read
    value: Encoded | None = None
    read_at: float = 0.0
    problem: str = ""
    asked_at: float | None = None
    runs: bool = False
    told: dict[object, Told] = field(default_factory=dict)
    told_next: dict[object, Told] = field(default_factory=dict)
    is_blamed: bool = False


def _in_a_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, name="computed properties", daemon=True).start()


class Readings:
    """Reads the computed properties of one object; for any thread.

    Args:
        start: Has a function called that runs anybody's code; RuntimeError: it cannot now.
        clock: s, monotonic.
    """

    def __init__(
        self,
        start: Callable[[Callable[[], None]], None] = _in_a_thread,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start, self._clock = start, clock
        self._lock = ForkSafeLock()
        self._known: dict[str, _Read] = {}
        self._waiting: deque[_Read] = deque()
        self._readers, self._process = 0, os.getpid()

    def get(
        self, wanted: Mapping[str, Read], within: float = READ_WITHIN_S
    ) -> tuple[dict[str, Encoded], dict[str, JsonObject]]:
        """Read properties, each anew: what is told was so after the call began.

        Args:
            wanted: Name -> function.
            within: Time for all of them together, s. One that is being read for longer is not waited
                for.

        Returns:
            The values, and of those that could not be read by then what `problem` tells.
        """
        ended: SimpleQueue[_Read] = SimpleQueue()
        end, left = self._clock() + within, set()
        found: dict[str, Encoded] = {}
        for name, read in wanted.items():
            if self._ask(name, read, ended, ended.put, is_fresh=True):
                left.add(name)
        while left:
            try:
                known = ended.get(timeout=max(end - self._clock(), 0.0))
            except Empty:
                self._tell_no_more(left, ended)
                break
            left.discard(known.name)
            if known.value is not None and not known.problem:
                found[known.name] = known.value
        late = f"it was not read within {within:g} s"
        return found, {name: self._problem(name, late) for name in wanted if name not in found}

    def sample(self, name: str, read: Read, tell: Callable[[Encoded], object], key: object) -> None:
        """Read a property and tell its value; returns at once. If it is being read, that is told; a
        `key` for which it is to be told already is not told twice. What fails is logged once."""

        def told(known: _Read) -> None:
            if known.value is not None and not known.problem:
                tell(known.value)

        self._ask(name, read, ("sample", key), told, is_fresh=False)

    def problem(self, name: str) -> JsonObject | None:
        """Tell what is wrong with a property: `reason`, and if it was ever read its last `value`
        with the `age` of that, s. None: nothing, as far as is known."""
        return self._problem(name) or None

    def _problem(self, name: str, otherwise: str = "") -> JsonObject:
        with self._lock:
            known = self._known.get(name)
            reason = "" if known is None else self._reason(known)
            value, read_at = (None, 0.0) if known is None else (known.value, known.read_at)
        if not (reason or otherwise):
            return {}
        told: JsonObject = {"reason": reason or otherwise}
        if value is not None:
            told |= {"age": round(self._clock() - read_at, 3), "value": value.value()}
        return told

    def _reason(self, known: _Read) -> str:
        late = 0.0 if known.asked_at is None else self._clock() - known.asked_at
        if late <= READ_WITHIN_S:
            return known.problem
        if known.runs:
            return f"it is being read for {late:.1f} s, and has not come back"
        others = ", ".join(one.name for one in self._known.values() if one.runs)
        return (
            f"it waits for {late:.1f} s to be read: {others[:200]} keep all {MAX_READERS} threads"
        )

    def _ask(self, name: str, read: Read, key: object, told: Told, *, is_fresh: bool) -> bool:
        """Ask for a reading, `is_fresh`: one that has not begun; False: there is no hope of it."""
        with self._lock:
            self._forget_parent()
            known = self._known.get(name)
            if known is None:
                known = self._known[name] = _Read(name, read)
            known.read = read
            if known.asked_at is None:
                known.asked_at = self._clock()
                self._waiting.append(known)
            elif self._clock() - known.asked_at > READ_WITHIN_S:
                self._blame(known, self._reason(known))
                if is_fresh:
                    return False
            (known.told_next if is_fresh and known.runs else known.told)[key] = told
            starts = bool(self._waiting) and self._readers < MAX_READERS
            self._readers += starts
        if starts:
            try:
                self._start(self._run)
            except RuntimeError:  # no more threads: with the next one that is asked for
                with self._lock:
                    self._readers -= 1
        return True

    def _blame(self, known: _Read, why: str, error: BaseException | None = None) -> None:
        """Log what is wrong with one that is published, once."""
        if not known.is_blamed and any(type(key) is tuple for key in known.told):
            known.is_blamed = True
            log.error("%s cannot be read: %s", known.name, why, exc_info=error)

    def _tell_no_more(self, names: Iterable[str], key: object) -> None:
        with self._lock:
            for name in names:
                self._known[name].told.pop(key, None)
                self._known[name].told_next.pop(key, None)

    def _forget_parent(self) -> None:
        """Forget, in a child made by `fork`, the readings under way, whose threads are not here."""
        if self._process != os.getpid():
            self._process, self._readers = os.getpid(), 0
            self._waiting.clear()
            for known in self._known.values():
                known.asked_at, known.runs = None, False
                known.told, known.told_next = {}, {}

    def _run(self) -> None:
        """Read what waits, until nothing does."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._readers -= 1
                    return
                known = self._waiting.popleft()
                known.runs = True
            self._carry_out(known)

    def _carry_out(self, known: _Read) -> None:
        begun, error = self._clock(), None
        try:
            value = encode(known.read())
        except BaseException as failure:  # SystemExit of anybody's code among them
            error = failure
        with self._lock:
            if error is None:
                known.value, known.read_at, known.problem = value, begun, ""
                known.is_blamed = False
            else:
                known.problem = f"{type(error).__name__}: {text_of(error)}"
                self._blame(known, known.problem, error)
            known.asked_at = self._clock()
            told, known.told = known.told, {}
        for tell in told.values():
            try:
                tell(known)
            except Exception:  # of those who hear of it
                log.exception("%s was read and could not be published", known.name)
        with self._lock:
            known.runs = False
            known.told |= known.told_next
            known.told_next, known.asked_at = {}, None
            if known.told:
                known.asked_at = self._clock()
                self._waiting.append(known)
