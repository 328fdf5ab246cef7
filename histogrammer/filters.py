"""Filters by name: events for which a gate is true are written into files, while spectra are
filled. ROOT trees that are written are such, too, with files of another form."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from groundwork.closing import Closing
from groundwork.errors import text_of
from histogrammer.errors import FilterError
from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import Condition, Truth
from histogrammer.gates.conditions import BlockTruths
from histogrammer.names import refusal

__all__ = ["EventFilter", "Filters", "WrittenEventFile", "write_all"]

log = logging.getLogger(__name__)


class WrittenEventFile(Protocol):
    """A file of events that is written."""

    @property
    def events(self) -> int:
        """Events that were written."""

    def write(self, block: EventBlock, truth: Truth) -> None:
        """Write the events for which a gate is true; any exception: it cannot be."""

    def close(self) -> None:
        """Close it."""


@dataclass(slots=True)
class EventFilter:
    """A filter.

    Attributes:
        name: Any text.
        gate: Name of a condition; of one that does not exist (any more) nothing is written; None:
            all events are.
        parameters: Names of those that are written.
        path: Of its file; empty: none was given.
        is_enabled: It writes.
        writer: Its file; None: it has none.
    """

    name: str
    gate: str | None
    parameters: tuple[str, ...]
    path: str = ""
    is_enabled: bool = False
    writer: WrittenEventFile | None = None


class Filters(Closing, Mapping[str, EventFilter]):
    """Filters by name, in the order in which they were made.

    Args:
        word: By which errors call one of them.
    """

    def __init__(self, word: str = "Filter") -> None:
        self._word = word
        self._filters: dict[str, EventFilter] = {}

    def __getitem__(self, name: str) -> EventFilter:
        return self._filters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._filters)

    def __len__(self) -> int:
        return len(self._filters)

    def create(
        self,
        name: str,
        gate: str | None,
        parameters: Sequence[str],
        *,
        conditions: Mapping[str, Condition],
        known: Mapping[str, object],
    ) -> None:
        """Add a filter, which writes nothing yet.

        Args:
            name: Of it.
            gate: Name of a condition; None: there is none.
            parameters: Names of those that are written.
            conditions: All that there are.
            known: All parameters by name.

        Raises:
            FilterError: The name is in use or too long, or there is no such gate or parameter.
        """
        if reason := refusal(name):
            raise FilterError(reason)
        if name in self._filters:
            raise FilterError(f"{self._word} {name} already exists")
        if gate is not None:
            _check_gate(gate, conditions)
        for parameter in parameters:
            if parameter not in known:
                raise FilterError(f"Parameter {parameter} does not exist")
        self._filters[name] = EventFilter(name, gate, tuple(dict.fromkeys(parameters)))

    def named(self, name: str) -> EventFilter:
        """Return a filter; FilterError: there is none of this name."""
        if name not in self._filters:
            raise FilterError(f"{self._word} {name} does not exist")
        return self._filters[name]

    def delete(self, name: str) -> None:
        """Delete a filter, and close its file; FilterError: there is none of this name."""
        _close(self.named(name))
        del self._filters[name]

    def regate(self, name: str, gate: str, conditions: Mapping[str, Condition]) -> None:
        """Give a filter another gate; FilterError: there is no such one."""
        _check_gate(gate, conditions)
        self.named(name).gate = gate

    def write_into(
        self, name: str, path: str, make: Callable[[Sequence[str]], WrittenEventFile]
    ) -> None:
        """Have a filter write into a new file; the one before is closed.

        Args:
            name: Of the filter.
            path: Of the file, as it was given.
            make: Returns the file, which the filter closes; takes names of parameters.

        Raises:
            FilterError: There is no such filter, or the file cannot be written.
        """
        found = self.named(name)
        try:
            writer = make(found.parameters)
        except Exception as error:  # libraries raise what they like
            raise FilterError(f"{path}: {text_of(error)}") from error
        was_enabled = found.is_enabled
        _close(found)
        found.path, found.writer, found.is_enabled = path, writer, was_enabled

    def enable(self, name: str, is_enabled: bool = True) -> None:
        """Have a filter write, or write no more; FilterError: there is none such, or it has no
        file."""
        found = self.named(name)
        if is_enabled and found.writer is None:
            raise FilterError(f"{self._word} {name} has no file: give it one before it is enabled")
        found.is_enabled = is_enabled

    def write(self, block: EventBlock, conditions: Mapping[str, Condition]) -> None:
        """Write what filters select of a block.

        Raises:
            FilterError: A file cannot be written. Its filter is disabled, all others have written.
        """
        enabled = [one for one in self._filters.values() if one.is_enabled]
        if not enabled:
            return
        truths, failed = BlockTruths(conditions, block), []
        for one in enabled:
            try:
                assert one.writer is not None
                is_all = one.gate is None
                truth = np.ones(len(block), np.bool_) if is_all else truths(one.gate or "")
                one.writer.write(block, truth)
            except Exception as error:  # libraries raise what they like
                one.is_enabled = False
                failed.append(f"{self._word} {one.name}: {one.path}: {text_of(error)}")
        if failed:
            raise FilterError(
                f"{'; '.join(failed)}; disabled: its events from here on are not in the file"
            )

    def close(self) -> None:
        """Close all files."""
        for one in self._filters.values():
            _close(one)


def write_all(
    some: Iterable[Filters], block: EventBlock, conditions: Mapping[str, Condition]
) -> None:
    """Write what filters of several kinds select of a block.

    Raises:
        FilterError: As of `Filters.write`, of the first kind that failed; all others have written.
    """
    failed: list[FilterError] = []
    for filters in some:
        try:
            filters.write(block, conditions)
        except FilterError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _check_gate(gate: str, conditions: Mapping[str, Condition]) -> None:
    if gate not in conditions:
        raise FilterError(f"No such gate {gate}")


def _close(one: EventFilter) -> None:
    one.is_enabled = False
    if one.writer is not None:
        log.info("%s: %d events are in %s", one.name, one.writer.events, one.path)
        try:
            one.writer.close()
        except Exception:  # what follows has to be done, too
            log.exception("%s: %s could not be closed", one.name, one.path)
        one.writer = None
