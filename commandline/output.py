"""Ends of any command: its exit status, a sentence for an error that explains itself, and for standard
output that is closed or full, characters it has not, packages that are not installed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterable

from commandline.answers import say
from commandline.exitstatus import FAILED, USAGE
from commandline.jsontext import json_text
from commandline.terminal import is_styled
from groundwork.extras import install_advice

__all__ = ["carry_out", "run_command"]


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
    extra is not installed, or on a terminal with styles for any bug, whose traceback is a short one.

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
        return FAILED
    except _OutputError as error:
        _discard_output()
        why = f"standard output cannot be written: {error}"
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if not (why := install_advice(missing)):
            if not is_styled(sys.stderr):
                raise
            from commandline.richterminal import short_traceback

            print(short_traceback(type(error), error, error.__traceback__), file=sys.stderr)
            return FAILED
    say(program, why)
    return FAILED


def carry_out(
    program: str,
    command: Callable[[], int],
    *,
    failures: tuple[type[Exception], ...] = (),
    usage_errors: tuple[type[Exception], ...] = (),
    sentences: Callable[[Exception], Iterable[object]] = lambda error: [error],
    interrupted: str = "",
    as_json: bool = False,
) -> int:
    """Return the exit status of a command; errors that explain themselves become sentences.

    Args:
        program: Name that stands before each sentence.
        command: Returns the status.
        failures: Errors that end it with status 1.
        usage_errors: Errors of the words or the configuration, which end it with status 2.
        sentences: Returns those that are said of an error.
        interrupted: Said after Ctrl-C; empty: nothing.
        as_json: Print the error, too, as JSON.
    """
    try:
        return command()
    except BrokenPipeError:  # the reader of our output has seen enough
        raise
    except usage_errors as error:
        told, status = error, USAGE
    except failures as error:
        told, status = error, FAILED
    except KeyboardInterrupt:
        if interrupted:
            say(program, interrupted)
        return FAILED
    if as_json:
        print(json_text({"error": str(told)}), flush=True)
    for sentence in sentences(told):
        say(program, sentence)
    return status
