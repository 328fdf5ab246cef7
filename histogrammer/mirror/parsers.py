"""Parser of the command `mirror`."""

from __future__ import annotations

import argparse

from commandline import argument, log_level, parser_for

__all__ = ["PROGRAM", "build_parser"]

PROGRAM = "mirror"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `mirror`."""
    return parser_for(
        PROGRAM,
        "Keep a copy of the display memory of a histogrammer, SpecTcl or Rustogramer on another host: one "
        "for all displays of this host.",
        argument("-H --host HOST", "host of it; default: %(default)s", default="localhost"),
        argument(
            "-R --restport PORT",
            "its REST server, a port or the name of a service; default: %(default)s",
            default="8000",
        ),
        argument(
            "-M --mirrorport PORT",
            "its mirror server, a port or the name of a service; default: %(default)s",
            default="8001",
        ),
        argument("-u --user NAME", "whose services these are; default: who runs this program"),
        argument(
            "--portmanager ADDRESS",
            "port manager that knows them, HOST or HOST:PORT; default: that of the host",
        ),
        log_level(),
        epilog="It prints one line with the key of the copy when that is there. Exit status: 0 done, or another "
        "program keeps a copy here, 1 failed, 2 usage.",
    )
