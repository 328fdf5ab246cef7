"""Pool of the ports that are lent, and their order. Opens no port: the caller tests whether one is
free on this computer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

__all__ = ["DEFAULT_RANGE", "Pool"]

DEFAULT_RANGE = (30001, 31000)


class Pool:
    """The ports of a range that are not lent.

    A fresh pool is lent from the top down, as the original does it. A port that comes back waits
    until all others have been lent: the original lends it next, while clients may still try to
    reach the service that had it before.

    Args:
        low: First port.
        high: Last port, included; the two may be swapped.
        without: Ports that are never lent: the one that the server itself listens on.

    Raises:
        ValueError: The range has no port that could be lent, or leaves 1..65535.
    """

    def __init__(self, low: int, high: int, without: Collection[int] = ()) -> None:
        low, high = min(low, high), max(low, high)
        if not 1 <= low <= high <= 65535:
            raise ValueError(f"ports {low}-{high}: a port is a number from 1 to 65535")
        self._free = deque(port for port in range(high, low - 1, -1) if port not in without)
        if not self._free:
            raise ValueError(
                f"ports {low}-{high}: none is left to lend beside the port that the server listens on"
            )
        self.low, self.high, self.size = low, high, len(self._free)

    @property
    def free(self) -> int:
        """Number of ports that are not lent; some of them may be in use by programs that never
        asked."""
        return len(self._free)

    def __contains__(self, port: int) -> bool:
        return port in self._free

    @property
    def next_one(self) -> int | None:
        """The port whose turn it is, None if all are lent."""
        return self._free[0] if self._free else None

    def withdraw(self, port: int) -> None:
        """Never lend a port, if it is one of the pool at all."""
        if port in self._free:
            self._free.remove(port)
            self.size -= 1

    def take(self, is_usable: Callable[[int], bool]) -> int | None:
        """Lend the port that has been free for longest, of those that are usable; None: there is
        none.

        A port that is not usable goes to the end, and is tried again when its turn comes.
        """
        for _ in range(len(self._free)):
            port = self._free.popleft()
            if is_usable(port):
                return port
            self._free.append(port)
        return None

    def take_this(self, port: int) -> None:
        """Lend one certain port.

        Raises:
            ValueError: It is lent already, or no port of the pool.
        """
        self._free.remove(port)

    def give_back(self, port: int) -> None:
        """Take a lent port back."""
        self._free.append(port)
