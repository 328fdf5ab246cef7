"""Conducts the Players of an array: `import dealer; d = dealer.Dealer()`. Needs pyzmq and nothing
else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.lazyimports import lazy_names

if TYPE_CHECKING:
    from dealer.aio import AsyncDealer
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
        SpectraDifferError,
        StartError,
    )
    from dealer.operations import AsyncOperations, Operations
    from dealer.outcome import Outcome
    from zmqjsonproxy.channels.subscription import SubscriptionEndedError
    from zmqjsonproxy.errors import (
        CallTimeoutError,
        NotInControlError,
        OperationAbortedError,
        OperationLostError,
        OutcomeUnknownError,
        PeerLostError,
        ProxyError,
        RefusedError,
        RemoteError,
    )
    from zmqjsonproxy.files.errors import ChecksumError, FetchError, FileChangedError
    from zmqjsonproxy.files.fetch import Fetched

__all__ = [
    "AsyncDealer",
    "AsyncOperations",
    "CallTimeoutError",
    "ChecksumError",
    "ClosedError",
    "ConfigurationError",
    "Dealer",
    "DealerError",
    "FetchError",
    "Fetched",
    "FileChangedError",
    "NoActivePlayersError",
    "NoSuchPlayerError",
    "NotExportedError",
    "NotInControlError",
    "OperationAbortedError",
    "OperationLostError",
    "Operations",
    "Outcome",
    "OutcomeUnknownError",
    "PeerLostError",
    "PlayersError",
    "ProxyError",
    "RefusedError",
    "RemoteError",
    "SWbits",
    "ScanFailedError",
    "SpectraDifferError",
    "StartError",
    "SubscriptionEndedError",
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

# `python -m dealer` loads this before anything can take care of Ctrl-C; and who does not use asyncio,
# fetches nothing, or subscribes to nothing, does not pay for it.
__getattr__ = lazy_names(
    __name__,
    {
        "AsyncDealer": "dealer.aio",
        "AsyncOperations": "dealer.operations",
        "CallTimeoutError": "zmqjsonproxy.errors",
        "ChecksumError": "zmqjsonproxy.files.errors",
        "ClosedError": "dealer.errors",
        "ConfigurationError": "dealer.errors",
        "Dealer": "dealer.dealer",
        "DealerError": "dealer.errors",
        "FetchError": "zmqjsonproxy.files.errors",
        "Fetched": "zmqjsonproxy.files.fetch",
        "FileChangedError": "zmqjsonproxy.files.errors",
        "NoActivePlayersError": "dealer.errors",
        "NoSuchPlayerError": "dealer.errors",
        "NotExportedError": "dealer.errors",
        "NotInControlError": "zmqjsonproxy.errors",
        "OperationAbortedError": "zmqjsonproxy.errors",
        "OperationLostError": "zmqjsonproxy.errors",
        "Operations": "dealer.operations",
        "Outcome": "dealer.outcome",
        "OutcomeUnknownError": "zmqjsonproxy.errors",
        "PeerLostError": "zmqjsonproxy.errors",
        "PlayersError": "dealer.errors",
        "ProxyError": "zmqjsonproxy.errors",
        "RefusedError": "zmqjsonproxy.errors",
        "RemoteError": "zmqjsonproxy.errors",
        "ScanFailedError": "dealer.errors",
        "SpectraDifferError": "dealer.errors",
        "StartError": "dealer.errors",
        "SubscriptionEndedError": "zmqjsonproxy.channels.subscription",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
