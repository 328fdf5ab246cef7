"""The mode that a Bank is in, with its Backend and what runs its scans; and the way to another one.

A change of the mode is a transaction: it ends with the new mode set, or with none and the reason.
What a mode is made of is `spectrometer.modesetting`'s to know.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from arrayconfig.logs import Log
from groundwork.values import JsonObject
from spectrometer.backends.base import Backend
from spectrometer.daq.errors import DaqError
from spectrometer.daq.programs import Programs
from spectrometer.errors import UNDER_WAY, BankError, ModeChangeError, NoModeError, ScanError
from spectrometer.modesetting import ModeSetter
from spectrometer.observing.scan import ScanControl
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from zmqjsonproxy import (
    OperationAbortedError,
    RefusedError,
    current_caller,
    current_operation,
)

__all__ = ["CurrentMode"]

CHANGE_ENDS_S = 5.0
STATE_KEY = "MODESTAT"  # for whoever only reads the status memory: "set" or "none"


class CurrentMode:
    """The mode of one Bank.

    Args:
        setter: Knows the modes, and sets them up.
        status: Returns the status memory; BankError if the Bank is closed.
        log: The Bank's.
        scan_control: Makes what runs the scans of a mode.
        write_scan_number: Writes the scan number into the status memory.
        tell: Is called when the state may have changed.

    Attributes:
        name: Of the mode; None if there is none.
        backend: None if there is none.
        scan: Runs its scans; there is none without a mode, and some before `backend` is there.
        cause: The reason why there is none, or that a change is going on; empty if none was ever
            asked for.
    """

    def __init__(
        self,
        setter: ModeSetter,
        status: Callable[[], StatusBuffer],
        log: Log,
        scan_control: Callable[[Backend, Programs], ScanControl],
        write_scan_number: Callable[[], None],
        tell: Callable[[], None],
    ) -> None:
        self._setter, self._status, self._log = setter, status, log
        self._scan_control, self._write_scan_number = scan_control, write_scan_number
        self._tell = tell
        self.name: str | None = None
        self.backend: Backend | None = None
        self.scan: ScanControl | None = None
        self.cause = ""
        self._ended_by_stop = False  # the last change, and that `stop` has not said so yet
        self._at_rest = threading.Event()  # no change is going on
        self._at_rest.set()

    @property
    def is_changing(self) -> bool:
        """A change is going on."""
        return not self._at_rest.is_set()

    def describe(self) -> JsonObject:
        """Return state, mode, frequency_mhz and cause, as of `mode_state`."""
        backend = self.backend
        state = "changing" if self.is_changing else "none" if backend is None else "set"
        return {
            "state": state,
            "mode": self.name,
            "frequency_mhz": None if backend is None else backend.setup.frequency_mhz,
            "cause": self.cause,
        }

    def is_at(self, name: str, frequency: float) -> bool:
        """Tell whether a mode is set with this frequency, MHz with its sign, as it is configured now."""
        if self.backend is None or name != self.name:
            return False
        setup = self.backend.setup
        return (setup.mode, setup.asked_mhz) == (self._setter.modes[name], frequency)

    def need_backend(self) -> Backend:
        """Return the Backend.

        Raises:
            NoModeError: No mode is set.
        """
        if self.backend is None:
            raise NoModeError(self.cause)
        return self.backend

    def need_scan(self) -> ScanControl:
        """Return what runs the scans.

        Raises:
            RefusedError: No mode is set.
        """
        if self.scan is None or self.backend is None:
            raise RefusedError(str(NoModeError(self.cause)))
        return self.scan

    def refuse_while_scanning(self, remedy: str) -> None:
        """Raise RefusedError, with what to do, while a scan is under way."""
        if self.scan is not None and self.scan.scanning:
            raise RefusedError(f"a scan is {self.scan.state}; {remedy}")

    def change(self, name: str, frequency: float, *, keep_program: bool) -> list[Any]:
        """Set a mode; True, and a sentence. The operation that does it is told how far it is.

        Args:
            name: Of the mode.
            frequency: Of the synthesizer, MHz with its sign.
            keep_program: A data-taking program that can go on for the new mode does.

        Raises:
            ModeChangeError: It could not be set up; no mode is set now.
            OperationAbortedError: It was aborted; no mode is set now.
        """
        self._at_rest.clear()
        self._tell()
        try:
            return self._change(name, frequency, keep_program=keep_program)
        finally:
            self._at_rest.set()
            self._tell()

    def _change(self, name: str, frequency: float, *, keep_program: bool) -> list[Any]:
        handle, setter, caller = current_operation(), self._setter, str(current_caller())
        status = self._status()
        handle.progress(0.0, "ending the old mode")
        what = f"set_mode({name}) by {caller}"
        is_kept = keep_program and self.scan is not None and setter.keeps_program()
        self.abandon(what, by=caller, keep_programs=is_kept)
        self.cause = f"{what} {UNDER_WAY}"
        try:
            backend = setter.install(name, frequency, status, handle)
            self._write_scan_number()
            programs = setter.programs(backend.mode, status)
            self.scan = self._scan_control(backend, programs)
            setter.start_programs(backend, programs, handle)
            handle.check()
        except BaseException as error:
            self.abandon(f"set_mode({name}): {error}", quit_s=0.5)  # nothing is written yet
            setter.end_program(0.5)
            self._ended_by_stop = handle.aborted_for == "stop"
            if not isinstance(error, OperationAbortedError):
                self._log.error("set_mode(%s): %s", name, error)
            if isinstance(error, BankError | StatusMemoryError | DaqError | OSError):
                raise ModeChangeError(
                    f"mode {name} could not be set up, no mode is set now: {error}"
                ) from error
            raise
        self.backend, self.name, self.cause = backend, name, ""
        setter.frequencies[name] = frequency
        status.update({STATE_KEY: "set"})
        handle.progress(1.0, "")
        self._log.info("mode %s at %.9g MHz", name, backend.setup.frequency_mhz)
        return [True, f"new mode {name} set!"]

    def abandon(
        self, why: str, quit_s: float = 5.0, *, by: str = "", keep_programs: bool = False
    ) -> None:
        """Leave the mode: no mode is set afterwards, for this reason; may be called twice.

        Args:
            why: The reason.
            quit_s: Time that the data-taking programs have to end, s.
            by: Who ends a scan that is under way.
            keep_programs: The data-taking programs go on.
        """
        scan, self.scan, self.backend, self.name = self.scan, None, None, None
        self.cause = why
        if scan is not None:
            scan.close(why, quit_s, by=by, keep_programs=keep_programs)
        with suppress(StatusMemoryError, BankError):
            status = self._status()
            status.remove(["MODENUM", "MODENAME"])
            status.update({STATE_KEY: "none"})
        self._tell()

    def await_end_of_change(self) -> bool:
        """Wait until no change is going on, for a `stop`, which ends one; return whether one was
        ended that nobody has been told of.

        Raises:
            ScanError: It goes on.
        """
        was_changing = self.is_changing
        if not self._at_rest.wait(CHANGE_ENDS_S):
            raise ScanError(f"the mode change did not end within {CHANGE_ENDS_S:g} s")
        ended, self._ended_by_stop = self._ended_by_stop, False
        return (ended or was_changing) and self.name is None
