"""Knowledge of servers without asking them, for both kinds of hub."""

from __future__ import annotations

from zmqjsonproxy.rpc.core import ClientCore
from zmqjsonproxy.rpc.peer import Peer, State

__all__ = ["KnownServers"]


class KnownServers:
    """Knowledge that any hub has of servers without asking them; its owner sets `_core`."""

    _core: ClientCore

    def peer(self, url: str) -> Peer:
        """Return what is known of a server; to be looked at only."""
        return self._core.peer(url)

    def generation(self, url: str) -> int:
        """Return a number that grows with each new server instance met at the address; 0: none
        yet."""
        return self._core.peer(url).generation

    def is_native(self, url: str) -> bool | None:
        """Tell whether the server speaks JSON-RPC; None: not known (yet)."""
        peer = self._core.peer(url)
        return peer.native if peer.state is State.READY else None
