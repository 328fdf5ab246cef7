"""A handler of logs that never waits for whoever reads them. What nobody takes is dropped, and
counted.

A pipe that nobody reads, or a terminal that is stopped, takes a record at once or not at all. What
it does not take is written by a thread as soon as it does, up to a bound.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import stat
import sys
import threading
import time
from collections import deque
from typing import TextIO

__all__ = ["LogStream", "handler_for", "write_if_taken"]

MAX_WAITING = 2**20
"""Bytes that wait for a reader."""
_PIECE = 4096
"""A pipe that is writable takes so much without waiting (PIPE_BUF)."""
_AT_END_S = 0.5


def _takes(descriptor: int, timeout_ms: int = 0) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(
        events & (select.POLLOUT | select.POLLERR | select.POLLNVAL)
        for _, events in poll.poll(timeout_ms)
    )


def _write(descriptor: int, data: bytes, timeout_ms: int = 0) -> bytes:
    """Write as much as is taken without waiting; the rest. OSError: nothing will be taken any
    more."""
    while data and _takes(descriptor, timeout_ms):
        try:
            data = data[os.write(descriptor, data[:_PIECE]) :]
        except BlockingIOError:
            break
    return data


def write_if_taken(stream: TextIO | None, text: str) -> None:
    """Write a text to a standard stream, if that takes it at once. Never waits, never raises."""
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            _write(stream.fileno(), text.encode("utf-8", "backslashreplace"))


class LogStream(logging.Handler):
    """Writes records to a stream with a descriptor: what is taken at once in the calling thread,
    the rest in its own.

    Args:
        stream: Of a regular file, pipe, terminal, socket, ...
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        stream.flush()
        self._descriptor, self._encoding = stream.fileno(), stream.encoding or "utf-8"
        self._waiting: deque[bytes] = deque()
        self._size, self._dropped = 0, 0
        self._written = threading.Condition()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._forget_thread)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or leave it to the thread."""
        try:
            data = f"{self.format(record)}\n".encode(self._encoding, "backslashreplace")
        except Exception as error:  # arguments are anybody's code
            data = f"a record of {record.name} cannot be written: {type(error).__name__}\n".encode()
        with self._written:
            if not self._waiting:
                try:
                    data = _write(self._descriptor, data)
                except OSError:  # closed, full, or its reader is gone: there is nowhere to say so
                    return
            if data:
                self._leave(data)

    def _leave(self, data: bytes) -> None:
        if self._size + len(data) > MAX_WAITING:
            self._dropped += 1
            return
        self._waiting.append(data)
        self._size += len(data)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_waiting, name="log", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads: with the next record
                self._thread = None

    def _write_waiting(self) -> None:
        while True:
            can_take = _takes(self._descriptor, 1000)
            with self._written:
                if can_take:
                    self._write_first()
                if not self._waiting:
                    self._thread = None
                    self._written.notify_all()
                    return

    def _write_first(self) -> None:
        first = self._waiting.popleft()
        self._size -= len(first)
        try:
            rest = _write(self._descriptor, first)
        except OSError:
            rest = b""
        if rest:
            self._waiting.appendleft(rest)
            self._size += len(rest)
        elif self._dropped and not self._waiting:
            text = f"{self._dropped} records of the log were dropped: nobody took them\n"
            self._dropped = 0
            self._waiting.append(text.encode())
            self._size += len(text)

    def flush(self) -> None:
        """Wait a moment for what was left to the thread."""
        end = time.monotonic() + _AT_END_S
        with self._written:
            while self._thread is not None and (left := end - time.monotonic()) > 0:
                self._written.wait(left)

    def _forget_thread(self) -> None:
        self._written = threading.Condition()
        self._thread = None
        self._waiting.clear()
        self._size = 0


def handler_for(stream: TextIO | None) -> logging.Handler:
    """Return the handler for a stream, None for stderr; where there is none, or it is closed,
    nothing is written."""
    stream = sys.stderr if stream is None else stream
    try:
        if stream is None or not stat.S_IFMT(os.fstat(stream.fileno()).st_mode):
            return logging.NullHandler()
        return LogStream(stream)
    except (
        OSError,
        ValueError,
        AttributeError,
    ):  # no descriptor: a file in memory, or one that is closed
        return (
            logging.NullHandler()
            if getattr(stream, "closed", False)
            else logging.StreamHandler(stream)
        )
