"""How a caller begins operations, asks for them, waits for them and aborts them: as steps, for both
clients.

There is one way to hear of an operation: `rpc.operation` is asked. Whoever waits asks; for those
who want to be told, one thread, or one task, for each hub asks for all of them, and lives as long
as there is something to be told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import ProtocolError, ProxyError
from zmqjsonproxy.protocol.operations import State
from zmqjsonproxy.rpc.heard import HeardOperation
from zmqjsonproxy.rpc.many import CallRequest
from zmqjsonproxy.rpc.steps import BeginEach, CallMany, Pause, Steps

__all__ = [
    "LOOK_WITHIN_S",
    "Watched",
    "aborts",
    "begins",
    "finds",
    "lists",
    "looks",
    "only",
    "waits",
]

LOOK_WITHIN_S = 5.0
FIRST_PAUSE_S, LAST_PAUSE_S = 0.02, 0.3
"""Between looks: at first, and after a while, s."""

O = TypeVar("O", bound=HeardOperation)  # noqa: E741  as in Operation
T = TypeVar("T")


def only(found: Sequence[T | ProxyError]) -> T:
    """Return the one thing that was asked for, or raise its error."""
    (each,) = found
    if isinstance(each, ProxyError):
        raise each
    return each


def begins(
    make: Callable[[str, dict[str, Any]], O],
    urls: Sequence[str],
    object_name: str,
    method: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    timeout: float,
) -> Steps[list[O | ProxyError]]:
    """Begin an operation at each of the servers; the operation, or why there is none.

    Args:
        make: Makes an operation of a server's URL and of what was said of it.
        urls: Servers.
        object_name: Exposed object.
        method: Its method, which is an operation.
        args: Positional arguments.
        kwargs: Keyword arguments.
        timeout: For the answer that it was begun, s.
    """
    results = yield BeginEach(urls, object_name, method, args, kwargs, timeout, own_name())
    begun: list[O | ProxyError] = []
    for url, result in zip(urls, results, strict=True):
        value = result.value
        if result.error is not None:
            begun.append(result.error)
        elif isinstance(value, dict) and isinstance(value.get("operation"), str):
            described = {
                "id": value["operation"],
                "method": f"{object_name}.{method}",
                "state": State.QUEUED.value,
            }
            begun.append(make(url, described))
        else:
            begun.append(
                ProtocolError(
                    f"{object_name}.{method} at {url} is no operation; it answered {value!r:.200}"
                )
            )
    return begun


def finds(
    make: Callable[[str, dict[str, Any]], O], identities: Sequence[tuple[str, str]], timeout: float
) -> Steps[list[O | ProxyError]]:
    """Ask for operations by (URL, identity); RefusedError stands for one that its server does not
    know."""
    results = yield CallMany(
        [CallRequest(url, "rpc", "operation", (each,)) for url, each in identities], timeout
    )
    return [
        result.error if result.error is not None else make(url, result.value)
        for (url, _), result in zip(identities, results, strict=True)
    ]


def lists(
    make: Callable[[str, dict[str, Any]], O], url: str, active: bool, timeout: float
) -> Steps[list[O]]:
    """Ask a server for its last operations, the newest at the end; raises as a call."""
    (result,) = yield CallMany([CallRequest(url, "rpc", "operations", (active,))], timeout)
    if result.error is not None:
        raise result.error
    return [make(url, each) for each in result.value]


def looks(operations: Iterable[HeardOperation]) -> Steps[None]:
    """Ask for all that have not ended, at once."""
    asked_for = [operation for operation in operations if not operation.has_ended]
    if not asked_for:
        return
    asked = time.monotonic()
    results = yield CallMany(
        [CallRequest(o.url, "rpc", "operation", (o.id,)) for o in asked_for], LOOK_WITHIN_S
    )
    now = time.monotonic()
    for operation, result in zip(asked_for, results, strict=True):
        if result.error is None:
            operation.take(result.value, now)
        else:
            operation.take_error(result.error, asked, now)


def waits(operations: Sequence[HeardOperation], timeout: float | None = None) -> Steps[bool]:
    """Wait until all have a final state; whether they have.

    Args:
        operations: Of any servers.
        timeout: s; None: as long as it takes.
    """
    end = None if timeout is None else time.monotonic() + timeout
    pause = FIRST_PAUSE_S
    while True:
        yield from looks(operations)
        if all(operation.has_ended for operation in operations):
            return True
        left = LAST_PAUSE_S if end is None else end - time.monotonic()
        if left <= 0:
            return False
        yield Pause(min(pause, left))
        pause = min(1.5 * pause, LAST_PAUSE_S)


def aborts(
    operations: Sequence[HeardOperation], reason: str, timeout: float = LOOK_WITHIN_S
) -> Steps[list[ProxyError | None]]:
    """Ask all to end, at once; for each why it could not be asked, None if it was.

    Args:
        operations: Of any servers; no effect on those that have ended.
        reason: For those who ask what became of them; default: who aborts.
        timeout: For the servers' answers, s.
    """
    words = reason or f"aborted by {own_name()}"
    results = yield CallMany(
        [CallRequest(o.url, "rpc", "abort", (o.id, words)) for o in operations], timeout
    )
    now = time.monotonic()
    for operation, result in zip(operations, results, strict=True):
        if result.error is None:
            operation.take(result.value, now)
    return [result.error for result in results]


class Watched(Generic[O]):
    """The operations of one hub that somebody wants to hear of.

    Attributes:
        pause: Until the next look at them, s.
    """

    def __init__(self) -> None:
        self.pause = FIRST_PAUSE_S
        self._all: list[O] = []

    def all(self) -> list[O]:
        """Return them."""
        return list(self._all)

    def add(self, operation: O) -> None:
        """Watch one more, if it is not watched yet; the next look is soon."""
        if not any(watched is operation for watched in self._all):
            self._all.append(operation)
        self.pause = FIRST_PAUSE_S

    def drop(self, ended: Sequence[O]) -> bool:
        """Watch some no more; whether any are left."""
        self._all = [o for o in self._all if not any(o is each for each in ended)]
        self.pause = min(1.5 * self.pause, LAST_PAUSE_S)
        return bool(self._all)
