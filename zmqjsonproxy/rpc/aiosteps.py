"""Steps, taken in a task of an event loop; apart from `steps.py` so that only users of asyncio
import asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from zmqjsonproxy.rpc.aiohub import AsyncHub
from zmqjsonproxy.rpc.steps import Pause, Steps

__all__ = ["take_in_task"]

T = TypeVar("T")


async def take_in_task(
    hub: AsyncHub, steps: Steps[T], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> T:
    """Take the steps in the running task; its cancellation is raised within the generator.
    Arguments as of `take`."""
    try:
        step = next(steps)
        while True:
            came = None
            try:
                if isinstance(step, Pause):
                    await sleep(step.seconds)
                else:
                    came = step.read(await step.on(hub))
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(came)
    except StopIteration as end:
        result: T = end.value
        return result
