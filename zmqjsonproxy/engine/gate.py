"""Gate of a call engine: lets commands and operations pass, or refuses them."""

from __future__ import annotations

from typing import Protocol

from zmqjsonproxy.caller import Caller
from zmqjsonproxy.interface import Method

__all__ = ["Gate"]


class Gate(Protocol):
    """Decision whether something may be changed now."""

    def admit(self, method: Method, caller: Caller, /) -> None:
        """Let a command or an operation pass. Asked when its call arrives, in the socket's thread,
        and again when it begins; answers within microseconds.

        Raises:
            RefusedError: It must not be carried out; nothing is done.
        """
