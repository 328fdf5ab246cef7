"""What a door is to the host: a way in to the Bank. Knows no protocol and no socket.

The door for calls is always there. A site's own doors are named in the file, `[banks.X.doors.NAME]`, and found by entry
point (`dealer_player.doors`); see `SiteDoor`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from player.tables import DoorConfig

if TYPE_CHECKING:
    from player.bank import Bank, BankLog

__all__ = ["Door", "DoorContext", "SiteDoor"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorContext:
    """What the host tells a door.

    Attributes:
        name: Of the door, as in the file.
        bank: Name of the Bank.
        config: The validated `[banks.<bank>.doors.<name>]` table, an instance of the door's `config_model()`.
        bind: Address to serve on: the door's own, the Bank's, the instrument's.
        log: Logger with the Bank's name bound.
        on_end: To be called with a sentence if the door ends by itself; then the Player ends.
    """

    name: str
    bank: str
    config: DoorConfig
    bind: str
    log: BankLog
    on_end: Callable[[str], None]


class SiteDoor(Door):
    """Base of the doors that are found by name.

    Args:
        context: What the host tells. The constructor takes the address: it raises OSError, or a
            `zmqjsonproxy.errors.RefusedError` with a sentence, if it cannot be had.
    """

    def __init__(self, context: DoorContext) -> None:
        self.context = context
        self.log = context.log

    @classmethod
    def config_model(cls) -> type[DoorConfig]:
        """Return the pydantic model of the door's table."""
        return DoorConfig
