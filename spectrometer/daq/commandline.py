"""Command line of the data-taking program, `spectrometer-daq`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import ValidationError

from commandline import argument, count, flag, log_level, parser_for
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.status.keys import VEGAS_KEY, VEGAS_SEMAPHORE

__all__ = ["build_parser"]

DESCRIPTION = "The data-taking program, `spectrometer-daq`: words on standard input, state in the status memory."


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    return parser_for(
        "spectrometer-daq",
        DESCRIPTION,
        argument(
            "--source FILE",
            "recording to replay, looped: a GUPPI raw or a DADA file",
            type=Path,
        ),
        argument(
            "--synthetic JSON",
            "a synthetic receiver, {} for its defaults; with --source too, status key DAQSRC chooses",
            type=_receiver,
        ),
        argument(
            "--status-key KEY",
            "System V key of the status memory; default: the original's",
            type=lambda text: int(text, 0),
            default=VEGAS_KEY,
        ),
        argument(
            "--status-semaphore NAME",
            "its POSIX semaphore; default: %(default)s",
            default=VEGAS_SEMAPHORE,
        ),
        argument(
            "--rate-hz R",
            "samples a second of a replay; default: a pass fills an exposure",
            dest="rate",
            type=_positive,
        ),
        flag("--fast", "as fast as it goes instead of by the clock"),
        argument(
            "--taps N", "taps of the filter bank; default: %(default)s", type=count, default=8
        ),
        argument(
            "--window NAME",
            "window of the filter bank; default: %(default)s",
            default="hamming",
        ),
        argument(
            "--nfine N",
            "fine channels per coarse one; default: by status key NCHAN",
            type=count,
        ),
        argument(
            "--max-lag-s S",
            "what is processed so much later than it came is lost; default: %(default)s",
            dest="max_lag",
            type=_positive,
            default=2.0,
        ),
        argument(
            "--flush-s S",
            "write finished rows every S seconds; default: %(default)s",
            dest="flush_every",
            type=_positive,
            default=0.1,
        ),
        argument("--flush-rows N", "and whenever there are so many", type=count),
        argument(
            "--file-root DIR",
            "files that the status memory names are read from below DIR only; may be given several times",
            type=Path,
            action="append",
            default=[],
            dest="file_roots",
        ),
        argument("--data-dir DIR", "data root; default: status key DATADIR", type=Path),
        flag("--start-at-once", "START does not wait for ARMSTATE and DAQSTART"),
        flag("--once", "start at once and end with the scan"),
        log_level(),
        flag("--log-json", "log in JSON, one object a line"),
        flag("--outlive-parent", "do not end with the parent process"),
    )


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
