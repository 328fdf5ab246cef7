"""Requests and results of calls, as the callers of both hubs give and get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from zmqjsonproxy.errors import ProxyError

__all__ = ["CallRequest", "CallResult", "SentCall", "result_of"]


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call of many."""

    url: str
    object_name: str
    method: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class CallResult:
    """Outcome of one call: a value or an error, and how long it took, s."""

    value: Any = None
    error: ProxyError | None = None
    delay_s: float = 0.0


class SentCall(Protocol):
    """A call that was sent, for `Hub.answer`; the future of whichever hub."""

    def cancel(self) -> bool:
        """Give it up, and tell its server; False if it has ended."""

    def exception(self) -> BaseException | None:
        """Return its error, None if it has a value; in a task only when it has ended."""

    def result(self) -> Any:
        """Return its value; as `exception`."""


def result_of(sent: SentCall) -> CallResult:
    """Return what came of a call that was sent, and has ended or is waited for here."""
    error = sent.exception()
    if error is None:
        return CallResult(sent.result())
    if not isinstance(error, ProxyError):
        raise error
    return CallResult(None, error)
