"""Command line of the data-taking program, `spectrometer-daq`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import ValidationError

from arrayconfig.logs import LEVELS
from groundwork.commandline import Parser
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.status.keys import VEGAS_KEY, VEGAS_SEMAPHORE

__all__ = ["build_parser"]

DESCRIPTION = "The data-taking program, `spectrometer-daq`: words on standard input, state in the status memory."


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = Parser(with_version=True, prog="spectrometer-daq", description=DESCRIPTION)
    parser.add_argument(
        "--source",
        type=Path,
        metavar="FILE",
        help="recording to replay, looped: a GUPPI raw or a DADA file",
    )
    parser.add_argument(
        "--synthetic",
        type=_receiver,
        metavar="JSON",
        help="a synthetic receiver, {} for its defaults; with --source too, status key DAQSRC chooses",
    )
    parser.add_argument(
        "--status-key",
        type=lambda text: int(text, 0),
        default=VEGAS_KEY,
        metavar="KEY",
        help="System V key of the status memory; default: the original's",
    )
    parser.add_argument(
        "--status-semaphore",
        default=VEGAS_SEMAPHORE,
        metavar="NAME",
        help="its POSIX semaphore; default: %(default)s",
    )
    parser.add_argument(
        "--rate-hz",
        type=_positive,
        metavar="R",
        help="samples a second of a replay; default: a pass fills an exposure",
    )
    parser.add_argument(
        "--fast", action="store_true", help="as fast as it goes instead of by the clock"
    )
    parser.add_argument(
        "--taps",
        type=_count,
        default=8,
        metavar="N",
        help="taps of the filter bank; default: %(default)s",
    )
    parser.add_argument(
        "--window",
        default="hamming",
        metavar="NAME",
        help="window of the filter bank; default: %(default)s",
    )
    parser.add_argument(
        "--nfine",
        type=_count,
        metavar="N",
        help="fine channels per coarse one; default: by status key NCHAN",
    )
    parser.add_argument(
        "--max-lag-s",
        type=_positive,
        default=2.0,
        metavar="S",
        help="what is processed so much later than it came is lost; default: %(default)s",
    )
    parser.add_argument(
        "--flush-s",
        type=_positive,
        default=0.1,
        metavar="S",
        help="write finished rows every S seconds; default: %(default)s",
    )
    parser.add_argument(
        "--flush-rows", type=_count, metavar="N", help="and whenever there are so many"
    )
    parser.add_argument(
        "--file-root",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        dest="file_roots",
        help="files that the status memory names are read from below DIR only; may be given several times",
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="data root; default: status key DATADIR"
    )
    parser.add_argument(
        "--start-at-once", action="store_true", help="START does not wait for ARMSTATE and DAQSTART"
    )
    parser.add_argument("--once", action="store_true", help="start at once and end with the scan")
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default="info",
        help="least level that is logged; default: %(default)s",
    )
    parser.add_argument("--log-json", action="store_true", help="log in JSON, one object a line")
    parser.add_argument(
        "--outlive-parent", action="store_true", help="do not end with the parent process"
    )
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def _receiver(text: str) -> ReceiverConfig:
    try:
        return ReceiverConfig.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in error.errors()
        )
        raise argparse.ArgumentTypeError(faults) from error


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
