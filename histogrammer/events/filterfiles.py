"""Files of events that filters write: ring items of our own parameter data.

    definitions of its parameters, ids 1..n; then an item for each event, numbered from 0

Between blocks a file ends at the end of an item.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from groundwork.closing import Closing
from histogrammer.events.blocks import EventBlock
from histogrammer.events.protocol.paramitems import ParameterNames, write_definitions, write_events
from histogrammer.events.protocol.ringitems import write_item

__all__ = ["FilterFile"]

_EVENTS_AT_ONCE = 2048


class FilterFile(Closing):
    """A file that is written.

    Args:
        file: Descriptor of it, open for writing and empty; closed with it.
        parameters: Names of those that are written.

    Raises:
        OSError: The definitions cannot be written; the descriptor is the caller's then.

    Attributes:
        events: Events that were written.
    """

    def __init__(self, file: int, parameters: Sequence[str]) -> None:
        self.events = 0
        self._file, self._parameters, self._bytes = file, tuple(parameters), 0
        numbered = tuple(enumerate(self._parameters, start=1))
        self._append(write_item(write_definitions(ParameterNames(numbered))))

    def write(self, block: EventBlock, truth: npt.NDArray[np.bool_]) -> None:
        """Write the events of a block for which a gate is true, with those of the parameters that
        they have.

        Raises:
            OSError: It cannot be; what was written of a part of them is cut off.
        """
        chosen = np.flatnonzero(truth)
        if not len(chosen):
            return
        there = np.stack([block.present(name) for name in self._parameters])
        values = np.stack([block.column(name) for name in self._parameters])
        for start in range(0, len(chosen), _EVENTS_AT_ONCE):
            events = chosen[start : start + _EVENTS_AT_ONCE]
            has = there[:, events].T
            _, ids = np.nonzero(has)
            triggers = np.arange(self.events, self.events + len(events))
            self._append(write_events(triggers, has.sum(axis=1), ids + 1, values[:, events].T[has]))
            self.events += len(events)

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._bytes)
            raise
        self._bytes += len(data)

    def close(self) -> None:
        """Close it; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
