"""`python -m histogrammer`: the command `histogrammer`."""

import sys

from histogrammer.cli import main

if __name__ == "__main__":
    sys.exit(main())
