"""One Bank as an object: its methods, and its parts `roach` and `valon`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmqjsonproxy.rpc.client import ZMQJSONProxyClient

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.hub import Hub

__all__ = ["BankProxy"]

PART_TIMEOUT = 60.0


class BankProxy(ZMQJSONProxyClient):
    """The Bank of one Player: `proxy.set_mode("MODE1")`, `proxy.valon.get_frequency(0)`.

    Args:
        name: Bank.
        url: Its Player.
        hub: Shared by all Banks of a Dealer.
        time_out: s.
    """

    def __init__(self, name: str, url: str, hub: Hub, time_out: float) -> None:
        super().__init__(None, "bank", url, time_out, hub=hub, eager=False)
        self._name = name
        self._parts: dict[str, ZMQJSONProxyClient] = {}

    @property
    def roach(self) -> ZMQJSONProxyClient:
        """The FPGA board; without methods if the Bank has none."""
        return self.part("roach")

    @property
    def valon(self) -> ZMQJSONProxyClient:
        """The synthesizer; without methods if the Bank has none."""
        return self.part("valon")

    def part(self, name: str) -> ZMQJSONProxyClient:
        """Return the proxy of an object that the Player exposes as `bank.<name>`."""
        part = self._parts.get(name)
        if part is None:
            part = ZMQJSONProxyClient(None, f"bank.{name}", self._url, PART_TIMEOUT, hub=self._hub, eager=False)
            part = self._parts.setdefault(name, part)
        return part

    def __repr__(self) -> str:
        return f"<Bank {self._name} at {self._url}>"
