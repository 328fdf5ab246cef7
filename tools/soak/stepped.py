"""The command `player` with a clock that is set from outside.

The seconds by which it is off are the text of the file that SOAK_CLOCK names; the computer's own
clock is not touched.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from player.cli import main
from player.clock import SystemClock

CLOCK_VARIABLE = "SOAK_CLOCK"


def step_from(path: Path) -> float:
    """Return the seconds by which the clock is off; 0: nothing is written, or nothing whole."""
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


def run(argv: list[str], path: Path) -> int:
    """Run the command until it ends; its exit status."""

    def stepped(_clock: SystemClock) -> float:
        return time.time() + step_from(path)

    setattr(SystemClock, "time", stepped)  # noqa: B010  # of this process, before there is a Bank
    return main(argv)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], Path(os.environ[CLOCK_VARIABLE])))
