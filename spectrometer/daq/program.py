"""The data-taking program, `spectrometer-daq`: words on standard input, state in the status memory.

`START` reads the setup, reports NETSTAT `receiving` and waits until ARMSTATE is `armed` and the
time DAQSTART (unix seconds; DAQMONO on the monotonic clock) has come; `STOP` or SCANLEN ends the
scan, after what waits to be processed. `MONITOR` runs at once without a file. `QUIT`, the end of
the input, SIGTERM and SIGINT end the program with its file complete.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import logging
import math
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from types import FrameType

from arrayconfig.logs import bind, bind_scan, release_scan
from commandline import say
from player.clock import Clock, ClockWatch, SystemClock
from player.logs import set_up_logging
from spectrometer.daq.account import ClosingRemarks, FileState
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.commandline import build_parser
from spectrometer.daq.errors import DaqError
from spectrometer.daq.liveframes import live_path
from spectrometer.daq.livespectra import LiveSpectra
from spectrometer.daq.pacing import CATCH_UP_S
from spectrometer.daq.runs import Run, run_for
from spectrometer.daq.starttime import Start, StartTime, is_armed
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import CardError, StatusMemoryError
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.owner import Ownership, SharedName, is_below, owner_of
from spectrometer.status.protocol.cards import MAX_TEXT, Value, plain

PROGRAM = "spectrometer-daq"
log = logging.getLogger("spectrometer.daq")

PULSE_S = 1.0
ARM_POLL_S = 0.05
REPORT_S = 0.2
"""Seconds between reports of progress, at least."""
NO_COUNTS: dict[str, Value] = dict.fromkeys(
    ("DAQPLAN", "DAQNINT", "DAQNROW", "DAQBLKS", "DAQDROP", "DAQLOST", "DAQLOOPS", "NPKT", "NDROP"),
    0,
)


def printable(text: str) -> str:
    """Make a text fit a card."""
    text = plain(text, " ")
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


class DaqProgram:
    """The loop: one thread that reads words, keeps the pulse and works on the scan.

    Args:
        status: The status memory.
        options: Where the voltages are from, and what is done with them.
        data_dir: Data root; None: by the status memory.
        start_at_once: START does not wait to be armed.
        once: START by itself, and end with the scan.
        stdin: File number of the input.
        clock: That of the host; None: the real one.
        live: Where spectra are shown; None: nowhere.
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
        clock: Clock | None = None,
        live: LiveSpectra | None = None,
    ) -> None:
        self._status, self._options, self._data_dir = status, options, data_dir
        self._start_at_once, self._once, self._stdin = start_at_once or once, once, stdin
        self._clock = clock or SystemClock()
        self._start_time, self._clock_watch = StartTime(self._clock), ClockWatch(self._clock)
        self._run: Run | None = None
        self._notes: list[str] = []
        self._failed = False
        self._quit = False
        self._input = b""
        self._pulse_at = self._polled_at = self._reported_at = -math.inf
        self._catch_up_until = math.inf
        self._files = 0
        self._disk: int | None = None  # of the data root at the last scan
        self._live = live or LiveSpectra(None)

    def ask_to_quit(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """End soon; usable as a signal handler."""
        self._quit = True

    def _report_state(self) -> None:
        """Tell anew how it stands, as at the beginning: the status memory may have been emptied for
        another mode."""
        if self._run is None:
            self._report(
                DAQSTATE="stopped",
                SCANSTAT="stopped",
                NETSTAT="init",
                DISKSTAT="init",
                DAQERR="",
                DAQNOTE="",
                FILENUM=self._files,
                **NO_COUNTS,
            )
        self._pulse_at = -math.inf

    def main_loop(self) -> int:
        """Work until told to quit; the exit status."""
        self._report_state()
        if self._once:
            self._start()
        try:
            while not self._quit and not (self._once and self._run is None):
                if self._run is None:
                    release_scan(log)
                self._read_words(self.work())
        finally:
            self._finish()
            self._live.close()
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
                self.command(word)

    def command(self, word: str) -> None:
        """Carry a word out."""
        log.info("command %s", word)
        if word == "START":
            self._start()
        elif word == "MONITOR":
            self._start(to_file=False)
        elif word == "STOP":
            self._stop()
        elif word == "QUIT":
            self._quit = True
        elif word == "REPORT":
            self._report_state()
        elif word == "INIT_GPU":
            self._status.update({"GPUCTXIN": "TRUE"})  # there is nothing to set up here
        else:
            log.warning("unknown command %r", word)
            self._report(DAQNOTE=printable(f"unknown command {word}"))

    def _start(self, *, to_file: bool = True) -> None:
        if self._run is not None:
            log.warning("START: a scan is running")
            return
        self._report(NETSTAT="waiting", DAQERR="", DAQNOTE="", DAQFITS="", **NO_COUNTS)
        self._catch_up_until, self._notes = math.inf, []
        self._start_time.forget()
        self._clock_watch.begin()
        try:
            values = self._status.read()
            root = self._data_dir or _data_root(values) if to_file else Path()
            self._run = run_for(self._options, values, root, to_file=to_file)
            bind(PROGRAM, self._run.setup.bank)
            self._notes = [note for note in (self._run.note, self._live.begin(self._run)) if note]
            if to_file:
                bind_scan(log, self._run.setup.scan_number)
                self._notes += self._notes_of_disk(root)
        except (DaqError, StatusMemoryError) as error:
            self._fail(error)
            return
        self._announced(values)
        self._report(
            DAQSTATE="running",
            SCANSTAT="running",
            NETSTAT="receiving",
            DISKSTAT="waiting",
            DAQNOTE=printable("; ".join(self._notes)),
        )
        if self._start_at_once or not to_file:
            self._begin(self._start_time.now())

    def _notes_of_disk(self, root: Path) -> list[str]:
        """Where a disk was lost, its mount point or a new folder takes the data, and fills up
        another disk."""
        try:
            before, self._disk = self._disk, root.stat().st_dev
        except OSError as error:
            log.error("data root %s: %s", root, error)
            return []
        if before in (None, self._disk):
            return []
        log.warning(
            "data root %s is on another disk than for the scan before; is its own one mounted?",
            root,
        )
        return ["the data root is on another disk than before: is it mounted?"]

    def _begin(self, start: Start) -> None:
        assert self._run is not None
        try:
            self._run.begin(start.time, start.at)
        except OSError as error:
            self._disk_failed(error)
            return
        values = self._run.account.status
        if self._run.path is not None:
            self._files += 1
            values |= {
                "DAQFITS": printable(self._run.path.name),
                "FILENUM": self._files,
                "DISKSTAT": "writing",
            }
            log.info("writing %s", self._run.path)
        self._report(**values)

    def _stop(self) -> None:
        """End the scan with what is due now; what waits of it is processed first."""
        run = self._run
        if run is not None and run.begun and run.path is not None:  # of a monitor nothing is kept
            now = self._clock.monotonic()
            run.pacing.stop(now)
            if not run.pacing.over:
                log.info("processing what waits")
                self._catch_up_until = now + CATCH_UP_S
                return
        self._finish()

    def _finish(self, ending: FileState | None = None) -> None:
        """End the scan at once."""
        run = self._run
        if run is None:
            return
        self._look_at_clock()
        self._cut(run)
        try:
            run.end(
                ClosingRemarks(
                    ending=ending, array=self._state_of_array(), clock_step=self._clock_watch.steps
                )
            )
        except OSError as error:
            self._disk_failed(error)
            return
        self._run = None
        self._live.show(run, self._clock.monotonic(), is_last=True)
        self._report(
            DAQSTATE="stopped",
            SCANSTAT="stopped",
            NETSTAT="waiting",
            DISKSTAT="waiting",
            **self._progress(run),
        )
        level = logging.INFO if run.account.is_complete else logging.WARNING
        log.log(level, "scan ended: %s, %d loops", run.account, run.pacing.loops)

    def _cut(self, run: Run) -> None:
        """Count as lost what is due and was not taken; all that is due, if the scan did not even
        begin."""
        now = self._clock.monotonic()
        if run.begun:
            run.pacing.cut(now)
        else:
            missed = self._start_time.missed
            run.pacing.miss(now if missed is None else missed.at, now)

    def _state_of_array(self) -> str:
        try:
            return str(self._status.get("ARRAYST") or "")
        except StatusMemoryError as error:
            log.error("%s", error)
            return ""

    # work

    def work(self) -> float:
        """Do what is due; return the seconds until something is."""
        self._pulse()
        run = self._run
        now = self._clock.monotonic()
        until_pulse = max(0.0, self._pulse_at + PULSE_S - now)
        if run is None:
            return until_pulse
        if not run.begun:
            if now - self._polled_at >= ARM_POLL_S:
                self._polled_at = now
                start = self._armed_start()
                if start is not None and start.at <= now:
                    self._begin(start)
                    return 0.0
                if start is not None:
                    return min(start.at - now, until_pulse, ARM_POLL_S)
            return min(ARM_POLL_S, until_pulse)
        if run.pacing.over or now >= self._catch_up_until:
            self._finish()
            return 0.0
        wait = run.pacing.due_in(now)
        if wait > 0:
            return min(wait, until_pulse)
        try:
            finished = run.step(now)
        except OSError as error:
            self._disk_failed(error)
            return 0.0
        except DaqError as error:
            log.error("%s", error)
            self._failed = True
            self._report(DAQERR=printable(str(error)))
            self._finish(FileState.FAILED)
            return 0.0
        if finished:
            self._live.show(run, now)
        if finished and now - self._reported_at >= REPORT_S:
            self._report_progress(run)
        return 0.0

    def _armed_start(self) -> Start | None:
        try:
            values = self._status.read()
        except StatusMemoryError as error:
            log.error("%s", error)
            return None
        start = self._announced(values)
        return start if is_armed(values) else None

    def _announced(self, values: dict[str, Value]) -> Start | None:
        try:
            return self._start_time.read(values)
        except CardError as error:
            if is_armed(values):
                self._report(DAQERR=printable(str(error)))
        return None

    def _pulse(self) -> None:
        now = self._clock.monotonic()
        if now - self._pulse_at < PULSE_S:
            return
        self._pulse_at = now
        self._report(
            DAQPULSE=time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(self._clock.time()))
        )
        self._look_at_clock()
        if self._run is not None and self._run.begun:
            try:
                self._run.flush(sync=True)
            except OSError as error:
                self._disk_failed(error)
                return
            self._report_progress(self._run)

    def _look_at_clock(self) -> None:
        step = self._clock_watch.look()
        if step and self._run is not None:
            log.warning(
                "the clock of the host was set by %+.3f s; the scan goes on by its start", step
            )
            note = f"the clock of the host was set by {self._clock_watch.steps:+.3f} s"
            self._report(DAQNOTE=printable("; ".join([note, *self._notes])))

    def _report_progress(self, run: Run) -> None:
        self._reported_at = self._clock.monotonic()
        log.debug("%s", run.account)
        self._report(**self._progress(run))

    def _progress(self, run: Run) -> dict[str, Value]:
        packets = run.source.packets
        values: dict[str, Value] = {
            **run.account.status,
            "DAQNROW": run.rows_written,
            "DAQLOOPS": run.pacing.loops,
            "DAQBLKS": int(run.pacing.blocks),
            "NPKT": int(run.pacing.blocks * packets),
            "NDROP": math.ceil(run.pacing.dropped * packets),
        }
        if run.integrations:
            values["DAQPEAK"] = run.peak_channel()
        return values

    # trouble

    def _disk_failed(self, error: OSError) -> None:
        run, self._run = self._run, None
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        place = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        text = f"{'disk full' if is_full else 'disk'}: {error.strerror or error}{place}"
        log.error("%s%s", text, "" if error.errno == errno.ENOENT else "; what is written is kept")
        self._failed = True
        values: dict[str, Value] = {}
        if run is not None:
            self._cut(run)
            try:
                run.abandon()
            except OSError as another:
                log.error("closing the file: %s", another)
            values = self._progress(run)
        self._report(
            DAQSTATE="stopped",
            SCANSTAT="stopped",
            NETSTAT="waiting",
            DAQERR=printable(text),
            DISKSTAT="full" if is_full else "error",
            **values,
        )

    def _fail(self, error: Exception) -> None:
        log.error("%s", error)
        self._failed = True
        self._report(
            DAQERR=printable(str(error)), NETSTAT="init", DAQSTATE="stopped", SCANSTAT="stopped"
        )

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
        keep = ownership.keep if ownership.is_taken else None
        status = StatusBuffer(arguments.status_key, arguments.status_semaphore, keep=keep)
    except StatusMemoryError as error:
        say("spectrometer-daq", error)
        return 1
    given = vars(arguments) | {"file_roots": tuple(arguments.file_roots)}
    options = RunOptions(**{field.name: given[field.name] for field in fields(RunOptions)})
    program = DaqProgram(
        status,
        options,
        data_dir=arguments.data_dir,
        start_at_once=arguments.start_at_once,
        once=arguments.once,
        live=LiveSpectra(live_path(status.key)),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, program.ask_to_quit)
    if not arguments.outlive_parent:
        end_with_parent()
    with contextlib.closing(ownership), status:
        return program.main_loop()


if __name__ == "__main__":
    sys.exit(main())
