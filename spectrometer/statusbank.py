"""Status memory of a Bank as observers read and write it, the scan number among it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, ClassVar, cast

from player.bank import Bank, BankContext
from spectrometer.bankstate import chosen_status
from spectrometer.currentmode import CurrentMode
from spectrometer.errors import BankError
from spectrometer.observing.scannumber import ScanNumber
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.protocol.cards import Value
from spectrometer.status.repair import repair_status
from zmqjsonproxy import command, current_caller, query
from zmqjsonproxy.channels.properties import table_of

__all__ = ["StatusBank"]

# that callers leave: a mode has some hundred keys, a scan and its program add fewer than 100
RESERVED_CARDS = 256


class StatusBank(Bank):
    """A Bank with a status memory, while it is open."""

    _number_type: ClassVar[type[ScanNumber]] = ScanNumber
    _memory: StatusBuffer | None = None
    _current: CurrentMode  # of whoever derives

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        self._table = table_of(self)
        self._scan_number = self._number_type(context.data_root, context.name, self.log)
        self._noted: set[str] = set()  # status keys that observers have written in this mode

    @property
    def _status(self) -> StatusBuffer:
        if self._memory is None:
            raise BankError(f"{self.name} is closed")
        return self._memory

    def _shown(self, key: str) -> Value | None:
        """Return the value of a key as it was published last; waits for nobody."""
        found = self._table.properties.get(f"status.{key}")
        newest = None if found is None else found.newest
        return None if newest is None else cast(Value | None, newest.encoded.value())

    @command
    def set_status(self, **kvpairs: Any) -> None:
        """Write status keys."""
        self._status.update(kvpairs, RESERVED_CARDS)
        self._noted.update(key.upper() for key in kvpairs)

    def _forget_noted(self, kept: Container[str]) -> None:
        """Remove what observers have written in this mode, apart from keys that the mode has."""
        self._status.remove({key for key in self._noted if key not in kept})
        self._noted.clear()

    @query
    def get_status(self, keys: str | Sequence[str] | None = None) -> Any:
        """The whole status; those of some keys by name; or the value of one key. Refused if a key
        is not there.

        Clients of the original get what its Players gave: None without a mode, and texts of what
        the Bank wrote.
        """
        native = current_caller().native
        if not native and self._current.backend is None:
            return None
        return chosen_status(
            self._status.read() if native else self._status.read_as_original(), keys, native=native
        )

    @query
    def check_status(self) -> list[str]:
        """Return what is damaged in the status memory, with places and bytes; empty if nothing
        is."""
        return [str(damage) for damage in self._status.damage()]

    @command
    def repair_status(self) -> dict[str, Any]:
        """Put a damaged status memory right: every whole card stays, and there is an END.

        Returns:
            found: what was wrong; kept: the file with all bytes as they were, empty if nothing was
                wrong.
        """
        found, kept = repair_status(self._status, self.context.data_root / self.name)
        if kept is not None:
            self.log.warning("status memory put right; what was there is kept in %s", kept)
        return {"found": found, "kept": "" if kept is None else str(kept)}

    @command
    def set_scan_number(self, num: int) -> None:
        """Set the number of the present scan; the next start counts on from it."""
        self._scan_number.set(num)
        self._write_scan_number()

    @command
    def increment_scan_number(self) -> None:
        """Count the scan number up by one."""
        self._scan_number.increment()
        self._write_scan_number()

    def _write_scan_number(self) -> None:
        number = self._scan_number.value
        self._status.update({"SCANNUM": number, "SCAN": number})
