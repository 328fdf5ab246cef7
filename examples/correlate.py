"""The correlator as a program: `python examples/correlate.py COMMAND FILE`; see `correlator.cli`."""

from __future__ import annotations

import sys

from correlator.cli import main

if __name__ == "__main__":
    sys.exit(main())
