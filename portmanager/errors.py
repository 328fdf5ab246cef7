"""Errors between a program and a port manager.

    PortManagerError
    |-- RefusedError            RuntimeError: the server's own words
    |-- ReplyError              RuntimeError: the server said what no port manager says
    |-- SearchKeyError          RuntimeError: find() was asked for a key that it does not know
    |-- NotOneServiceError      RuntimeError: none, or several, services fit
    |-- BadNameError              ValueError: the text cannot be the name of a service or a user; nothing was sent
    |-- NotAListError           ValueError: the text is no Tcl list
    |-- ConnectionLostError     ConnectionError: the connection is gone, and with it every port that it held
    `-- NoAnswerError           TimeoutError: no answer in time; the connection was given up

Errors of looking up a name and of connecting come as the operating system gives them:
`socket.gaierror`, `ConnectionRefusedError`, `TimeoutError`. The attribute `lost` has the ports that
the program has to regard as no longer its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.errors import Portable
from portmanager.allocation import Allocation

__all__ = [
    "BadNameError",
    "ConnectionLostError",
    "NoAnswerError",
    "NotAListError",
    "NotOneServiceError",
    "PortManagerError",
    "PortManagerRefusedError",
    "ReplyError",
    "SearchKeyError",
]


class PortManagerError(Portable):
    """Any of the faults of this package."""

    lost: tuple[Allocation, ...] = ()
    """Ports that this program had and has no longer; their services are not listed any more."""

    def with_lost(self, lost: Sequence[Allocation]) -> PortManagerError:
        """Note what was lost, in the attribute and below the traceback; returns the error."""
        if lost:
            self.lost = tuple(lost)
            self.add_note(
                f"lost with the connection: {_written(self.lost)}; reacquire() asks for them again"
            )
        return self


class PortManagerRefusedError(PortManagerError, RuntimeError):
    """The server said no; the text is the server's."""


class ReplyError(PortManagerError, RuntimeError):
    """A reply that no port manager gives: another program listens there."""

    def __init__(self, server: str, expected: str, found: str) -> None:
        super().__init__(
            f"{server} is no port manager, or a broken one: expected {expected}, found {found[:200]!r}"
        )
        self.server, self.expected, self.found = server, expected, found


class SearchKeyError(PortManagerError, RuntimeError):
    """A key that find() does not know; the text is the one of NSCLDAQ."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__("Invalid search key(s) supplied to PortManager.find")
        self.keys = tuple(keys)
        self.add_note(f"found {', '.join(sorted(keys))}; there are service, beginswith, user")


class NotOneServiceError(PortManagerError, RuntimeError):
    """Exactly one service was wanted, and there are none or several."""

    def __init__(self, wanted: str, server: str, found: Sequence[Allocation]) -> None:
        text = (
            _written(found)
            if found
            else "none; is its program running, and registered with this port manager?"
        )
        super().__init__(f"{wanted} at {server}: found {text}")
        self.wanted, self.server, self.found = wanted, server, tuple(found)


class BadNameError(PortManagerError, ValueError):
    """A text that cannot be the name of a service or of a user."""

    def __init__(self, what: str, name: str, fault: str) -> None:
        super().__init__(f"{what} {name[:80]!r} {fault}")
        self.what, self.name, self.fault = what, name, fault


class NotAListError(PortManagerError, ValueError):
    """A text that is no Tcl list; the fault in the words of Tcl."""


class ConnectionLostError(PortManagerError, ConnectionError):
    """The connection to the port manager is gone, and with it every port that it held."""

    def __init__(self, server: str, doing: str, lost: Sequence[Allocation], reason: str) -> None:
        text = (
            f"lost: {_written(lost)}; reacquire() asks for them again"
            if lost
            else "no port was held"
        )
        super().__init__(
            f"connection to the port manager at {server} is gone while {doing} ({reason}); {text}"
        )
        self.server, self.doing, self.reason = server, doing, reason
        self.lost = tuple(lost)


class NoAnswerError(PortManagerError, TimeoutError):
    """The server is silent. What it may still answer is not waited for: the connection was
    closed."""

    def __init__(self, server: str, doing: str, timeout: float, lost: Sequence[Allocation]) -> None:
        super().__init__(
            f"no answer from the port manager at {server} within {timeout:g} s while {doing}"
        )
        self.server, self.doing, self.timeout = server, doing, timeout
        self.with_lost(lost)


def _written(allocations: Sequence[Allocation]) -> str:
    return ", ".join(f"{one.service} of {one.user} on port {one.port}" for one in allocations)
