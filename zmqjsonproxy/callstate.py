"""State of a call, as its server tells it by the identity of the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundwork.values import RemoteValue
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.rpc.protocol.jsonrpc import error_from

__all__ = ["CallState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState:
    """State of one call at one server.

    Attributes:
        state: "running", "done", "failed" or "unknown"; unknown is also one that never came there.
        value: What was returned, of one that is done, as far as it is kept.
        error: What was raised, of one that failed.
        text: More in words.
    """

    state: str
    value: RemoteValue = None
    error: ProxyError | None = None
    text: str = ""

    @classmethod
    def read(cls, told: Mapping[str, RemoteValue], url: str) -> CallState:
        """Return what the server at `url` answers to `rpc.outcome`."""
        error = told.get("error")
        return cls(
            state=str(told.get("state", "unknown")),
            value=told.get("value"),
            error=None if error is None else error_from(error, peer=url),
            text=str(told.get("text", "")),
        )

    def __repr__(self) -> str:
        shown = {"done": repr(self.value), "failed": str(self.error)}.get(self.state, "")
        words = "; ".join(word for word in (shown, self.text) if word)
        return f"<{self.state}: {words}>" if words else f"<{self.state}>"
