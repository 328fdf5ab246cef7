"""Starts of one Bank: whose the next one is, what is prepared for it, and the scan that becomes of
it.

What runs a scan is `spectrometer.observing.scan`'s.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from player.clock import Clock
from spectrometer.backends.base import Backend
from spectrometer.derive.times import start_time
from spectrometer.modesetting import READY_WITHIN_S, ModeSetter
from spectrometer.observing.scan import ScanControl
from spectrometer.observing.scannumber import ScanNumber
from spectrometer.observing.scanplan import ScanPlan, StartRequest, read_banks, read_start_id
from spectrometer.observing.starthold import StartHold
from spectrometer.status.errors import StatusMemoryError
from zmqjsonproxy import RefusedError, current_caller
from zmqjsonproxy.handle import NULL_OPERATION, OperationHandle
from zmqjsonproxy.interface import current_operation, running

__all__ = ["Starts"]


class Starts:
    """Starts of one Bank.

    Args:
        clock: The Bank's.
        setter: Knows the arm delays of modes.
        number: Of the scans.
        show_number: Writes it into the status memory.

    Attributes:
        prepared_first: Names of what the last start had to prepare, because it was set and not
            prepared.
    """

    def __init__(
        self, clock: Clock, setter: ModeSetter, number: ScanNumber, show_number: Callable[[], None]
    ) -> None:
        self._clock, self._setter, self._number, self._show_number = (
            clock,
            setter,
            number,
            show_number,
        )
        self._hold = StartHold()
        self.prepared_first: list[str] = []

    def now(self) -> datetime:
        """Return the time, UTC."""
        return datetime.fromtimestamp(self._clock.time(), UTC)

    def admit(self, scan: ScanControl | None, operation: OperationHandle, start_id: object) -> None:
        """Reserve the Bank for a start that has just been asked for; RefusedError says whose it is
        already."""
        if scan is not None and scan.scanning:
            raise RefusedError(scan.holder)
        self._hold.take(operation, read_start_id(start_id), str(current_caller()), self.now())

    def withdraw(self, start_id: str, by: str) -> bool:
        """Take back a start that still waits for its turn; False if there is none of this
        identity."""
        return self._hold.withdraw(start_id, f"taken back by {by}")

    def make(
        self,
        scan: ScanControl,
        backend: Backend,
        starttime: Sequence[int] | None,
        start_id: str = "",
        banks: Sequence[str] = (),
        *,
        two_phase: bool = False,
    ) -> list[Any]:
        """Start a scan for the operation that is being carried out; True, and a sentence.

        Args:
            scan: Runs it.
            backend: Of the mode.
            starttime: [Y, M, D, h, m, s, us] UTC; None: as early as possible.
            start_id: Identity of the start; empty: one is made up.
            banks: All Banks of a common start.
            two_phase: Wait for a commit.
        """
        handle, caller = current_operation(), current_caller()
        request = StartRequest(
            id=read_start_id(start_id) or secrets.token_hex(8),
            is_named=bool(start_id),
            by=str(caller),
            two_phase=two_phase,
            banks=read_banks(banks),
            answers_early=caller.native,
        )
        self._hold.take(handle, request.id, str(caller), self.now())
        try:
            plan = scan.start(
                request,
                lambda: self._plan(backend, starttime),
                handle,
                self._answer,
                READY_WITHIN_S,
                lambda: self._hold.give_up(handle),
            )
            return self._answer(plan)
        finally:
            self._hold.give_up(handle)

    def _answer(self, plan: ScanPlan) -> list[Any]:
        prepared = (
            f"; prepared first: {', '.join(self.prepared_first)}" if self.prepared_first else ""
        )
        return [True, f"Starting at {plan.start:%Y-%m-%d %H:%M:%S} UTC{prepared}"]

    def _plan(self, backend: Backend, starttime: Sequence[int] | None) -> ScanPlan:
        when = start_time(starttime, self.now(), self._setter.arm_delay(backend.mode))
        self.prepared_first = backend.unprepared
        if self.prepared_first:
            backend.prepare()
        number = self._number.increment()
        try:
            self._show_number()
        except StatusMemoryError:
            self._number.give_back(number)
            raise

        def give_back() -> None:
            self._number.give_back(number)
            self._show_number()

        def disarm() -> None:
            with running(NULL_OPERATION):  # an aborted start has to be disarmed to the end
                backend.run_phase("postarm")

        return ScanPlan(
            start=when,
            length=backend.parameters["scan_length"],
            number=number,
            ready_the_fpga=backend.reset_if_needed,
            arm=lambda: backend.run_phase("arm"),
            disarm=disarm,
            give_back=give_back,
        )
