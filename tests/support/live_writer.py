"""A program that writes live frames until it is killed, as often as it is asked to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from spectrometer.daq.liveframes import FrameWriter
from spectrometer.daq.protocol.liveframes import LiveSpectrum

ROWS, CHANNELS = 2, 4096
BYTES = 4 * ROWS * CHANNELS


def frame(number: int) -> LiveSpectrum:
    """Return a frame of which every part says which it is."""
    return LiveSpectrum(
        rows=["XX", "YY"],
        x_starts=[float(number)] * ROWS,
        x_delta=0.5,
        time=float(number),
        integration=number,
        data=np.full((ROWS, CHANNELS), number % 65536, np.float32),
    )


def is_whole(found: LiveSpectrum) -> bool:
    """Tell whether all parts of a frame are of one."""
    number = found.integration
    is_told = {found.time, *found.x_starts} == {float(number)}
    return is_told and bool((found.data == number % 65536).all())


def write_for_ever(path: Path) -> None:
    """Write frames without pause; says which process does."""
    writer, number = FrameWriter(path, BYTES), 0
    print(os.getpid(), flush=True)
    while True:
        number += 1
        writer.write(frame(number))


def main() -> None:
    """For each line of the input make a process that writes; say so when it has ended."""
    for _line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            write_for_ever(Path(sys.argv[1]))
        os.waitpid(pid, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
