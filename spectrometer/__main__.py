"""`python -m spectrometer`, and the command `spectrometer-daq`: the data-taking program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from commandline import FAILED, say
from groundwork.extras import install_advice

__all__ = ["build_parser", "main"]


def build_parser() -> argparse.ArgumentParser:
    """Return its command line."""
    from spectrometer.daq.commandline import build_parser

    return build_parser()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program: 0 done, 1 refused or failed, 2 usage."""
    try:
        from spectrometer.daq import program
    except ModuleNotFoundError as error:
        if not (advice := install_advice(error.name)):
            raise
        say("spectrometer-daq", advice)
        return FAILED
    return program.main(argv)


if __name__ == "__main__":
    from groundwork.launch import spectrometer_daq

    sys.exit(spectrometer_daq())
