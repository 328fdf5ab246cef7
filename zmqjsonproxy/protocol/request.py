"""One call, whatever it came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Request"]


@dataclass(slots=True)
class Request:
    """One call.

    Attributes:
        target: `object.method`.
        args: Positional arguments.
        kwargs: Keyword arguments.
        native: JSON-RPC; otherwise the original's dialect.
        id: Request number of a native call; None with `notification`.
        notification: Nobody wants a reply.
        extra: The member `dealer`: `deadline_s`, `client`, `call_id`, `wait`, ...
        name: Object name, as sent; original dialect only.
        method: Method name, as sent; original dialect only.
    """

    target: str
    args: list[Any]
    kwargs: dict[str, Any]
    native: bool
    id: Any = None
    notification: bool = False
    extra: dict[str, Any] | None = None
    name: Any = None
    method: Any = None
