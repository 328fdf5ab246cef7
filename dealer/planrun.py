"""The process in which the script of a plan runs: there are no Players for it, nor for whatever it
leaves behind.

What takes the place of Dealers, connections and time stays until the process has ended, and so
holds for handlers of `atexit`, for `__del__` and for threads that outlive the script.
"""

from __future__ import annotations

import _thread
import atexit
import builtins
import contextlib
import gc
import logging
import multiprocessing.forkserver
import multiprocessing.managers
import multiprocessing.popen_fork
import multiprocessing.popen_forkserver
import multiprocessing.popen_spawn_posix
import multiprocessing.resource_sharer
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from dealer.errors import DealerError
from dealer.planchildren import mark_process_and_children
from dealer.plandealers import take_the_places
from dealer.plankeeper import Keeper
from dealer.virtualthreads import end_threads, take_threads
from dealer.virtualtime import LONGEST_S, VirtualClock, real_time, take_time

__all__ = ["Run", "carry_out"]

BROKEN = 70
"""Exit status if it is not the script that failed (EX_SOFTWARE)."""
LOOK_EVERY_S = 0.5
MAX_ASKED = 20
"""A question that is asked so often is not answered any more: nobody will say yes."""
_exit, _begin_thread = os._exit, _thread.start_new_thread


@dataclass(frozen=True, slots=True)
class Run:
    """Run of a script, with the arguments of `plan_script`.

    Attributes:
        script: A python file.
        words: Its arguments.
        config: Configuration of the array; None: as a Dealer finds it.
        records: File to which everything that happens is added.
        start: Unix time at which it begins, s.
        shows: What it prints goes to standard error; False: nowhere.
        limit: Real time that it has, s.
    """

    script: Path
    words: tuple[str, ...]
    config: str | os.PathLike[str] | None
    records: str
    start: float
    shows: bool
    limit: float


def carry_out(run: Run) -> NoReturn:
    """Run a script in this process, a child made for it, and end the process."""
    try:
        _become_a_program(run)
        clock = VirtualClock(run.start)
        keeper = Keeper(run.script, run.config, run.records, clock)
        mark_process_and_children(run.records)
        take_the_places(keeper)
        take_time(clock)
        take_threads(clock)
        _answer_questions(keeper)
        _end_with_a_word(keeper)
        _end_by_force(keeper, run.limit)
        _run_script(run, keeper)
        _finish(keeper)
    except BaseException:
        traceback.print_exc()
        _exit(BROKEN)
    _exit(0)


def _become_a_program(run: Run) -> None:
    """Leave to the parent what is its: terminal, output, handlers."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )
    if signal.getsignal(signal.SIGHUP) is signal.default_int_handler:  # of `dealer plan`
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    atexit._clear()
    atexit.register(logging.shutdown)
    atexit.register(multiprocessing.util._exit_function)  # type: ignore[attr-defined]
    nothing = os.open(os.devnull, os.O_RDWR)  # takes the place of one that is closed
    os.set_inheritable(nothing, nothing <= 2)
    for stream in (0, 1, 2):
        is_for_nobody = (
            (stream == 0 and os.isatty(0))
            or (stream == 1 and not run.shows)
            or not _is_open(stream)
        )
        if is_for_nobody and stream != nothing:
            os.dup2(nothing, stream)
    if run.shows:
        os.dup2(2, 1)
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", buffering=1, closefd=False)  # type: ignore[misc]  # noqa: SIM115


def _is_open(number: int) -> bool:
    with contextlib.suppress(OSError):
        os.fstat(number)
        return True
    return False


def _end_with_a_word(keeper: Keeper) -> None:
    """Let `os._exit` of the script end the plan as the end of the script does."""
    pid = os.getpid()

    def ended(status: int) -> NoReturn:
        if os.getpid() == pid:
            keeper.end()
        _exit(status)

    os._exit = ended


def _end_by_force(keeper: Keeper, limit: float) -> None:
    """Let a script end that never ends, in virtual or in real time, whatever it catches; say where
    it is then."""

    def end(text: str) -> NoReturn:
        keeper.break_off(text)
        os.killpg(0, signal.SIGKILL)  # with its children
        _exit(BROKEN)

    parent = os.getppid()  # now: it may have been killed before the thread runs

    def watch() -> None:
        until = real_time.monotonic() + limit
        while (left := until - real_time.monotonic()) > 0:
            real_time.sleep(min(left, LOOK_EVERY_S))
            if os.getppid() != parent:  # nobody wants the plan any more
                os.killpg(0, signal.SIGKILL)
        end(
            f"not at its end after {limit:g} s of real time; does it wait for what never comes, or for a time without "
            "sleep? (dealer plan --limit)"
        )

    def tell_child() -> None:
        keeper.doubt(
            "(child)", "a child of the script waits, of which the plan's times know nothing"
        )

    keeper.clock.on_endless = lambda: end(
        f"more than {LONGEST_S / 86400:g} days; does it ever end?"
    )
    keeper.clock.on_doubt = keeper.doubt_times
    keeper.clock.on_move_in_child = tell_child
    _begin_thread(watch, ())


def _answer_questions(keeper: Keeper) -> None:
    """Answer what a script asks a person, with what stands in its input, else with nothing."""
    asked: dict[int, int] = {}

    def answered(prompt: object = "", /) -> str:
        sys.stdout.write(str(prompt))
        if line := sys.stdin.readline():
            return line.removesuffix("\n")
        number = keeper.line()
        asked[number] = asked.get(number, 0) + 1
        if asked[number] > MAX_ASKED:
            raise EOFError(f"asked {MAX_ASKED} times, and answered with an empty line")
        if asked[number] == 1:
            keeper.doubt(
                f"input({str(prompt)!r})", "waits for a person; the plan answers with an empty line"
            )
        return ""

    builtins.input = answered


def _run_script(run: Run, keeper: Keeper) -> None:
    sys.argv = [str(run.script), *run.words]
    sys.path.insert(0, str(run.script.resolve().parent))
    main = sys.modules["__main__"] = ModuleType("__main__")
    vars(main).update(__file__=str(run.script), __builtins__=__builtins__)
    try:
        exec(compile(run.script.read_bytes(), str(run.script), "exec"), vars(main))
    except SystemExit as end:
        if end.code not in (None, 0) and not keeper.has_faults:
            keeper.fail(
                "(exit)", DealerError(f"the script ended with {end.code!r}"), keeper.line_of(end)
            )
    except (Exception, KeyboardInterrupt) as error:
        keeper.fail("(script)", error, keeper.line_of(error))


def _finish(keeper: Keeper) -> None:
    """Do what the interpreter does at its end, in its order, and then end the plan."""
    for step in (
        end_threads,
        atexit._run_exitfuncs,
        keeper.let_go,
        lambda: sys.modules.pop("__main__"),
        gc.collect,
    ):
        with contextlib.suppress(SystemExit):
            step()
    keeper.end()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
