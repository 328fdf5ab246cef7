"""Names instead of ports: the NSCLDAQ-compatible port manager, its clients and its protocol.
Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portmanager.allocation import Allocation
from portmanager.client import PortManager
from portmanager.errors import (
    BadNameError,
    ConnectionLostError,
    NoAnswerError,
    NotAListError,
    NotOneServiceError,
    PortManagerError,
    RefusedError,
    ReplyError,
    SearchKeyError,
)
from portmanager.protocol.lines import DEFAULT_PORT

if TYPE_CHECKING:
    from portmanager.aio import AsyncPortManager

__all__ = [
    "DEFAULT_PORT",
    "Allocation",
    "AsyncPortManager",
    "BadNameError",
    "ConnectionLostError",
    "NoAnswerError",
    "NotAListError",
    "NotOneServiceError",
    "PortManager",
    "PortManagerError",
    "RefusedError",
    "ReplyError",
    "SearchKeyError",
]


def __getattr__(name: str) -> Any:
    """Load the asyncio client when it is asked for: asyncio costs a blocking program 30 ms."""
    if name == "__version__":
        from groundwork.commandline import version

        return version()
    if name == "AsyncPortManager":
        from portmanager.aio import AsyncPortManager

        return AsyncPortManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
