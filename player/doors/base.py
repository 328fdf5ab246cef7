"""What a door is to the host: a way in to the Bank. Knows no protocol and no socket."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from player.bank import Bank

__all__ = ["Door"]


class Door(ABC):
    """One way in. The host makes it (which takes the address), opens it on the Bank, and closes it at the end.

    The address is taken before the Bank touches a device, so that a second Player on it ends before it does harm.
    """

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it serves, with the port that the system chose if none was given."""

    @abstractmethod
    def open(self, bank: Bank) -> None:
        """Begin to serve an opened Bank; returns at once."""

    @abstractmethod
    def close(self) -> None:
        """Serve no more calls and give the address back; within 2 s; may be called twice, and without `open`."""
