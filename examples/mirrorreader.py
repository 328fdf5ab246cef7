"""Reader of a display memory, in a process of its own: for each line on standard input it writes the sums
of all spectra as a line of JSON, name -> counts in bins.

`mirrorreader.py KEY`, where KEY is what `mirror` or `shmem/key` tells, or http://HOST:PORT.
"""

from __future__ import annotations

import json
import sys

from histogrammer import display


def main() -> int:
    """Read until standard input ends."""
    with display.open(sys.argv[1]) as memory:
        for _ in sys.stdin:
            sums = {name: int(spectrum.counts.sum()) for name, spectrum in memory.items()}
            print(json.dumps({"state": memory.state, "sums": sums}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
