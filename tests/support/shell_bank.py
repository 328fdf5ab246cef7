"""A kind of Bank with every sort of call, for tests of the Bank in one's own process and of the
doctor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from support.toy_bank import ToyBank

from player.bank import BankContext
from player.findings import Finding, Surroundings
from zmqjsonproxy.errors import AlreadyDoneError, RefusedError
from zmqjsonproxy.interface import command, current_operation, operation, query


class Knob:
    """A part whose operation and commands share the command queue of the Bank."""

    def __init__(self) -> None:
        self.turns = 0

    @command
    def turn(self) -> int:
        """Turn once."""
        self.turns += 1
        return self.turns


class ShellBank(ToyBank):
    """Has queries, commands, an urgent one, and operations of both sorts; notes in which threads
    they run."""

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.threads: list[threading.Thread] = []

    def parts(self) -> Mapping[str, object | None]:
        return {"knob": Knob(), "roach": None}

    def close(self) -> None:
        super().close()
        (self.context.data_root / "closed").write_text(self.name)

    @operation
    def sweep(self, seconds: float, step: float = 0.5) -> str:
        """Sweep for a while.

        Args:
            seconds: s.
            step: V.
        """
        self.threads.append(threading.current_thread())
        print("sweeping", flush=True)
        self.began.set()
        current_operation().wait(seconds)
        return f"swept in steps of {step:g} V"

    @operation
    def doze(self) -> None:
        """Hear of an abort, and go on."""
        current_operation().on_abort(lambda: print("abort heard", flush=True))
        print("dozing", flush=True)
        for _ in range(600):  # in pieces: a signal just before a sleep does not end that one
            time.sleep(0.1)

    @operation(answers_when_accepted=True)
    def run(self) -> str:
        """Answer at once, and end when `go_on` is set or at an abort."""
        handle = current_operation()
        self.threads.append(threading.current_thread())
        handle.on_abort(self.go_on.set)
        handle.accept("running")
        self.go_on.wait(30)
        handle.check()
        return "run"

    within: Callable[[], object] = staticmethod(lambda: None)

    @command
    def call_within(self) -> object:
        """Call what the test wants."""
        return self.within()

    @operation
    def linger(self) -> None:
        """Leave the command queue, and wait for an abort."""
        handle = current_operation()
        handle.leave_queue()
        handle.on_abort(self.go_on.set)
        self.began.set()
        self.go_on.wait(30)

    @operation(answers_when_accepted=True)
    def run_into_a_wall(self) -> str:
        """Fail after it is accepted."""
        current_operation().accept("running")
        raise ValueError("a wall")

    @operation(answers_when_accepted=True)
    def run_in_vain(self) -> str:
        """Fail before it is accepted."""
        raise RefusedError("not today")

    @command(urgent=True)
    def stop(self) -> str:
        """End what runs."""
        return "stopped"

    @command
    def again(self) -> str:
        """Have nothing to do."""
        raise AlreadyDoneError("that is so already", "so it is")

    @query
    def whose_thread(self) -> str:
        """Name the thread."""
        return threading.current_thread().name

    @classmethod
    def diagnose(cls, config: Any, bank_name: str, around: Surroundings) -> list[Finding]:
        if bank_name == "BANKQ":
            raise ZeroDivisionError("a bug")
        if around.is_served:
            return []
        return [Finding("knob", "the knob is stiff", "oil it", bank_name)]
