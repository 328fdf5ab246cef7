"""The data-taking programs of a mode as one: started, told, watched and ended together.

All get the same words; the first one reports through the status memory. What a scan is, they are
told by `spectrometer.observing.scan`; processes and pipes are `spectrometer.daq.control`'s.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from arrayconfig.logs import Log
from spectrometer.daq.errors import DaqError
from spectrometer.errors import ScanError
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError

__all__ = ["POLL_S", "DataTaking", "Programs", "Pulse"]

POLL_S = 0.03
PULSE_KEY = "DAQPULSE"
LONGEST_LOOK_S = 2.0
LAG_S = 4.0  # what a program that counts what it planned may need to catch up at the end of a scan
DEAF_AFTER_S = 3.0  # heartbeats are a second apart


class DataTaking(Protocol):
    """A data-taking program: `spectrometer.daq.control.DaqProcess`, or what stands for one."""

    @property
    def name(self) -> str: ...
    @property
    def is_running(self) -> bool: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def returncode(self) -> int | None: ...
    @property
    def has_counts(self) -> bool | None: ...
    def start(self) -> None: ...
    def send(self, command: str) -> None: ...
    def stop(self, quit_s: float = 5.0, term_s: float = 1.0, kill_s: float = 1.0) -> int | None: ...


@dataclass(slots=True)
class Pulse:
    """Seconds for which a program's heartbeat has stood still. No clock: callers say `now`.

    Attributes:
        silent_s: Seconds for which looks have found the same value.
    """

    silent_s: float = 0.0
    _value: object = None
    _looked_at: float = -math.inf

    def look(self, value: object, now: float) -> float:
        """Take note of the heartbeat, None if there is none, at a monotonic time (s);
        `silent_s`."""
        if value is None or value != self._value:
            self.silent_s = 0.0
        else:  # a longer pause was ours: if this process did not run, the program may not have run either
            self.silent_s += min(now - self._looked_at, LONGEST_LOOK_S)
        self._value, self._looked_at = value, now
        return self.silent_s


class Programs:
    """Programs that take the data of one mode.

    Args:
        status: The status memory.
        programs: The one that reports first.
        log: With the Bank's name.
        silent_limit: A program whose heartbeat stands still so long during a scan hangs, s.
        lag: One that reports its counts may end so long after the end of a scan, s; None: LAG_S.
    """

    def __init__(
        self,
        status: StatusBuffer,
        programs: Sequence[DataTaking],
        log: Log,
        silent_limit: float = math.inf,
        lag: float | None = None,
    ) -> None:
        self._status, self._all, self._log, self._silent_limit = (
            status,
            list(programs),
            log,
            silent_limit,
        )
        self.lag = LAG_S if lag is None else lag
        self._pulse = Pulse()
        self._is_given_up = False

    @property
    def name(self) -> str:
        """Of the one that reports."""
        return self._all[0].name

    @property
    def has_counts(self) -> bool | None:
        """The one that reports tells what it planned and recorded; False: it may; None: it takes no
        data."""
        return self._all[0].has_counts

    @property
    def reports(self) -> bool:
        """The one that reports runs."""
        return self._all[0].is_running

    @property
    def is_starting(self) -> bool:
        """The one that reports runs, and has not said yet that it is ready."""
        return self.reports and self._status.get("DAQSTATE") == "starting"

    @property
    def pid(self) -> int | None:
        """Process of the one that reports; None while it does not run, or is none."""
        return self._all[0].pid

    def start(self, wait: Callable[[float], None], limit: float) -> None:
        """Start what does not run, and wait until what was started reports that it is ready.

        Raises:
            ScanError: A program is missing, ended, or was not ready within `limit` s.
        """
        if not self.reports:
            self._status.update({"DAQERR": ""})
        for program in [program for program in self._all if not program.is_running]:
            try:
                self._start(program)
            except OSError as error:
                raise ScanError(f"{program.name} cannot be started: {error}") from error
        self._await_key("DAQSTATE", lambda value: value != "starting", wait, limit)

    def _start(self, program: DataTaking) -> None:
        if program is self._all[0]:  # it reports; the others' readiness is that they go on running
            self._status.update({"DAQSTATE": "starting"})
            self._status.remove(
                [PULSE_KEY]
            )  # of the one that ended; a program need not have a heartbeat
        program.start()

    def set_up_gpu(self, wait: Callable[[float], None], limit: float) -> None:
        """Let the programs set up their GPU, and wait until they report that it
        is.

        Raises:
            ScanError: A program ended, or its GPU was not ready within `limit` s.
        """
        self._status.update({"GPUCTXIN": "FALSE"})
        self.send("INIT_GPU")
        self._await_key("GPUCTXIN", lambda value: value == "TRUE", wait, limit)

    def _await_key(
        self, key: str, is_ready: Callable[[Any], bool], wait: Callable[[float], None], limit: float
    ) -> None:
        end = time.monotonic() + limit
        while not is_ready(self._status.get(key)):
            if (gone := self.gone()) is not None:
                raise ScanError(
                    f"{gone.name} ended at once, exit status {gone.returncode}; see the log"
                )
            if time.monotonic() > end:
                raise ScanError(f"{self.name} was not ready within {limit:g} s (status key {key})")
            wait(POLL_S)

    def send(self, word: str) -> None:
        """To all of them, whatever becomes of one; then the error of the first that did not take
        it.

        Raises:
            DaqError: One did not take it.
        """
        faults: list[DaqError] = []
        for program in self._all:
            try:
                program.send(word)
            except DaqError as error:
                faults.append(error)
        if faults:
            raise faults[0]

    def receive(
        self, word: str, wait: Callable[[float], None], limit: float, now: Callable[[], float]
    ) -> bool:
        """Tell them to take data, and wait until the one that reports receives; False if it does
        not in time.

        Args:
            word: START or MONITOR.
            wait: Sleeps, or raises.
            limit: s.
            now: Monotonic clock, s.

        Raises:
            ScanError: It reports that it cannot.
            DaqError: One did not take the word.
        """
        self._pulse = Pulse()
        self.send(word)
        end = now() + limit
        while True:
            values = self._status.read()
            self._pulse.look(values.get(PULSE_KEY), now())
            if values.get("NETSTAT") == "receiving":
                return True
            if values.get("DAQERR"):
                raise ScanError(f"{self.name}: {values['DAQERR']}")
            if now() > end:
                return False
            wait(POLL_S)

    def is_deaf(self, wait: Callable[[float], None], now: Callable[[], float]) -> bool:
        """Return whether the one that reports does nothing at all, after a `receive` in vain; it
        may only be slow.

        Its heartbeat is looked at for some seconds more. One that has none is not deaf.
        """
        end = now() + DEAF_AFTER_S
        first = self._status.get(PULSE_KEY)
        while first is not None and now() < end:
            if self._status.get(PULSE_KEY) != first:
                return False
            wait(POLL_S)
        return first is not None

    def take_over(
        self, wait: Callable[[float], None], limit: float, now: Callable[[], float]
    ) -> None:
        """Let the one that reports, which goes on from the mode before, tell how it stands; else
        start it anew.

        Raises:
            ScanError: As `start`.
        """
        self._status.update({"DAQSTATE": "starting"})
        end = now() + DEAF_AFTER_S
        try:
            self.send("REPORT")
            while self._status.get("DAQSTATE") == "starting" and now() < end:
                wait(POLL_S)
        except DaqError as error:
            self._log.error("%s", error)
        if self._status.get("DAQSTATE") == "starting":
            self.replace()
        self.start(wait, limit)

    def gone(self) -> DataTaking | None:
        """One that does not run; None if all do."""
        return next((program for program in self._all if not program.is_running), None)

    def hangs(self, values: Mapping[str, Any], now: float) -> str:
        """Return what is to be said of a heartbeat that stands still too long; empty while all is
        well.

        Args:
            values: The status memory now; to be called about once a second.
            now: Monotonic time, s.
        """
        silent = self._pulse.look(values.get(PULSE_KEY), now)
        if silent < self._silent_limit:
            return ""
        return (
            f"{self.name} hangs: its heartbeat ({PULSE_KEY}) has stood still at {values[PULSE_KEY]} "
            f"for {silent:.0f} s"
        )

    def begin_watch(self) -> None:
        """A scan begins: what the heartbeat did before does not count."""
        self._pulse = Pulse()

    def revive(self, program: DataTaking) -> None:
        """Start one that ended, so that it is ready when the next scan is asked for; the log tells
        what hinders it."""
        try:
            if not program.is_running and not self._is_given_up:
                self._start(program)
        except (OSError, StatusMemoryError) as error:
            self._log.error("%s cannot be started again: %s", program.name, error)

    def replace(self) -> None:
        """End what does not obey, by force, and start it anew; once, with a warning. The log tells
        what hinders it."""
        for program in self._all:
            if self._is_given_up:
                return
            self._log.warning("%s hangs: it is ended and started anew", program.name)
            try:
                program.stop(quit_s=0.0, term_s=0.5, kill_s=1.0)
                self._start(program)
            except (DaqError, OSError, StatusMemoryError) as error:
                self._log.error("%s cannot be started anew: %s", program.name, error)

    def give_up(self) -> None:
        """Start none anew from here on: they are another's, or are to end."""
        self._is_given_up = True

    def close(self, quit_s: float) -> None:
        """End all, which complete their files; in bounded time. What does not end is in the log."""
        self.give_up()
        for program in self._all:
            try:
                program.stop(quit_s=quit_s, term_s=0.5, kill_s=0.5)
            except (DaqError, StatusMemoryError) as error:
                self._log.error("%s", error)
