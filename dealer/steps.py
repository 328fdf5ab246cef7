"""A verb as its steps: what it asks of the network and of the clock, without saying how one waits for that.

A verb is a generator that yields one step after another and is sent what came of each; its result is what it returns.
`Dealer` takes the steps in the caller's thread, `AsyncDealer` in a task. Ctrl-C and cancellation are raised within the
verb where it waits, and it may take further steps to take back what it has done.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from dealer.fanout import ManyCalls, ManyDescriptions

__all__ = ["Pause", "Step", "Steps", "show_as"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of some seconds."""

    seconds: float


Step = ManyCalls | ManyDescriptions | Pause
Steps = Generator[Step, Any, T]


def show_as(method: Callable[..., Any], verb: Callable[..., Any]) -> None:
    """Give a method of a Dealer the name, documentation and signature of the verb whose steps it takes."""
    method.__name__ = method.__qualname__ = verb.__name__
    method.__doc__ = verb.__doc__
    signature = inspect.signature(verb)
    result = str(signature.return_annotation).removeprefix("Steps[").removesuffix("]")
    method.__signature__ = signature.replace(return_annotation=result)  # type: ignore[attr-defined]  # functions take any attribute
    # What documentation tools read; it is text, which they evaluate, or show as it is.
    told = {name: p.annotation for name, p in signature.parameters.items() if p.annotation is not p.empty}
    method.__annotations__ = {**told, "return": result}
