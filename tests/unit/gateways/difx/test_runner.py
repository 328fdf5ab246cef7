"""Programs of jobs as real processes: output, stops, what they leave behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gateways.difx.protocol.jobs import Severity
from gateways.difx.runner import (
    MARK,
    OutputStream,
    ProgramEnd,
    ProgramLimits,
    ProgramRun,
    end_marked,
)
from groundwork.processgroups import group_members, marked_processes

HANG_S = 60.0
QUICK = ProgramLimits(grace=0.05, terminate=0.05, kill=HANG_S, output=0.05, quiet=HANG_S)
PATIENT = ProgramLimits(grace=HANG_S, terminate=HANG_S, kill=HANG_S, output=HANG_S, quiet=HANG_S)


class Run:
    """A program of a shell in a thread.

    Args:
        text: Its commands.
        limits: Times.
        on_quiet: See ProgramRun.
    """

    def __init__(
        self,
        text: str,
        limits: ProgramLimits = PATIENT,
        on_quiet: Callable[[], None] = lambda: None,
        mark: str = "job-1",
    ) -> None:
        self.lines: list[tuple[OutputStream, str]] = []
        self._come = threading.Condition()
        self.program = ProgramRun(
            ["/bin/sh", "-c", text], mark, self._take, on_quiet=on_quiet, limits=limits
        )
        self.program.start()
        self._ends: list[ProgramEnd] = []
        self._thread = threading.Thread(target=lambda: self._ends.append(self.program.run()))
        self._thread.start()

    def _take(self, stream: OutputStream, line: str) -> None:
        with self._come:
            self.lines.append((stream, line))
            self._come.notify_all()

    def wait_for(self, line: str) -> None:
        with self._come:
            assert self._come.wait_for(lambda: line in [text for _, text in self.lines], HANG_S)

    def end(self) -> ProgramEnd:
        self._thread.join(HANG_S)
        (end,) = self._ends
        return end

    def number(self) -> int:
        """Process that the program told of."""
        with self._come:
            assert self._come.wait_for(lambda: self.lines, HANG_S)
            return int(self.lines[0][1])


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_output_of_both_streams_comes_as_lines_and_the_status_is_told() -> None:
    run = Run("echo out; echo err >&2; printf 'no end'; exit 3")
    end = run.end()
    assert (end.status, end.sentence()) == (3, "ended with exit status 3")
    assert {
        (OutputStream.STDOUT, "out"),
        (OutputStream.STDERR, "err"),
        (OutputStream.STDOUT, "no end"),
    } == set(run.lines)


def test_the_end_is_the_exit_though_a_child_holds_the_output() -> None:
    run = Run("sleep 300 & echo $!", QUICK)
    end = run.end()
    assert (end.status, end.is_cut, end.survivors) == (0, True, ())
    assert is_gone(run.number())


def test_output_after_the_exit_is_still_read() -> None:
    run = Run("(echo later; echo last) & exit 0")
    assert run.end().status == 0
    assert [line for _, line in run.lines] == ["later", "last"]


def test_one_that_heeds_the_interrupt_ends_by_it() -> None:
    run = Run("trap 'echo asked; exit 7' INT; echo up; while :; do sleep 0.01; done")
    run.wait_for("up")
    run.program.stop()
    assert run.end().status == 7
    assert run.lines[-1] == (OutputStream.STDOUT, "asked")


def test_one_that_ignores_signals_is_killed() -> None:
    run = Run("trap '' INT TERM; echo up; while :; do sleep 0.01; done", QUICK)
    run.wait_for("up")
    run.program.stop()
    end = run.end()
    assert (end.status, end.sentence()) == (-signal.SIGKILL, "was ended by SIGKILL")


def test_a_second_stop_only_shortens_the_first() -> None:
    run = Run("trap 'echo asked' INT; trap '' TERM; echo up; while :; do sleep 0.01; done")
    run.wait_for("up")
    run.program.stop()
    run.wait_for("asked")
    run.program.stop(grace=0.0, terminate=0.0)
    assert run.end().status == -signal.SIGKILL
    assert [line for _, line in run.lines].count("asked") == 1


def test_the_group_is_ended_though_its_leader_has_gone() -> None:
    text = "(trap '' INT TERM; while :; do sleep 0.01; done) & echo $!; exec sleep 300"
    run = Run(text, QUICK)
    child = run.number()
    run.program.stop()
    assert run.end().survivors == ()
    assert is_gone(child)
    assert group_members(run.program.group or 0) == []


def test_what_has_left_the_group_is_named() -> None:
    wait = 'until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done'
    run = Run(f"setsid sleep 300 >&- 2>&- & {wait}; echo $!", mark="job-setsid")
    end = run.end()
    try:
        assert end.survivors == ((run.number(), "sleep"),)
    finally:
        assert end_marked("job-setsid", 0.05, HANG_S) == []
    assert is_gone(run.number())


def test_bytes_that_are_no_text_stop_nothing() -> None:
    code = "import os; os.write(1, b'\\xff' * 200000); os.write(2, b'\\xe2\\x82\\n')"
    run = Run(f'"{sys.executable}" -S -c "{code}"')
    assert run.end().status == 0
    told = "".join(line for stream, line in run.lines if stream is OutputStream.STDOUT)
    assert told == "\ufffd" * 200000
    assert (OutputStream.STDERR, "\ufffd") in run.lines


def test_silence_is_told_again_and_again() -> None:
    quiet = threading.Semaphore(0)
    limits = ProgramLimits(grace=HANG_S, terminate=0.05, kill=HANG_S, output=HANG_S, quiet=0.02)
    run = Run("exec sleep 300", limits, quiet.release)
    assert all(quiet.acquire(timeout=HANG_S) for _ in range(3))
    run.program.stop()
    assert run.end().status == -signal.SIGINT


def test_a_program_gets_arguments_folder_and_mark_as_they_are(tmp_path: Path) -> None:
    lines: list[str] = []
    words = ["/bin/sh", "-c", f'echo "$1"; pwd; echo "${MARK}"', "sh", "$(echo x); 'y' *"]
    program = ProgramRun(words, "job-9", lambda _, line: lines.append(line), folder=tmp_path)
    program.start()
    assert program.run().status == 0
    assert lines == ["$(echo x); 'y' *", str(tmp_path), "job-9"]


def test_one_that_is_not_there_says_so() -> None:
    program = ProgramRun(["no-such-program"], "job-9", lambda _stream, _line: None)
    with pytest.raises(FileNotFoundError, match="no-such-program is not there"):
        program.start()
    program.stop()


def test_only_processes_with_the_mark_are_ended(tmp_path: Path) -> None:
    run = Run("echo $$; exec sleep 300", mark="job-other")
    try:
        assert end_marked("job-othe", 0.05, 0.05) == []
        assert marked_processes(f"{MARK}=job-other") == [run.number()]
        assert not is_gone(run.number())
    finally:
        run.program.stop(grace=0.05)
        run.end()


@pytest.mark.parametrize(
    ("stream", "line", "severity"),
    [
        (OutputStream.STDOUT, "error", Severity.INFO),
        (OutputStream.STDERR, "a Warning: careful", Severity.WARNING),
        (OutputStream.STDERR, "cannot go on", Severity.ERROR),
    ],
)
def test_a_line_has_a_severity(stream: OutputStream, line: str, severity: Severity) -> None:
    assert stream.severity(line) is severity


def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        Run("exit 0").end()
    assert len(os.listdir("/proc/self/fd")) == before
