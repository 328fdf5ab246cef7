"""Filters by name: events for which a gate is true are written into files, while spectra are
filled."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from groundwork.closing import Closing
from histogrammer.errors import FilterError
from histogrammer.events.blocks import EventBlock
from histogrammer.events.filterfiles import FilterFile
from histogrammer.gates.condition import Condition
from histogrammer.gates.conditions import BlockTruths
from histogrammer.names import refusal

__all__ = ["EventFilter", "Filters"]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class EventFilter:
    """A filter.

    Attributes:
        name: Any text.
        gate: Name of a condition; of one that does not exist (any more) nothing is written.
        parameters: Names of those that are written.
        path: Of its file; empty: none was given.
        is_enabled: It writes.
        writer: Its file; None: it has none.
    """

    name: str
    gate: str
    parameters: tuple[str, ...]
    path: str = ""
    is_enabled: bool = False
    writer: FilterFile | None = None


class Filters(Closing, Mapping[str, EventFilter]):
    """Filters by name, in the order in which they were made."""

    def __init__(self) -> None:
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
        gate: str,
        parameters: Sequence[str],
        *,
        conditions: Mapping[str, Condition],
        known: Mapping[str, object],
    ) -> None:
        """Add a filter, which writes nothing yet.

        Args:
            name: Of it.
            gate: Name of a condition.
            parameters: Names of those that are written.
            conditions: All that there are.
            known: All parameters by name.

        Raises:
            FilterError: The name is in use or too long, or there is no such gate or parameter.
        """
        if reason := refusal(name):
            raise FilterError(reason)
        if name in self._filters:
            raise FilterError(f"Filter {name} already exists")
        _check_gate(gate, conditions)
        for parameter in parameters:
            if parameter not in known:
                raise FilterError(f"Parameter {parameter} does not exist")
        self._filters[name] = EventFilter(name, gate, tuple(dict.fromkeys(parameters)))

    def named(self, name: str) -> EventFilter:
        """Return a filter; FilterError: there is none of this name."""
        if name not in self._filters:
            raise FilterError(f"Filter {name} does not exist")
        return self._filters[name]

    def delete(self, name: str) -> None:
        """Delete a filter, and close its file; FilterError: there is none of this name."""
        _close(self.named(name))
        del self._filters[name]

    def regate(self, name: str, gate: str, conditions: Mapping[str, Condition]) -> None:
        """Give a filter another gate; FilterError: there is no such one."""
        _check_gate(gate, conditions)
        self.named(name).gate = gate

    def write_into(self, name: str, path: str, file: int) -> None:
        """Have a filter write into a new file; the one before is closed.

        Args:
            name: Of the filter.
            path: Of the file, as it was given.
            file: Descriptor of it, open for writing and empty; closed by the filter.

        Raises:
            FilterError: There is no such filter, or the file cannot be written.
        """
        try:
            found = self.named(name)
        except FilterError:
            os.close(file)
            raise
        try:
            writer = FilterFile(file, found.parameters)
        except OSError as error:
            raise FilterError(f"{path}: {error.strerror or error}") from error
        _close(found)
        found.path, found.writer = path, writer

    def enable(self, name: str, is_enabled: bool = True) -> None:
        """Have a filter write, or write no more; FilterError: there is none such, or it has no
        file."""
        found = self.named(name)
        if is_enabled and found.writer is None:
            raise FilterError(f"Filter {name} has no file: give it one before it is enabled")
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
                one.writer.write(block, truths(one.gate))
            except OSError as error:
                one.is_enabled = False
                failed.append(f"filter {one.name}: {one.path}: {error.strerror or error}")
        if failed:
            raise FilterError(
                f"{'; '.join(failed)}; disabled: its events from here on are not in the file"
            )

    def close(self) -> None:
        """Close all files."""
        for one in self._filters.values():
            _close(one)


def _check_gate(gate: str, conditions: Mapping[str, Condition]) -> None:
    if gate not in conditions:
        raise FilterError(f"No such gate {gate}")


def _close(one: EventFilter) -> None:
    one.is_enabled = False
    if one.writer is not None:
        log.info("filter %s: %d events are in %s", one.name, one.writer.events, one.path)
        one.writer.close()
        one.writer = None
