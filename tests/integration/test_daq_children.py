"""Programs that misbehave, as real children: floods, lines without end, deaf ones, families that
outlive their head."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from spectrometer.daq.control import FLOOD_LINES, LONGEST_LINE, DaqProcess
from spectrometer.daq.errors import DaqDeafError, DaqNotRunningError

DEADLINE_S = 120.0


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < end, f"not within {DEADLINE_S:g} s"
        time.sleep(0.02)


def shell(text: str, **options: object) -> DaqProcess:
    return DaqProcess(
        ["/bin/sh", "-c", text], name="prog", log=logging.getLogger("prog"), **options
    )  # type: ignore[arg-type]


def test_a_flood_does_not_reach_the_log_and_does_not_stop_the_program(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    program = shell(f"{sys.executable} -c \"[print('y' * 60) for _ in range(50000)]\"; exit 4")
    program.start()
    assert program.wait(DEADLINE_S) == 4
    wait_for(lambda: any("left out" in line for line in caplog.messages))
    lines = [line for line in caplog.messages if line.startswith("prog: y")]
    seconds = sum("left out" in line for line in caplog.messages)
    assert len(lines) <= FLOOD_LINES * (seconds + 1) < 50000


def test_a_line_without_end_takes_bounded_memory(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    program = shell("head -c 3000000 /dev/zero | tr '\\0' z; exit 5")
    program.start()
    assert program.wait(DEADLINE_S) == 5
    wait_for(lambda: sum(len(line) for line in caplog.messages) >= 3_000_000)
    assert max(len(line) for line in caplog.messages) <= LONGEST_LINE + len("prog: ")


def test_one_that_reads_nothing_holds_nobody_up() -> None:
    program = shell("sleep 300")
    program.start()
    try:
        with pytest.raises(
            DaqDeafError, match=r"prog \(process \d+\) does not take command START: "
        ):
            for _ in range(100_000):
                program.send("START")
        began = time.monotonic()
        assert program.stop(quit_s=0.1) == -15
        assert time.monotonic() - began < DEADLINE_S
    finally:
        program.stop(quit_s=0)


def test_the_whole_group_is_killed_if_it_ignores_everything_else(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = shell(
        f"trap '' TERM; (trap '' TERM; sleep 300) & touch {ready}; sleep 301; sleep 302"
    )
    program.start()
    wait_for(ready.exists)
    assert program.pid is not None
    family = [psutil.Process(program.pid), *psutil.Process(program.pid).children(recursive=True)]
    assert program.stop(quit_s=0.1, term_s=0.1) == -9
    _, alive = psutil.wait_procs(family, timeout=DEADLINE_S)
    assert alive == []


def test_a_fifo_that_nobody_reads_is_told_of_a_program_that_runs(tmp_path: Path) -> None:
    fifo = tmp_path / "control"
    os.mkfifo(fifo)
    program = shell("sleep 300", fifo=fifo)
    with pytest.raises(DaqNotRunningError, match="was never started"):
        program.send("START")
    program.start()
    try:
        with pytest.raises(DaqDeafError, match=r"does not take command START: .*No such device"):
            program.send("START")
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        program.send("START")
        assert os.read(reader, 100) == b"START\n"
        os.close(reader)
    finally:
        program.stop(quit_s=0.1)
