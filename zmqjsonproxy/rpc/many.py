"""Requests and results of calls, as the callers of both hubs give and get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zmqjsonproxy.errors import ProxyError

__all__ = ["CallRequest", "CallResult"]


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
    """What came of one call: a value or an error, and how long it took, s."""

    value: Any = None
    error: ProxyError | None = None
    delay_s: float = 0.0
