"""`python -m histogrammer`: the command `histogrammer`."""

import sys

from groundwork.launch import histogrammer

if __name__ == "__main__":
    sys.exit(histogrammer())
