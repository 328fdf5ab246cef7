"""Names instead of ports: the NSCLDAQ-compatible port manager, its clients and its protocol.
Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.lazyimports import lazy_names
from portmanager.allocation import Allocation
from portmanager.client import PortManager
from portmanager.errors import (
    BadNameError,
    ConnectionLostError,
    NoAnswerError,
    NotAListError,
    NotOneServiceError,
    PortManagerError,
    PortManagerRefusedError,
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
    "PortManagerRefusedError",
    "ReplyError",
    "SearchKeyError",
]

# asyncio costs a blocking program 30 ms.
__getattr__ = lazy_names(__name__, {"AsyncPortManager": "portmanager.aio"})
