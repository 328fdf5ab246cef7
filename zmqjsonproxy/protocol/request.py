"""One call, whatever it came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["LONGEST_CALL_ID", "Request"]

LONGEST_CALL_ID = 200
"""Characters; a longer one is none."""


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

    @property
    def call_id(self) -> str:
        """Identity among the calls of its client: `call_id` of `dealer`, else `run` there with the
        request number, "RUN-NUMBER"; empty: it has none."""
        extra = self.extra
        if not extra or not self.native or self.notification:
            return ""
        given = extra.get("call_id")
        if given is None:
            run, number = extra.get("run"), self.id
            given = f"{run}-{number}" if type(run) is str and run and type(number) is int else None
        return given if type(given) is str and len(given) <= LONGEST_CALL_ID else ""
