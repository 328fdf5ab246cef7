"""Programs of a runner profile: `check`, `run`, `prepare`, `products`; `show` for people, `record` for
trials.

Exit status 0: done; 1: refused or failed; 2: usage; 128 + the signal: stopped. Lines on standard output
tell progress; on standard error are warnings, which begin with `warning:`, and errors.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from commandline import number_of_seconds, render_rows, run_command
from correlator.errors import CorrelatorError, JobFileError
from correlator.following import follow
from correlator.jobfile import SUFFIX, Job, read_experiment, read_job, write_job
from correlator.lags import find_fringe
from correlator.recording import record
from correlator.running import Progress, correlate, opened, output_of
from correlator.visibilities import read_visibilities
from gateways.difx.errors import PayloadError
from gateways.difx.protocol.progress import write_progress
from groundwork.wholefiles import replace_file
from spectrometer.daq.errors import SourceError

__all__ = ["build_parser", "main"]

PROGRAM = "correlate"
TELL_EVERY_S = 1.0
PATIENCE_S = 30.0


class StopSign:
    """SIGINT and SIGTERM as a request to stop, within a block.

    Attributes:
        number: Of the signal that came first; 0: none has.
    """

    def __init__(self) -> None:
        self.number = 0
        self._read, self._written = os.pipe()
        self._begun: float | None = None
        self._handlers = {
            number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_details: object) -> None:
        """Have signals do what they did before."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._written)

    def wait(self, seconds: float) -> bool:
        """Wait until so many seconds after the first call; tell whether to stop."""
        now = time.monotonic()
        self._begun = now if self._begun is None else self._begun
        if not self.number:
            select.select([self._read], [], [], max(0.0, self._begun + seconds - now))
        return self.number != 0

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.number = self.number or number
        os.write(self._written, b"x")


@dataclass(slots=True)
class _Teller:
    """Lines of progress, and warnings on data that are missing."""

    told: float = float("-inf")
    was_missing: frozenset[str] = frozenset()

    def tell(self, progress: Progress) -> None:
        now = time.monotonic()
        missing = frozenset(name for name, part in progress.valid.items() if part < 1)
        for name in sorted(missing - self.was_missing):
            _warn(f"{name}: data are missing from MJD {progress.reached_mjd:.7f} on")
        self.was_missing = missing
        if now - self.told < TELL_EVERY_S and progress.done < progress.integrations:
            return
        self.told = now
        line = write_progress(
            progress.done / progress.integrations,
            reached_mjd=progress.reached_mjd,
            start_mjd=progress.start_mjd,
            stop_mjd=progress.stop_mjd,
            weights=list(progress.valid.values()),
        )
        print(line, flush=True)


def check(options: argparse.Namespace) -> int:
    """Tell whether a job can run; what is odd about it, as warnings."""
    job = read_job(options.input)
    with opened(job, options.input) as stations:
        for sentence in stations.warnings:
            _warn(sentence)
        header = stations.header
        print(
            f"{header.job}: {len(stations.antennas)} stations, {len(header.products)} products of "
            f"{job.channels} channels, {job.integrations} integrations of {job.integration_s:g} s"
        )
    return 0


def run(options: argparse.Namespace) -> int:
    """Correlate a job."""
    job = read_job(options.input)
    with StopSign() as sign, opened(job, options.input, options.restart) as stations:
        for sentence in stations.warnings:
            _warn(sentence)
        end = correlate(stations, job, options.input, tell=_Teller().tell, wait=sign.wait)
    output, count = output_of(options.input), end - stations.header.first
    if end < job.integrations:
        print(f"stopped after {count} integrations, which are in {output.name}")
        return 128 + sign.number
    print(f"{count} integrations are in {output.name}")
    return 0


def prepare(options: argparse.Namespace) -> int:
    """Make the job of each scan of an experiment, beside its file."""
    path: Path = options.file
    for name, job in read_experiment(path).jobs().items():
        made = path.with_name(f"{path.name.partition('.')[0]}_{name}{SUFFIX}")
        try:
            replace_file(made, write_job(job))
        except OSError as error:
            raise JobFileError(made, error.strerror or str(error)) from error
        print(f"FILE {made}", flush=True)
    return 0


def products(options: argparse.Namespace) -> int:
    """Write the visibilities of a job as a stream, while it runs."""
    follow(output_of(options.input), sys.stdout.buffer, patience_s=options.patience)
    return 0


def show(options: argparse.Namespace) -> int:
    """Print the fringe of each baseline of a job, and the power of each station."""
    found = read_visibilities(output_of(options.input))
    header = found.header
    rows = []
    for product, spectra, weights in zip(
        header.products, found.spectra, found.weights.T, strict=True
    ):
        if not len(spectra):
            continue
        fringe = find_fringe(
            spectra, width_hz=product.bandwidth_mhz * 1e6, integration_s=header.integration_s
        )
        rows.append(
            (
                "-".join(product.stations),
                f"{product.frequency_mhz:.4f}",
                ("XX", "XY", "YX", "YY")[product.polarization],
                f"{weights.mean():.3f}",
                f"{fringe.delay_s * 1e6:.4f}",
                f"{fringe.rate_hz:.4f}",
                f"{fringe.snr:.1f}",
            )
        )
    print(render_rows(("product", "MHz", "pol", "weight", "delay, us", "rate, Hz", "SNR"), rows))
    return 0


def record_receivers(options: argparse.Namespace) -> int:
    """Write what the simulated receivers of a job receive as GUPPI raw files."""
    job: Job = read_job(options.input)
    for path in record(job, options.folder):
        print(f"FILE {path}", flush=True)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.partition("\n\n")[0])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    table: list[tuple[str, Callable[[argparse.Namespace], int], str]] = [
        ("check", check, "input"),
        ("run", run, "input"),
        ("prepare", prepare, "file"),
        ("products", products, "input"),
        ("show", show, "input"),
        ("record", record_receivers, "input"),
    ]
    for name, function, argument in table:
        text = (function.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(argument, type=Path)
        command.set_defaults(function=function)
        if name == "products":
            help_ = "seconds to wait for the job to begin"
            command.add_argument(
                "--patience", type=number_of_seconds, default=PATIENCE_S, help=help_
            )
        elif name == "run":
            help_ = "seconds of the scan that are passed over; default: %(default)s"
            command.add_argument("--restart", type=float, default=0.0, metavar="S", help=help_)
        elif name == "record":
            command.add_argument("folder", type=Path)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = build_parser().parse_args(argv)
    function: Callable[[argparse.Namespace], int] = options.function
    try:
        return run_command(PROGRAM, lambda: function(options))
    except (CorrelatorError, SourceError, PayloadError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1


def _warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr, flush=True)
