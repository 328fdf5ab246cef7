"""Addresses that can be bound on this computer, found by trying it: ports that are free, addresses
that are its own."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable

__all__ = ["PortTests", "is_own_address", "port_is_free"]

GOOD_FOR_S = 0.01
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE)


class PortTests:
    """Tells whether ports are free; one of them may be tested ahead, while nobody waits.

    A test costs as much as all else that a request for a port does. What it finds can be outdated
    as soon as it is found: between the test and the moment in which the service that was lent the
    port listens on it, any program that asks no port manager can take the port. A test ahead adds
    `good_for` to that time, and no more.

    Args:
        test: Tells whether a port is free right now.
        good_for: s; how long what was found ahead holds.
        clock: s.
    """

    __slots__ = ("_ahead", "_clock", "_good_for", "_test", "_until")

    def __init__(
        self,
        test: Callable[[int], bool],
        good_for: float = GOOD_FOR_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._test, self._good_for, self._clock = test, good_for, clock
        self._ahead, self._until = 0, 0.0

    def test_ahead(self, port: int) -> None:
        """Test a port that is probably asked for next."""
        self._ahead, self._until = port if self._test(port) else 0, self._clock() + self._good_for

    def is_free(self, port: int) -> bool:
        """Tell whether a port is free: by a test that was made ahead, which is then used up, or by
        a new one."""
        ahead, self._ahead = self._ahead, 0
        return (port == ahead and self._clock() < self._until) or self._test(port)


def port_is_free(port: int) -> bool:
    """Tell whether a service could listen on a port at all addresses of this computer, IPv4 and
    IPv6, right now.

    Strict: a port with connections in TIME_WAIT, which a service could only take with SO_REUSEADDR,
        is not free.

    Raises:
        OSError: There is no file descriptor left to try it with.
    """
    try:
        with socket.socket(socket.AF_INET6) as test:
            test.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            test.bind(("::", port))
            return True
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        if error.errno in _OUT_OF_FILES:
            raise
    try:  # no IPv6 here
        with socket.socket() as test:
            test.bind(("0.0.0.0", port))
            return True
    except OSError as error:
        if error.errno in _OUT_OF_FILES:
            raise
        return False


def is_own_address(address: str) -> bool:
    """Tell whether an address belongs to this computer: one can bind to it.

    Not where the system lets programs bind to foreign addresses (`ip_nonlocal_bind`), for then
    binding says nothing.

    Raises:
        OSError: There is no file descriptor left to try it with.
    """
    version = "ipv6" if ":" in address else "ipv4"
    try:
        with open(f"/proc/sys/net/{version}/ip_nonlocal_bind", encoding="ascii") as setting:
            if setting.read().strip() != "0":
                return False
        with socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM
        ) as test:
            test.bind((address.partition("%")[0], 0))
            return True
    except OSError as error:
        if error.errno in _OUT_OF_FILES:
            raise
        return False
