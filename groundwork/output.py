"""Hindrances of any command: standard output that is closed, full, or without the
characters that it needs, and packages that are not installed; one sentence, no traceback."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable

from groundwork.extras import install_advice

__all__ = ["run_command"]


class _OutputError(Exception):
    """Standard output takes nothing."""


class _Output(io.TextIOWrapper):
    """Standard output that writes a question mark for what it cannot write, and fails with a class
    of its own."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _told(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _told(error) from error

    def close(self) -> None:
        """Close it. What cannot be written was told of before, and a finaliser can only complain."""
        with contextlib.suppress(OSError, _OutputError):
            super().close()


class _Closed(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, _data: object) -> int:
        raise OSError(errno.EBADF, "it is closed")


def _told(error: OSError) -> Exception:
    return (
        error if isinstance(error, BrokenPipeError) else _OutputError(error.strerror or str(error))
    )


def _open_output(must_write: bool) -> bool:
    """Make standard output one that fails as is said here; False: it is none of a process, as in a
    test."""
    before = sys.stdout
    if sys.stderr is None:  # what is printed there would go to standard output
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if before is None and must_write:
        sys.stdout = _Output(io.BufferedWriter(_Closed()), "utf-8", "replace")
        return True
    if type(before) is not io.TextIOWrapper:
        return False
    encoding, buffering = before.encoding, before.line_buffering
    with contextlib.suppress(OSError):
        before.flush()
    sys.stdout = _Output(before.detach(), encoding, "replace", line_buffering=buffering)
    vars(sys)["__stdout__"] = sys.stdout
    return True


def _discard_output() -> None:
    """Let what is still to be written at the end of the process go nowhere."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout = None


def run_command(program: str, command: Callable[[], int], *, must_write: bool = True) -> int:
    """Run a command; its exit status, which is 1 if what it writes is not taken, or a package of an
    extra is not installed.

    Args:
        program: Name that stands before the sentence.
        command: Writes to `sys.stdout`, and returns the status.
        must_write: False: a daemon, whose standard output may be closed.
    """
    is_ours = _open_output(must_write)
    try:
        try:
            return command()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has seen enough
        if is_ours:
            _discard_output()
        return 1
    except _OutputError as error:
        _discard_output()
        why = f"standard output cannot be written: {error}"
    except ModuleNotFoundError as error:
        if not (why := install_advice(error.name)):
            raise
    print(f"{program}: {why}", file=sys.stderr)
    return 1
