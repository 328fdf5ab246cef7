"""Messages that were taken off the socket while large ones wait to be decoded. Not the socket.

ZeroMQ takes in whatever comes, and must: a connection that stands still answers no heartbeat, and
its client gives the server up. So before a large message is decoded, which takes tens of
milliseconds, what has arrived meanwhile is taken, and refused where it is too much.
"""

from __future__ import annotations

from collections import deque

from zmqjsonproxy.protocol.arrays import size_of

__all__ = ["Inbox"]


class Inbox:
    """Messages in the order in which they came, bounded in bytes for each client.

    Args:
        most: Bytes that wait of one client, but a message alone may have more; of all twice as
            many, so that many connections with one message each have a bound, too.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.waiting: deque[list[bytes]] = deque()
        self._sizes: dict[bytes, int] = {}

    def has(self, client: bytes) -> bool:
        """Tell whether a message of a client waits, behind which its others have to wait."""
        return client in self._sizes

    def put(self, frames: list[bytes]) -> bool:
        """Keep a message, as routing id, perhaps an empty frame, and body; False: it is too much."""
        client, size = frames[0], size_of(frames[-1])
        own, all_of_them = self._sizes.get(client, 0), sum(self._sizes.values())
        too_much_of_one = own and own + size > self._most
        if too_much_of_one or (all_of_them and all_of_them + size > 2 * self._most):
            return False
        self._sizes[client] = own + size
        self.waiting.append(frames)
        return True

    def take(self) -> list[bytes]:
        """Take the first message; there is one."""
        frames = self.waiting.popleft()
        client = frames[0]
        if any(other[0] == client for other in self.waiting):
            self._sizes[client] -= size_of(frames[-1])
        else:
            del self._sizes[client]
        return frames
