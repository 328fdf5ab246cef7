"""Expressions computed by Tcl itself, where it is installed: a second method."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Mapping

from groundwork.closing import Closing

__all__ = ["TCLSH", "TclExpressions"]

TCLSH = shutil.which("tclsh")

_SCRIPT = r"""
fconfigure stdout -buffering line
while {[gets stdin line] >= 0} {
    foreach {names expression} $line break
    foreach name [info globals {[ab]*}] { unset -nocomplain $name }
    foreach {name value} $names { set $name $value }
    if {[catch {expr $expression} result]} { puts error } else { puts $result }
}
"""


class TclExpressions(Closing):
    """A process of `tclsh` that computes expressions."""

    def __init__(self) -> None:
        assert TCLSH is not None
        self._process = subprocess.Popen(
            [TCLSH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._tell(_SCRIPT.strip())

    def _tell(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def __call__(self, expression: str, variables: Mapping[str, float]) -> float | None:
        """Return the value of an expression of variables whose names begin with a or b.

        None: Tcl has an error, or a result that is not finite.
        """
        names = " ".join(f"{name} {value!r}" for name, value in variables.items())
        self._tell(f"{{{names}}} {{{expression}}}")
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said == "error":
            return None
        value = float(said)
        return value if math.isfinite(value) else None

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
