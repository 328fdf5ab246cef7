"""Programs as sources of events: their output, their ends, and what is left of them."""

from __future__ import annotations

import os
import select
import shlex
import sys
import threading
from pathlib import Path

import pytest
from support.ringfiles import definitions, event, events_of

from histogrammer.errors import EventFileError
from histogrammer.events import programs
from histogrammer.events.programs import ProgramInput
from histogrammer.events.sources import EventSource

DATA = definitions([(1, "a")]) + event(0, [(1, 1.0)]) + event(1, [(1, 2.0)])
EVENTS = [{"a": 1.0}, {"a": 2.0}]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "run.evt"
    path.write_bytes(DATA)
    return shlex.quote(str(path))


def shell(text: str) -> EventSource:
    return EventSource([ProgramInput(["sh", "-c", text])], kept=())


def test_output_is_read_to_the_end_of_the_program(file: str) -> None:
    with shell(f"cat {file}") as source:
        assert events_of(source) == EVENTS
        assert list(source) == []
        assert source.progress.bytes_read == len(DATA)
        assert source.progress.bytes_total is None


def test_words_are_given_without_a_shell(tmp_path: Path) -> None:
    path = tmp_path / "a b; exit 1"
    path.write_bytes(DATA)
    with EventSource([ProgramInput(["cat", str(path)])], kept=()) as source:
        assert events_of(source) == EVENTS


def test_exit_status_is_an_error_after_all_events_with_the_last_words(file: str) -> None:
    found: list[object] = []
    with shell(f"cat {file}; echo first >&2; echo 'no disk' >&2; exit 3") as source:
        for _ in range(2):
            with pytest.raises(EventFileError) as raised:
                found.extend(source)
    assert events_of(found) == EVENTS
    assert raised.value.reason == "the program ended with exit status 3: no disk"
    assert (raised.value.offset, raised.value.source) == (len(DATA), source.accounts[0].source)


def test_program_that_dies_by_a_signal_is_told_with_the_place(file: str) -> None:
    found: list[object] = []
    with shell(f"head -c {len(DATA) - 5} {file}; kill -KILL $$") as source:
        with pytest.raises(EventFileError, match="ended by signal SIGKILL") as raised:
            found.extend(source)
    assert events_of(found) == EVENTS[:1]
    assert raised.value.offset == len(DATA) - 36


def test_output_that_ends_within_an_item_is_an_error(file: str) -> None:
    with shell(f"head -c {len(DATA) - 5} {file}") as source:
        with pytest.raises(EventFileError, match="cut within an item: 31 of 36"):
            list(source)


def test_stop_ends_a_wait_and_reading_goes_on_later(file: str, tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    with shell(f"cat {file}; read line < {shlex.quote(str(fifo))}; cat {file}") as source:
        found: list[object] = []
        stopper = threading.Timer(0.05, source.stop)
        for each in source:
            found.append(each)
            if len(events_of(found)) == len(EVENTS):  # all there is, for nobody has written
                stopper.start()
        stopper.join()
        assert events_of(found) == EVENTS
        fifo.write_text("go\n")
        assert events_of(source) == EVENTS


def test_close_ends_the_program_and_what_it_started(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "END_S", 0.05)
    told = tmp_path / "pid"
    program = ProgramInput(
        ["sh", "-c", f"trap '' TERM; sleep 1000 & echo $! > {told}; cat {file}; wait"]
    )
    with EventSource([program], kept=()) as source:
        assert events_of([next(iter(source))]) == EVENTS
        leader, child = program.pid, int(told.read_text())
        assert leader is not None
        child_watch = os.pidfd_open(child)
    assert program.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(leader, 0)
    poll = select.poll()
    poll.register(child_watch, select.POLLIN)
    assert poll.poll(10_000)
    os.close(child_watch)


def test_program_that_fills_standard_error_does_not_hang(file: str) -> None:
    with shell(f"yes error | head -c 300000 >&2; cat {file}") as source:
        assert events_of(source) == EVENTS


def test_output_of_a_child_that_outlives_the_program_is_read(file: str) -> None:
    with shell(f"(sleep 0.1; cat {file}) &") as source:
        assert events_of(source) == EVENTS


def test_program_gets_no_descriptor_of_ours() -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    with shell("exec sleep 1000"):
        os.close(writing)
        poll = select.poll()
        poll.register(reading, select.POLLIN)
        assert poll.poll(10_000), "the other end is still open somewhere"
    os.close(reading)


def test_descriptors_are_given_back(file: str) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for _ in range(5):
        with shell(f"cat {file}") as source:
            list(source)
        with shell("exec sleep 1000"):
            pass
    assert count() == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["/nonexistent/program"], "cannot be started: No such file"),
        ([], "cannot be started"),
        (["a\0b"], "cannot be started"),
    ],
)
def test_program_that_cannot_be_started_is_an_error(words: list[str], reason: str) -> None:
    with pytest.raises(EventFileError, match=reason):
        EventSource([ProgramInput(words)])


def test_simulated_detectors_are_a_program() -> None:
    words = [sys.executable, "-m", "histogrammer.detector", "--events", "500", "--seed", "4"]
    with EventSource([ProgramInput(words)]) as source:
        assert len(events_of(source)) == 500
