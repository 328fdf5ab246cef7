"""Calls that one caller waits for together, and the short way that most of them take. No sockets,
no clock.

As long as nothing but their results arrives, calls with consecutive request numbers need no more
than a slot for each: a lone call, one call to many servers, a batch in one message. On anything
else that happens they become pending calls, each with its own state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

from zmqjsonproxy.rpc.calls import Question
from zmqjsonproxy.rpc.many import CallResult
from zmqjsonproxy.rpc.peer import Peer, PendingCall
from zmqjsonproxy.rpc.protocol import jsonrpc

__all__ = ["CallGroup", "pending_calls"]

Message = tuple[Peer | None, bytes]
"""Source and body."""


class CallGroup:
    """One question to some servers, which one caller waits for until one deadline.

    Args:
        peers: The servers.
        what: The question.
        begun: When the caller asked, s, monotonic.
        deadline: When nobody waits any more.

    Attributes:
        first: The first request number of the short way; 0: it was not taken.
        sent: How many of its messages were sent.
        came: The message that ended it.
        results: Of each server, None if it has none yet.
        left: Servers without a result; of no meaning once there are pending calls.
        pending: The pending calls, in the order of `peers`.
    """

    first = sent = 0
    came: Message = (None, b"")
    pending: Sequence[PendingCall] = ()

    def __init__(
        self, peers: Sequence[Peer], what: Question, begun: float, deadline: float
    ) -> None:
        self.peers, self.what, self.begun, self.deadline = peers, what, begun, deadline
        self.left = len(peers)
        self.results: list[CallResult | None] = [None] * self.left

    def collect(
        self, receive: Callable[[], Message], clock: Callable[[], float], end: float
    ) -> None:
        """Take results until there are all, or it is later than `end`. Whatever is raised ends the
        short way: LookupError, TypeError, ValueError, RecursionError for what is no result.

        Args:
            receive: Returns the next message.
            clock: Returns the time, s, monotonic.
            end: s, monotonic.
        """
        first, peers, results, begun = self.first, self.peers, self.results, self.begun
        source, body = None, b""
        try:
            for _ in range(self.left):
                source, body = receive()
                answer, now = jsonrpc.read_reply(body), clock()
                index = answer["id"] - first
                if index < 0 or peers[index] is not source or results[index] is not None:
                    raise ValueError(index)
                results[index] = CallResult(answer["result"], None, now - begun)
                source = None
                self.left -= 1
                if now > end:
                    return
        finally:
            self.came = source, body

    def make_pending(self) -> list[PendingCall]:
        """Make pending calls of those that have no result; return those that were not sent."""
        calls, unsent = [], []
        for n, peer in enumerate(self.peers):
            if self.results[n] is None:
                call = PendingCall(peer, self.what, self.begun, self.deadline)
                calls.append(call)
                if n < self.sent:
                    peer.expect(call, self.first + n)
                else:
                    unsent.append(call)
        self.pending = calls
        return unsent

    def unwanted(self) -> Iterator[tuple[Peer, int]]:
        """Yield server and first request number of what may be on its way, though nobody will have
        its result."""
        if self.first:
            for n, peer in enumerate(self.peers[: self.sent + 1]):  # one more may have been sent
                if self.results[n] is None or self.what.begins:
                    yield peer, self.first + n

    def value(self) -> Any:
        """Return the value of the one server, or raise its error."""
        (result,) = self.all_results()
        if result.error is not None:
            raise result.error
        return result.value

    def of_plain(self, values: Sequence[Any], now: float) -> list[CallResult]:
        """Return the results of what arrived by now, and nothing else did."""
        return list(map(CallResult, values, repeat(None), repeat(now - self.begun)))

    def all_results(self) -> list[CallResult]:
        """Return the result of each server, of a batch those of its calls."""
        found: list[CallResult] = []
        pending = iter(self.pending)
        for result in self.results:
            if result is None:
                found += next(pending).results()
            else:
                found.append(result)
        return found


def pending_calls(
    peers: Sequence[Peer], whats: Sequence[Question], begun: float, timeout: float
) -> list[PendingCall]:
    """Return the calls that ask each server something of its own."""
    until = begun + timeout
    return [PendingCall(peer, what, begun, until) for peer, what in zip(peers, whats, strict=True)]
