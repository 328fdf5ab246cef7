"""What is asked of servers and of the clock, as steps, without saying how one waits for that.

What takes several steps is a generator that yields one after another and is sent what came of each;
its result is what it returns. `take` takes them in the caller's thread, `take_in_task`
(`aiosteps.py`) in a task. Ctrl-C and cancellation are raised within the generator where it waits,
and it may take further steps to take back what it has done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from zmqjsonproxy.rpc.many import CallRequest, CallResult

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.hub import Hub

__all__ = ["BeginEach", "CallMany", "Pause", "Step", "Steps", "take"]

T = TypeVar("T")


class Step(Protocol):
    """A question to servers, for whichever client asks it."""

    def on(self, hub: Any) -> Any:
        """What a method of a Hub returns, or of an AsyncHub what is to be awaited for it."""

    def read(self, results: Any) -> Any:
        """What that means, for the generator."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CallMany:
    """Calls to any servers, all at once; a result for each. `timeout`: common deadline, s."""

    requests: Sequence[CallRequest]
    timeout: float

    def on(self, hub: Any) -> Any:
        """As Step."""
        return hub.call_many(self.requests, self.timeout)

    def read(self, results: list[CallResult]) -> list[CallResult]:
        """The results, in the order of the requests."""
        return results


@dataclass(frozen=True, slots=True)
class BeginEach:
    """The beginning of an operation at each of some servers; attributes as the arguments of
    `Hub.begin_each`."""

    urls: Sequence[str]
    object_name: str
    method: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    timeout: float
    begun_by: str

    def on(self, hub: Any) -> Any:
        """As Step."""
        return hub.begin_each(
            self.urls,
            self.object_name,
            self.method,
            self.args,
            self.kwargs,
            self.timeout,
            self.begun_by,
        )

    def read(self, results: list[CallResult]) -> list[CallResult]:
        """The results, in the order of the servers."""
        return results


Steps = Generator[Step | Pause, Any, T]


def take(hub: Hub, steps: Steps[T], sleep: Callable[[float], None] | None = None) -> T:
    """Take the steps one after the other; what interrupts one of them is raised within the
    generator.

    Args:
        hub: Makes the calls.
        steps: What to do.
        sleep: Makes the pauses, s; None: `time.sleep`, whatever that is then (a plan puts its own
            there).
    """
    try:
        step = next(steps)
        while True:
            came = None
            try:
                if isinstance(step, Pause):
                    (sleep or time.sleep)(step.seconds)
                else:
                    came = step.read(step.on(hub))
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(came)
    except StopIteration as end:
        result: T = end.value
        return result
