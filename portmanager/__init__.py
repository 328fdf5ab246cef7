"""Names instead of ports: the NSCLDAQ-compatible port manager, its clients and its protocol.
Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.lazyimports import lazy_names

if TYPE_CHECKING:
    from portmanager.aio import AsyncPortManager
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

# `python -m portmanager` loads this before anything can take care of Ctrl-C; and asyncio costs a
# blocking program 30 ms.
__getattr__ = lazy_names(
    __name__,
    {
        "Allocation": "portmanager.allocation",
        "AsyncPortManager": "portmanager.aio",
        "BadNameError": "portmanager.errors",
        "ConnectionLostError": "portmanager.errors",
        "DEFAULT_PORT": "portmanager.protocol.lines",
        "NoAnswerError": "portmanager.errors",
        "NotAListError": "portmanager.errors",
        "NotOneServiceError": "portmanager.errors",
        "PortManager": "portmanager.client",
        "PortManagerError": "portmanager.errors",
        "PortManagerRefusedError": "portmanager.errors",
        "ReplyError": "portmanager.errors",
        "SearchKeyError": "portmanager.errors",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
