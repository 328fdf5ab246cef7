"""The data-taking program, `spectrometer-daq`: words on standard input, state in the status memory.

`START` reads the setup, reports NETSTAT `receiving` and waits until ARMSTATE is `armed` and the time DAQSTART
(unix seconds) has come; `STOP` or SCANLEN ends the scan. `MONITOR` runs at once without a file. `QUIT`, the
end of the input, SIGTERM and SIGINT end the program with its file complete.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from player.logs import set_up_logging
from spectrometer.daq.errors import DaqError
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.run import RunOptions
from spectrometer.daq.runs import Run, run_for
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import CardError, StatusMemoryError
from spectrometer.status.keys import UNSPECIFIED, VEGAS_KEY, VEGAS_SEMAPHORE
from spectrometer.status.owner import Ownership, SharedName, is_below, owner_of
from spectrometer.status.protocol.cards import MAX_TEXT, Value, read_number
from zmqjsonproxy.logs import LEVELS, bind, bind_scan, release_scan

PROGRAM = "spectrometer-daq"
log = logging.getLogger("spectrometer.daq")

PULSE_S = 1.0
ARM_POLL_S = 0.05
LATEST_START = 4e9  # unix seconds
REPORT_S = 0.2
"""Seconds between reports of progress, at least."""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="spectrometer-daq", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--source", type=Path, metavar="FILE", help="recording to replay, looped: a GUPPI raw or a DADA file"
    )
    parser.add_argument(
        "--synthetic", type=_receiver, metavar="JSON",
        help="a synthetic receiver, {} for its defaults; with --source too, status key DAQSRC chooses",
    )  # fmt: skip
    parser.add_argument(
        "--status-key",
        type=lambda text: int(text, 0),
        default=VEGAS_KEY,
        metavar="KEY",
        help="System V key of the status memory; default: the original's",
    )
    parser.add_argument(
        "--status-semaphore", default=VEGAS_SEMAPHORE, metavar="NAME", help="its POSIX semaphore; default: %(default)s"
    )
    parser.add_argument(
        "--rate-hz", type=_positive, metavar="R", help="samples a second of a replay; default: a pass fills an exposure"
    )
    parser.add_argument("--fast", action="store_true", help="as fast as it goes instead of by the clock")
    parser.add_argument(
        "--taps", type=_count, default=8, metavar="N", help="taps of the filter bank; default: %(default)s"
    )
    parser.add_argument(
        "--window", default="hamming", metavar="NAME", help="window of the filter bank; default: %(default)s"
    )
    parser.add_argument(
        "--nfine", type=_count, metavar="N", help="fine channels per coarse one; default: by status key NCHAN"
    )
    parser.add_argument(
        "--flush-s", type=_positive, default=0.1, metavar="S",
        help="write finished rows every S seconds; default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--flush-rows", type=_count, metavar="N", help="and whenever there are so many")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="data root; default: status key DATADIR")
    parser.add_argument(
        "--start-at-once", action="store_true", help="START does not wait for ARMSTATE and DAQSTART"
    )
    parser.add_argument("--once", action="store_true", help="start at once and end with the scan")
    parser.add_argument(
        "--log-level", choices=LEVELS, default="info", help="least level that is logged; default: %(default)s"
    )
    parser.add_argument("--log-json", action="store_true", help="log in JSON, one object a line")
    parser.add_argument("--outlive-parent", action="store_true", help="do not end with the parent process")
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
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in error.errors())
        raise argparse.ArgumentTypeError(faults) from error


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def printable(text: str) -> str:
    """Make a text fit a card."""
    text = "".join(c if c.isascii() and c.isprintable() and c != "'" else " " for c in text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


class Program:
    """The loop: one thread that reads words, keeps the pulse and works on the scan.

    Args:
        status: The status memory.
        options: Where the voltages are from, and what is done with them.
        data_dir: Data root; None: by the status memory.
        start_at_once: START does not wait to be armed.
        once: START by itself, and end with the scan.
        stdin: File number of the input.
    """

    def __init__(
        self,
        status: StatusBuffer,
        options: RunOptions,
        *,
        data_dir: Path | None = None,
        start_at_once: bool = False,
        once: bool = False,
        stdin: int = 0,
    ) -> None:
        self._status, self._options, self._data_dir = status, options, data_dir
        self._start_at_once, self._once, self._stdin = start_at_once or once, once, stdin
        self._run: Run | None = None
        self._failed = False
        self._quit = False
        self._input = b""
        self._pulse_at = 0.0
        self._polled_at = 0.0
        self._reported_at = 0.0
        self._files = 0
        self._disk: int | None = None  # of the data root at the last scan

    def ask_to_quit(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """End soon; usable as a signal handler."""
        self._quit = True

    def main_loop(self) -> int:
        """Work until told to quit; the exit status."""
        self._report(
            DAQSTATE="stopped", SCANSTAT="stopped", NETSTAT="init", DISKSTAT="init", DAQERR="", DAQNOTE="",
            NPKT=0, NDROP=0, FILENUM=0, DAQNINT=0, DAQNROW=0, DAQBLKS=0, DAQDROP=0, DAQLOOPS=0,
        )  # fmt: skip
        if self._once:
            self._start()
        try:
            while not self._quit and not (self._once and self._run is None):
                if self._run is None:
                    release_scan(log)
                self._pulse()
                self._read_words(self._work())
        finally:
            self._stop()
            self._report(DAQSTATE="exiting", NETSTAT="exiting", DISKSTAT="exiting")
        return 1 if self._failed and self._once else 0

    # words

    def _read_words(self, wait_s: float) -> None:
        readable, _, _ = select.select([self._stdin] if not self._once else [], [], [], wait_s)
        if not readable:
            return
        data = os.read(self._stdin, 4096)
        if not data:
            log.info("end of input")
            self._quit = True
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            word = line.decode("ascii", "replace").strip().upper()
            if word:
                self._command(word)

    def _command(self, word: str) -> None:
        log.info("command %s", word)
        if word == "START":
            self._start()
        elif word == "MONITOR":
            self._start(to_file=False)
        elif word == "STOP":
            self._stop()
        elif word == "QUIT":
            self._quit = True
        elif word == "INIT_GPU":
            self._status.update({"GPUCTXIN": "TRUE"})  # there is nothing to set up here
        else:
            log.warning("unknown command %r", word)
            self._report(DAQNOTE=printable(f"unknown command {word}"))

    def _start(self, *, to_file: bool = True) -> None:
        if self._run is not None:
            log.warning("START: a scan is running")
            return
        self._report(
            NETSTAT="waiting", DAQERR="", DAQNOTE="", NPKT=0, NDROP=0, DAQNINT=0, DAQNROW=0, DAQBLKS=0, DAQDROP=0,
            DAQLOOPS=0, DAQFITS="",
        )  # fmt: skip
        try:
            values = self._status.read()
            root = self._data_dir or _data_root(values) if to_file else Path()
            self._run = run_for(self._options, values, root, to_file=to_file)
            bind(PROGRAM, self._run.setup.bank)
            notes = [self._run.note] if self._run.note else []
            if to_file:
                bind_scan(log, self._run.setup.scan_number)
                notes += self._notes_of_disk(root)
        except (DaqError, StatusMemoryError) as error:
            self._fail(error)
            return
        self._report(
            DAQSTATE="running", SCANSTAT="running", NETSTAT="receiving", DISKSTAT="waiting",
            DAQNOTE=printable("; ".join(notes)),
        )  # fmt: skip
        if self._start_at_once or not to_file:
            self._begin(time.time())

    def _notes_of_disk(self, root: Path) -> list[str]:
        """Where a disk was lost, its mount point or a new folder takes the data, and fills up another disk."""
        try:
            before, self._disk = self._disk, root.stat().st_dev
        except OSError as error:
            log.error("data root %s: %s", root, error)
            return []
        if before in (None, self._disk):
            return []
        log.warning("data root %s is on another disk than for the scan before; is its own one mounted?", root)
        return ["the data root is on another disk than before: is it mounted?"]

    def _begin(self, start: float) -> None:
        assert self._run is not None
        try:
            self._run.begin(start)
        except OSError as error:
            self._disk_failed(error)
            return
        if self._run.path is not None:
            self._files += 1
            self._report(DAQFITS=printable(self._run.path.name), FILENUM=self._files, DISKSTAT="writing")
            log.info("writing %s", self._run.path)

    def _stop(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        try:
            run.end()
        except OSError as error:
            self._run = run
            self._disk_failed(error)
            return
        self._report_progress(run)
        self._report(DAQSTATE="stopped", SCANSTAT="stopped", NETSTAT="waiting", DISKSTAT="waiting")
        log.info(
            "scan ended: %d integrations, %g blocks, %g dropped, %d loops",
            run.integrations,
            run.pacing.blocks,
            run.pacing.dropped,
            run.pacing.loops,
        )

    # work

    def _work(self) -> float:
        """Do what is due; return the seconds until something is."""
        run = self._run
        now = time.time()
        until_pulse = max(0.0, self._pulse_at + PULSE_S - time.monotonic())
        if run is None:
            return until_pulse
        if not run.begun:
            if time.monotonic() - self._polled_at >= ARM_POLL_S:
                self._polled_at = time.monotonic()
                start = self._start_time()
                if start is not None and start <= now:
                    self._begin(start)
                    return 0.0
                if start is not None:
                    return min(start - now, until_pulse, ARM_POLL_S)
            return min(ARM_POLL_S, until_pulse)
        wait = run.pacing.due_in(now)
        if wait > 0:
            return min(wait, until_pulse)
        try:
            finished = run.step(now)
        except OSError as error:
            self._disk_failed(error)
            return 0.0
        except DaqError as error:
            self._fail(error)
            self._stop()
            return 0.0
        if finished and time.monotonic() - self._reported_at >= REPORT_S:
            self._report_progress(run)
        if run.pacing.over:
            self._stop()
        return 0.0

    def _start_time(self) -> float | None:
        try:
            values = self._status.read()
            if str(values.get("ARMSTATE", "")).lower() != "armed":
                return None
            start = read_number("DAQSTART", values.get("DAQSTART"))
            if not 0 <= start <= LATEST_START:
                raise CardError("DAQSTART", f"expected unix seconds, found {start:g}")
            return start
        except CardError as error:
            self._report(DAQERR=printable(str(error)))
        except StatusMemoryError as error:
            log.error("%s", error)
        return None

    def _pulse(self) -> None:
        if time.monotonic() - self._pulse_at < PULSE_S:
            return
        self._pulse_at = time.monotonic()
        self._report(DAQPULSE=time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime()))
        if self._run is not None and self._run.begun:
            try:
                self._run.flush(sync=True)
            except OSError as error:
                self._disk_failed(error)
                return
            self._report_progress(self._run)

    def _report_progress(self, run: Run) -> None:
        self._reported_at = time.monotonic()
        log.debug("%d integrations, %g blocks, %g dropped", run.integrations, run.pacing.blocks, run.pacing.dropped)
        packets = run.source.packets
        values: dict[str, Value] = {
            "DAQNINT": run.integrations,
            "DAQNROW": run.rows_written,
            "DAQLOOPS": run.pacing.loops,
            "DAQBLKS": int(run.pacing.blocks),
            "DAQDROP": int(run.pacing.dropped),
            "NPKT": int(run.pacing.blocks * packets),
            "NDROP": int(run.pacing.dropped * packets),
        }
        if run.integrations:
            values["DAQPEAK"] = run.peak_channel()
        self._report(**values)

    # trouble

    def _disk_failed(self, error: OSError) -> None:
        run, self._run = self._run, None
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        place = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        text = f"{'disk full' if is_full else 'disk'}: {error.strerror or error}{place}"
        log.error("%s%s", text, "" if error.errno == errno.ENOENT else "; what is written is kept")
        self._failed = True
        if run is not None:
            try:
                run.abandon()
            except OSError as another:
                log.error("closing the file: %s", another)
            self._report_progress(run)
        self._report(
            DAQSTATE="stopped", SCANSTAT="stopped", NETSTAT="waiting", DAQERR=printable(text),
            DISKSTAT="full" if is_full else "error",
        )  # fmt: skip

    def _fail(self, error: Exception) -> None:
        log.error("%s", error)
        self._failed = True
        self._report(DAQERR=printable(str(error)), NETSTAT="init", DAQSTATE="stopped", SCANSTAT="stopped")

    def _report(self, **values: Value) -> None:
        try:
            self._status.update(values)
        except StatusMemoryError as error:  # a locked memory must not end the scan
            log.error("%s", error)


def _data_root(values: dict[str, Value]) -> Path:
    directory = str(values.get("DATADIR", UNSPECIFIED))
    if directory in (UNSPECIFIED, ""):
        raise DaqError("status key DATADIR is not set")
    return Path(directory)


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies; without Linux the end of input has to do."""
    pr_set_pdeathsig = 1
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGTERM), 0, 0, 0)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:  # it died before the request
        os.kill(os.getpid(), signal.SIGTERM)


