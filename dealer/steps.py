"""How a verb, which is written as steps, becomes a method of a Dealer: what a person sees of it.

A verb is a generator of steps (`zmqjsonproxy/rpc/steps.py`): what it asks of the network and of the
clock, without saying how one waits for that. `Dealer` takes the steps in the caller's thread,
`AsyncDealer` in a task.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["show_as"]


def show_as(method: Callable[..., Any], verb: Callable[..., Any]) -> None:
    """Give a method of a Dealer the name, documentation and signature of the verb whose steps it
    takes."""
    method.__name__ = method.__qualname__ = verb.__name__
    method.__doc__ = verb.__doc__
    signature = inspect.signature(verb)
    result = str(signature.return_annotation).removeprefix("Steps[").removesuffix("]")
    method.__signature__ = signature.replace(return_annotation=result)  # type: ignore[attr-defined]  # functions take any attribute
    # What documentation tools read; it is text, which they evaluate, or show as it is.
    told = {
        name: p.annotation
        for name, p in signature.parameters.items()
        if p.annotation is not p.empty
    }
    method.__annotations__ = {**told, "return": result}
