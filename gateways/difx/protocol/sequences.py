"""Messages of a network that did not arrive, found by the sequence numbers of their senders."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field

from gateways.difx.protocol.messages import Datagram

__all__ = ["SequenceWatch"]

_SEQUENCE = re.compile(rb"<seqNumber>\s*(\d{1,10})\s*</seqNumber>")
_PROCESS = re.compile(rb"<mpiProcessId>\s*(-?\d{1,10})\s*</mpiProcessId>")
_MAX_SENDERS = 10_000
_MAX_MISSING = 10_000
"""Numbers of a sender that may come late; a larger step is another beginning, not a loss."""


@dataclass(slots=True)
class _Sender:
    last: int
    missing: set[int] = field(default_factory=set)


@dataclass(slots=True)
class SequenceWatch:
    """Counter of messages that are missing.

    Attributes:
        dropped: Messages that did not arrive; one that only came late is none.
    """

    dropped: int = 0
    _senders: OrderedDict[tuple[object, ...], _Sender] = field(default_factory=OrderedDict)

    def take(self, datagram: Datagram, host: str) -> int:
        """Take a message that arrived; return how many are missing directly before it.

        Args:
            datagram: Of which those without a sequence number are passed over.
            host: From where it came.
        """
        found = _SEQUENCE.search(datagram.data)
        if found is None:
            return 0
        number, process = int(found[1]), _PROCESS.search(datagram.data)
        header = datagram.header
        key = host, header.sender, header.identifier, process and process[1]
        known = self._senders.get(key)
        if known is None:
            self._senders[key] = _Sender(number)
            if len(self._senders) > _MAX_SENDERS:
                self._senders.popitem(last=False)
            return 0
        self._senders.move_to_end(key)
        return self._count(known, number)

    def _count(self, sender: _Sender, number: int) -> int:
        step = number - sender.last
        if number in sender.missing:
            sender.missing.discard(number)
            self.dropped -= 1
            return 0
        if step == 0:  # the same once more, as a network may do
            return 0
        if step < 0 or step > _MAX_MISSING:  # the sender has begun anew
            sender.last = number
            sender.missing.clear()
            return 0
        if step > 1:
            if len(sender.missing) + step > _MAX_MISSING:
                sender.missing.clear()
            sender.missing.update(range(sender.last + 1, number))
            self.dropped += step - 1
        sender.last = number
        return step - 1
