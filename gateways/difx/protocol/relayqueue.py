"""Messages that wait for one client of the relay: bounded, what is left out is counted and told. No clock.

Of what does not fit, the oldest state of the same sender, type and identifier goes first, else the
oldest message that is not the final state of a job.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

from gateways.difx.protocol.messagebodies import Alert, AlertSeverity, encoded
from gateways.difx.protocol.messages import MessageHeader

__all__ = ["MAX_FINAL", "REPORT_EVERY_S", "RelayMessage", "RelayQueue"]

MAX_FINAL = 10_000
"""Final states of jobs that wait beside the other messages."""
REPORT_EVERY_S = 1.0
IDENTIFIER = "difxgateway"

_Key = tuple[str, str, str]


class RelayMessage(Protocol):
    """A message for clients: encoded here, or as it came from a network."""

    @property
    def header(self) -> MessageHeader: ...
    @property
    def is_status(self) -> bool: ...
    @property
    def is_final(self) -> bool: ...
    @property
    def has_number(self) -> bool: ...
    def numbered(self, sequence: int) -> bytes: ...


class RelayQueue:
    """Messages of one client.

    Args:
        most: Messages that may wait, final states of jobs beside them.
        passes: Tells of a type whether the client has selected it.
        name: Of the gateway, which reports losses.

    Attributes:
        lost: Messages that were left out so far.
    """

    def __init__(self, most: int, passes: Callable[[str], bool], name: str) -> None:
        self._most, self._passes, self._name = most, passes, name
        self._waiting: OrderedDict[int, RelayMessage] = OrderedDict()
        self._final: deque[tuple[int, RelayMessage]] = deque()
        self._states: dict[_Key, deque[int]] = {}
        self._numbers: dict[str, int] = {}
        self._count = 0
        self.lost = 0
        self._told, self._tell_at = 0, -math.inf

    def __len__(self) -> int:
        return len(self._waiting) + len(self._final)

    def offer(self, message: RelayMessage) -> None:
        """Take a message, if it is selected."""
        if not self._passes(message.header.type):
            return
        self._count += 1
        if message.is_final:
            self._final.append((self._count, message))
            if len(self._final) > MAX_FINAL:
                self._final.popleft()
                self.lost += 1
            return
        if len(self._waiting) >= self._most:
            self._leave_one_out(message)
        self._waiting[self._count] = message
        if message.is_status:
            self._states.setdefault(_key(message), deque()).append(self._count)

    def _leave_one_out(self, message: RelayMessage) -> None:
        older = self._states.get(_key(message)) if message.is_status else None
        place = older[0] if older else next(iter(self._waiting))
        self._remove(place)
        self.lost += 1

    def _remove(self, place: int) -> RelayMessage:
        message = self._waiting.pop(place)
        if message.is_status:
            key = _key(message)
            places = self._states[key]
            places.popleft()  # the oldest of its kind always goes first
            if not places:
                del self._states[key]
        return message

    def take(self, now: float) -> bytes | None:
        """Return the next document; None: nothing waits.

        Args:
            now: s, monotonic.
        """
        if self.lost > self._told and now >= self._tell_at:
            return self._report(now)
        if self._final and (not self._waiting or self._final[0][0] < next(iter(self._waiting))):
            return self._numbered(self._final.popleft()[1])
        if not self._waiting:
            return None
        return self._numbered(self._remove(next(iter(self._waiting))))

    @property
    def report_at(self) -> float | None:
        """Time at which a report is due, s, monotonic; None: there is none to make."""
        return self._tell_at if self.lost > self._told else None

    def _report(self, now: float) -> bytes:
        new, self._told, self._tell_at = self.lost - self._told, self.lost, now + REPORT_EVERY_S
        text = (
            f"{new} message{'s' * (new != 1)} left out for this client, which is too slow "
            f"(relay_queue = {self._most}); {self.lost} since the relay was switched on"
        )
        alert = Alert(text=text, severity=AlertSeverity.WARNING)
        return self._numbered(encoded(self._name, alert, identifier=IDENTIFIER))

    def _numbered(self, message: RelayMessage) -> bytes:
        if not message.has_number:
            return message.numbered(0)
        sender = message.header.sender
        number = self._numbers[sender] = self._numbers.get(sender, 0) + 1
        return message.numbered(number)


def _key(message: RelayMessage) -> _Key:
    header = message.header
    return header.sender, header.type, header.identifier
