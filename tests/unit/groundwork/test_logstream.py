"""The handler that never waits for the reader of a log."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from groundwork import logstream
from groundwork.logstream import LogStream, handler_for, write_if_taken


@pytest.fixture
def pipe() -> Iterator[tuple[int, IO[str]]]:
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w", encoding="ascii")
    yield reader, stream
    stream.close()
    os.close(reader)


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("some.module", logging.INFO, "", 0, text, (), None)


def read_until(reader: int, end: bytes) -> bytes:
    found = b""
    while end not in found:
        found += os.read(reader, 2**20)
    return found


def test_what_is_read_is_written_at_once_and_in_order(pipe: tuple[int, IO[str]]) -> None:
    handler = handler_for(pipe[1])
    assert isinstance(handler, LogStream)
    for n in range(100):
        handler.emit(record(f"{n} é"))
        assert os.read(pipe[0], 100) == f"{n} \\xe9\n".encode()


def test_what_nobody_reads_waits_up_to_a_bound_and_the_rest_is_counted(
    pipe: tuple[int, IO[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logstream, "MAX_WAITING", 100_000)
    handler = handler_for(pipe[1])
    for n in range(1000):
        handler.handle(record(f"{n:03d} {'x' * 995}"))  # 1000 bytes each
    text = read_until(pipe[0], b"dropped").decode()
    *lines, last = text.splitlines()
    assert [int(line[:3]) for line in lines] == list(range(len(lines)))
    assert 100 < len(lines) < 200
    assert last.startswith(f"{1000 - len(lines)} records of the log were dropped")
    handler.flush()
    handler.emit(record("again"))
    read_until(pipe[0], b"again\n")
    write_if_taken(pipe[1], "the end")
    read_until(pipe[0], b"the end")


def test_a_reader_that_is_gone_and_a_full_disk_are_no_errors(pipe: tuple[int, IO[str]]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        handler_for(full).handle(record("lost"))
        write_if_taken(full, "lost")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as broken:
        handler_for(broken).handle(record("lost"))
    write_if_taken(None, "lost")


def test_a_record_that_cannot_be_rendered_is_named(tmp_path: Path) -> None:
    with open(tmp_path / "log", "w", encoding="utf-8") as file:
        handler_for(file).handle(
            logging.LogRecord("some.module", logging.INFO, "", 0, "%d", ("x",), None)
        )
    assert (
        tmp_path / "log"
    ).read_text() == "a record of some.module cannot be written: TypeError\n"


def test_files_in_memory_are_written_and_closed_ones_are_not(tmp_path: Path) -> None:
    stream = io.StringIO()
    handler_for(stream).handle(record("here"))
    assert stream.getvalue() == "here\n"
    file = open(tmp_path / "log", "w", encoding="utf-8")  # noqa: SIM115
    file.close()
    assert isinstance(handler_for(file), logging.NullHandler)
