"""Parsers of `histogrammer` and of its command `sort`."""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import argument, count, flag, parser_for, peers_with_roles, port_number
from groundwork.sizes import read_bytes
from histogrammer.flavors import FLAVORS, RUSTOGRAMER

__all__ = ["PROGRAM", "build_parser", "sort_parser"]

PROGRAM = "histogrammer"


def _shm_mbytes(text: str) -> int:
    from histogrammer.display.memory import MAX_MEGABYTES  # late: it loads numpy

    found = count(text)
    if found > MAX_MEGABYTES:
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to {MAX_MEGABYTES} MiB are possible")
    return found


def _size(text: str) -> int:
    try:
        return read_bytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


_MEMORY_AND_PORTS = (
    argument(
        "-s --shm-mbytes N",
        "MiB of channels of the shared display memory; default: 32",
        type=_shm_mbytes,
    ),
    argument(
        "-r --rest-port PORT",
        "TCP port of the REST server; default: 8000",
        type=port_number,
    ),
    argument(
        "--rest-service NAME",
        "get the REST port from the port manager under this name, whatever --rest-port says",
    ),
    argument(
        "--mirror-port PORT",
        "TCP port of the mirror server; default: 8001, and none for a Bank of a file without it",
        type=port_number,
    ),
    argument(
        "--mirror-service NAME",
        "get the mirror port from the port manager under this name, whatever --mirror-port says",
    ),
    argument(
        "--memory-kind KIND",
        "place of the display memory, file or sysv; default: file",
        choices=("file", "sysv"),
    ),
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `histogrammer`."""
    return parser_for(
        PROGRAM,
        "Fill spectra from events, for clients of SpecTcl and Rustogramer, and for Dealers.",
        *_MEMORY_AND_PORTS,
        argument(
            "--config FILE",
            "TOML file of an array, with the Bank in it; other options win over it",
            type=Path,
        ),
        argument("--bank NAME", "the Bank's name for Dealers; default: HISTOGRAMMER"),
        argument(
            "--url URL",
            "the Bank's address for Dealers, tcp://HOST:PORT or service:NAME; default: a free port",
        ),
        argument(
            "--root DIR",
            "folder below which clients may name files, again for more; default: HOME and the working folder",
            action="append",
            type=Path,
        ),
        argument(
            "--flavor NAME",
            "program whose rules hold, rustogramer or spectcl; default: rustogramer",
        ),
        peers_with_roles(),
        epilog="Command: histogrammer sort, with its own --help. `rustogramer` and `rustogrammer` are the "
        "same program. Environment: HOME, ROCKET_ADDRESS, ROCKET_LOG_LEVEL, USER. "
        "Exit status: 0 done, 1 failed, 2 usage or configuration.",
        version_option="-V --version",
    )


def sort_parser() -> argparse.ArgumentParser:
    """Return the parser of `histogrammer sort`."""
    return parser_for(
        f"{PROGRAM} sort",
        "Fill spectra from files of events, without servers, and write them.",
        argument(
            "config CONFIG",
            "file of parameters, gates and spectra, TOML, or of spectra, .json",
            type=Path,
        ),
        argument("files FILES", "files of events, in this order", nargs="+"),
        argument("-o --output FILE", "file of the spectra; default: standard output", type=Path),
        argument(
            "--format NAME",
            "form of the spectra; default: %(default)s",
            choices=("json", "ascii", "csv", "root", "hdf5"),
            default="json",
        ),
        argument(
            "--threads N", "threads that fill spectra; default: one for each core", type=count
        ),
        argument(
            "--flavor NAME",
            "program whose rules hold; default: %(default)s",
            choices=tuple(FLAVORS),
            default=RUSTOGRAMER.name,
        ),
        argument(
            "--cluster PLACE",
            "workers of Dask: HOST:PORT of a scheduler, or local:N for N processes of this host",
        ),
        argument(
            "--plan SIZE",
            "tell bytes, minutes and memory of it on the cluster, and do nothing; with SIZE, as 10TB, for files of "
            "so many bytes that are like the first one",
            nargs="?",
            const=0,
            type=_size,
        ),
        flag("-q --quiet", "say nothing of progress and accounts"),
        epilog="Exit status: 0 done, 1 failed, 2 usage or definitions, 3 done, but files were cut or broken.",
    )
