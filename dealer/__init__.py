"""Conducts the Players of an array: `import dealer; d = dealer.Dealer()`. Needs pyzmq and nothing
else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dealer.dealer import Dealer
from dealer.errors import (
    ClosedError,
    ConfigurationError,
    DealerError,
    NoActivePlayersError,
    NoSuchPlayerError,
    NotExportedError,
    PlayersError,
    ScanFailedError,
    StartError,
)
from dealer.operations import AsyncOperations, Operations
from dealer.outcome import Outcome
from zmqjsonproxy.errors import (
    CallTimeoutError,
    OperationAbortedError,
    OperationLostError,
    PeerLostError,
    ProxyError,
    RefusedError,
    RemoteError,
)

if TYPE_CHECKING:
    from dealer.aio import AsyncDealer

__all__ = [
    "AsyncDealer",
    "AsyncOperations",
    "CallTimeoutError",
    "ClosedError",
    "ConfigurationError",
    "Dealer",
    "DealerError",
    "NoActivePlayersError",
    "NoSuchPlayerError",
    "NotExportedError",
    "OperationAbortedError",
    "OperationLostError",
    "Operations",
    "Outcome",
    "PeerLostError",
    "PlayersError",
    "ProxyError",
    "RefusedError",
    "RemoteError",
    "SWbits",
    "ScanFailedError",
    "StartError",
    "Switching",
]


class Switching:
    """Words for switching states: `d.set_gbt_ss(1.0, [(0.0, Switching.SIG, Switching.CALON, 0.002),
    ...])`."""

    SIG = 0
    REF = 1
    CALON = 1
    CALOFF = 0


SWbits = Switching
"""The original's name of it."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from groundwork.commandline import version

        return version()
    if name != "AsyncDealer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dealer.aio import AsyncDealer  # who does not use asyncio does not pay for it

    return AsyncDealer
