"""The process in which the script of a plan runs: there are no Players for it, nor for whatever it leaves behind.

What takes the place of Dealers, connections and time stays until the process has ended, and so holds for handlers of
`atexit`, for `__del__` and for threads that outlive the script.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from dealer.errors import DealerError
from dealer.planchildren import mark_process_and_children
from dealer.plandealers import take_the_places
from dealer.plankeeper import Keeper
from dealer.virtualtime import EndlessError, VirtualClock, take_time

__all__ = ["Run", "carry_out"]

BROKEN = 70
"""Exit status if it is not the script that failed (EX_SOFTWARE)."""
_exit = os._exit


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be run; as for `plan_script`.

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
        _end_with_a_word(keeper)
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
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    atexit._clear()
    atexit.register(logging.shutdown)
    if "multiprocessing.util" in sys.modules:
        atexit.register(sys.modules["multiprocessing.util"]._exit_function)
    if run.shows:
        os.dup2(2, 1)
    else:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
    if os.isatty(0):
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", buffering=1, closefd=False)  # type: ignore[misc]  # noqa: SIM115


def _end_with_a_word(keeper: Keeper) -> None:
    """Let `os._exit` of the script end the plan as the end of the script does."""
    pid = os.getpid()

    def ended(status: int) -> NoReturn:
        if os.getpid() == pid:
            keeper.end()
        _exit(status)

    os._exit = ended


def _run_script(run: Run, keeper: Keeper) -> None:
    sys.argv = [str(run.script), *run.words]
    sys.path.insert(0, str(run.script.resolve().parent))
    main = sys.modules["__main__"] = ModuleType("__main__")
    vars(main).update(__file__=str(run.script), __builtins__=__builtins__)
    try:
        exec(compile(run.script.read_bytes(), str(run.script), "exec"), vars(main))
    except SystemExit as end:
        if end.code not in (None, 0) and not keeper.has_faults:
            keeper.fail("(exit)", DealerError(f"the script ended with {end.code!r}"), keeper.line_of(end))
    except (Exception, EndlessError, KeyboardInterrupt) as error:
        keeper.fail("(script)", error, keeper.line_of(error))


def _finish(keeper: Keeper) -> None:
    """Do what the interpreter does at its end, in its order, and then end the plan."""
    shutdown: Any = threading._shutdown  # type: ignore[attr-defined]
    for step in (shutdown, atexit._run_exitfuncs, keeper.let_go, lambda: sys.modules.pop("__main__"), gc.collect):
        with contextlib.suppress(SystemExit):
            step()
    keeper.end()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
