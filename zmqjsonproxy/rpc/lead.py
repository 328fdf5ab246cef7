"""The lock of a hub whose owner alone uses the sockets; it survives Ctrl-C. Knows no socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial, wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from zmqjsonproxy.errors import ProxyError

__all__ = ["Lead", "lets_go"]

P = ParamSpec("P")
R = TypeVar("R")


class Lead:
    """The lock.

    It is released in the very `finally` of whoever took it, not in a function: Ctrl-C may end that
    before its first line.

    Attributes:
        take: Take it without waiting; whether it was free, or this thread's own (whom a signal
            handler interrupts).
        release: Release it; RuntimeError: it is not this thread's.
        is_ours: Tell whether this thread has it.
    """

    __slots__ = ("is_ours", "release", "take")

    def __init__(self) -> None:
        lock = threading.RLock()  # the lock that knows its owner
        self.take: Callable[[], bool] = partial(lock.acquire, False)
        self.release: Callable[[], None] = lock.release
        self.is_ours: Callable[[], bool] = lock._is_owned  # type: ignore[attr-defined]  # what a Condition asks


class _Leader(Protocol):
    _lead: Lead

    def _hand_on(self) -> None: ...


L = TypeVar("L", bound=_Leader)


def lets_go(method: Callable[Concatenate[L, P], R]) -> Callable[Concatenate[L, P], R]:
    """Release the lead if Ctrl-C ended the method between taking it and the `try` behind that, then
    `_hand_on`."""

    @wraps(method)
    def guarded(hub: L, /, *args: P.args, **kwargs: P.kwargs) -> R:
        is_ours = hub._lead.is_ours
        is_within = is_ours()  # another method that lets go of it
        try:
            return method(hub, *args, **kwargs)
        except ProxyError:
            raise
        except BaseException:
            if not is_within and is_ours():
                while is_ours():
                    hub._lead.release()
                hub._hand_on()
            raise

    return guarded
