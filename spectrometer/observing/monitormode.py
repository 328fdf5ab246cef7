"""Data taking without recording: bring the programs to it, and see that they go on."""

from __future__ import annotations

import threading

from player.clock import Clock
from spectrometer.daq.programs import Programs
from spectrometer.errors import ScanError
from spectrometer.status.buffer import StatusBuffer

__all__ = ["MonitorMode"]

WITHIN_S = 2.0


class MonitorMode:
    """Monitor mode of a Bank's programs. Whether there is one now is `spectrometer.observing.scan`'s.

    Args:
        status: The status memory.
        programs: What takes the data.
        clock: The time.
    """

    def __init__(self, status: StatusBuffer, programs: Programs, clock: Clock) -> None:
        self._status, self._programs, self._clock = status, programs, clock

    def ready(self, within: float) -> None:
        """Start programs that do not run, within `within` s; ScanError: one did not start."""
        self._programs.start(self._sleep, within)

    def receive(self) -> None:
        """Bring them to take data; one that is only slow may still do it.

        Raises:
            ScanError: It cannot, or hangs; then it was started anew.
            DaqError: One did not take the word.
        """
        receives = self._programs.receive("MONITOR", self._sleep, WITHIN_S, self._clock.monotonic)
        if not receives and self._programs.is_deaf(self._sleep, self._clock.monotonic):
            self._programs.replace()
            raise ScanError(f"{self._programs.name} hangs and was started anew; call monitor again")

    def trouble(self) -> tuple[str, bool]:
        """Return why it cannot go on, empty while it does, and whether the programs have to be
        replaced for it."""
        hangs = self._programs.hangs(self._status.read(), self._clock.monotonic())
        if hangs:
            return hangs, True
        return "" if self._programs.reports else f"{self._programs.name} ended", False

    def _sleep(self, seconds: float) -> None:
        self._clock.wait(threading.Event(), seconds)