def owned(key: int, semaphore: str) -> Ownership:
    """Own the status memory, unless a Player does that started this program.

    Raises:
        StatusOwnedError: Somebody else owns it.
        StatusLockFileError: There can be no lock file.
    """
    names = [SharedName.of_key(key), SharedName.of_semaphore(semaphore)]
    owners = [owner for name in names if (owner := owner_of(name)) is not None]
    ownership = Ownership(names, PROGRAM)
    if not owners or not all(is_below(owner.pid) for owner in owners):
        ownership.take()
    return ownership


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program: 0 done, 1 refused or failed, 2 usage."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.source is None and arguments.synthetic is None:
        parser.error("expected --source FILE or --synthetic JSON")
    set_up_logging(arguments.log_level, None, program=PROGRAM, as_json=arguments.log_json)
    try:
        ownership = owned(arguments.status_key, arguments.status_semaphore)
        status = StatusBuffer(arguments.status_key, arguments.status_semaphore)
    except StatusMemoryError as error:
        print(f"spectrometer-daq: {error}", file=sys.stderr)
        return 1
    options = RunOptions(
        source=arguments.source,
        synthetic=arguments.synthetic,
        flush_every=arguments.flush_s,
        flush_rows=arguments.flush_rows,
        rate=arguments.rate_hz,
        fast=arguments.fast,
        taps=arguments.taps,
        window=arguments.window,
        nfine=arguments.nfine,
    )
    program = Program(
        status,
        options,
        data_dir=arguments.data_dir,
        start_at_once=arguments.start_at_once,
        once=arguments.once,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, program.ask_to_quit)
    if not arguments.outlive_parent:
        end_with_parent()
    with contextlib.closing(ownership), status:
        return program.main_loop()


if __name__ == "__main__":
    sys.exit(main())
