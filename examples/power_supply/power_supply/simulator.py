"""A power supply on a pseudo terminal, with a load of 10 ohms: it speaks the device's own
protocol."""

from __future__ import annotations

import os
import select
import threading
import tty

__all__ = ["SimulatedSupply"]

LOAD_OHM = 10.0
MAX_V = 60.0


class SimulatedSupply:
    """Serves the terminal `path` in a thread until `close`."""

    def __init__(self) -> None:
        self.volts, self.is_on = 0.0, False
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="simulated supply", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and the terminal."""
        os.write(self._waker, b".")
        self._thread.join(5)
        for descriptor in (self._ours, self._theirs, self._wake, self._waker):
            os.close(descriptor)

    def _serve(self) -> None:
        pending = b""
        while True:
            ready, _, _ = select.select([self._ours, self._wake], [], [])
            if self._wake in ready:
                return
            pending += os.read(self._ours, 4096)
            while b"\n" in pending:
                line, _, pending = pending.partition(b"\n")
                os.write(
                    self._ours, self.reply(line.decode("ascii", "replace").strip()).encode() + b"\n"
                )

    def reply(self, line: str) -> str:
        """Return the answer to a line."""
        at_terminals = self.volts if self.is_on else 0.0
        word, _, rest = line.partition(" ")
        match word.upper():
            case "*IDN?":
                return "SIMULATED,PSU-60,0"
            case "VOLT?":
                return f"{self.volts:.3f}"
            case "MEAS:VOLT?":
                return f"{at_terminals:.3f}"
            case "MEAS:CURR?":
                return f"{at_terminals / LOAD_OHM:.4f}"
            case "OUTP?":
                return str(int(self.is_on))
            case "OUTP" if rest in ("ON", "OFF"):
                self.is_on = rest == "ON"
                return "OK"
            case "VOLT":
                return self._set(rest)
        return f"ERR unknown {line!r}"

    def _set(self, text: str) -> str:
        try:
            volts = float(text)
        except ValueError:
            return f"ERR {text!r} is no number"
        if not 0 <= volts <= MAX_V:
            return f"ERR {volts:g} V is out of range"
        self.volts = volts
        return "OK"
