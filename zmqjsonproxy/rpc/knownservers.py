"""Knowledge that any hub has of servers, and questions that its callers ask, whether they wait for the
answers or await them."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from zmqjsonproxy.process import OfOneProcess
from zmqjsonproxy.rpc.callresults import CallRequest
from zmqjsonproxy.rpc.calls import BatchedCall, Call, Hello, Question, in_batches, shared_calls
from zmqjsonproxy.rpc.core import CallGroup, ClientCore
from zmqjsonproxy.rpc.peer import ConnectionState, Peer, PendingCall

__all__ = ["AskingHub", "KnownServers"]

ValueT = TypeVar("ValueT")
ResultsT = TypeVar("ResultsT")
DescriptionT = TypeVar("DescriptionT")
FutureT = TypeVar("FutureT")


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

    def set_control(self, url: str, credential: str) -> None:
        """Have the proof of control, "NUMBER:TOKEN", go with each call to a server from now on;
        empty: none."""
        self._core.peer(url).set_members(control=credential)

    def call_for(self, token: str) -> None:
        """Make all calls for the person whose key has a token, by which servers decide; before the
        first call."""
        self._core.person = token

    def is_native(self, url: str) -> bool | None:
        """Tell whether the server speaks JSON-RPC; None: not known (yet)."""
        peer = self._core.peer(url)
        return peer.native if peer.state is ConnectionState.READY else None


class AskingHub(OfOneProcess, KnownServers, Generic[ValueT, ResultsT, DescriptionT, FutureT]):
    """The part of a hub that says what is asked of which servers.

    Its types are those of a value, of a list of results, and of an interface description; of a hub
    for asyncio, of what is awaited for them; and that of a call that was begun.
    """

    @abstractmethod
    def _ask(self, group: CallGroup, read: Callable[[CallGroup], Any]) -> Any:
        """Ask each server of a group something, wait for all answers until its deadline, and return
        what `read` makes of them; or what is awaited for that."""

    @abstractmethod
    def _begin(self, pending: PendingCall) -> FutureT:
        """Send a call and return at once."""

    def _results(
        self, peers: Sequence[Peer], whats: Sequence[Question], timeout: float
    ) -> ResultsT:
        results: ResultsT = self._ask(_group(peers, whats, timeout), CallGroup.all_results)
        return results

    def call(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        *,
        token: str = "",
    ) -> ValueT:
        """Call a method and wait for its answer.

        Args:
            url: Server.
            object_name: Exposed object.
            method: Its method.
            args: Positional arguments.
            kwargs: Keyword arguments.
            timeout: s; it travels with the call.
            token: Of the key of the person for whom it is made, by which the server decides; empty:
                for this client itself.

        Raises:
            PeerLostError: Nobody there, or no longer; within 1 s.
            CallTimeoutError: No reply in time.
            RefusedError: The object refused.
            RemoteError: The call failed at the server.
        """
        what = Call(object_name, method, args, kwargs, timeout, token=token)
        group = _group((self._core.peer(url),), (what,), timeout)
        value: ValueT = self._ask(group, CallGroup.value)
        return value

    def begin(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> FutureT:
        """Send a call and return at once; arguments as `call`. Any number may be under way.

        What is returned has the answer when it has come. To cancel it gives the call up, and its
        server is told.
        """
        now, what = time.monotonic(), Call(object_name, method, args, kwargs, timeout)
        return self._begin(PendingCall(self._core.peer(url), what, now, now + timeout))

    def call_many(self, requests: Sequence[CallRequest], timeout: float = 60.0) -> ResultsT:
        """Send all calls, then wait for all answers until one common deadline; raises for none of
        them."""
        peers = [self._core.peer(request.url) for request in requests]
        return self._results(peers, shared_calls(requests, timeout), timeout)

    def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
    ) -> ResultsT:
        """Make the same call to many servers, as `call_many`."""
        peers = list(map(self._core.peer, urls))
        what = Call(object_name, method, args, kwargs, timeout)
        return self._results(peers, [what] * len(peers), timeout)

    def begin_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        timeout: float,
        begun_by: str,
    ) -> ResultsT:
        """Begin an operation at many servers; each value says which it is. As `call_each`; for
        operations."""
        peers = list(map(self._core.peer, urls))
        what = Call(object_name, method, args, kwargs, timeout, begun_by)
        return self._results(peers, [what] * len(peers), timeout)

    def call_batch(
        self, url: str, object_name: str, calls: Sequence[BatchedCall], timeout: float = 60.0
    ) -> ResultsT:
        """Make calls of one object in one message, as a JSON-RPC batch; raises for none of them.

        A server of the original, or one that no connection is made to yet, gets them one by one.

        Args:
            url: Server.
            object_name: Exposed object.
            calls: Method, positional arguments, keyword arguments of each.
            timeout: For all of them, s.
        """
        peer = self._core.peer(url)
        if not peer.is_ours:
            return self.call_many([CallRequest(url, object_name, *call) for call in calls], timeout)
        batches = in_batches(object_name, calls, timeout)
        return self._results([peer] * len(batches), batches, timeout)

    def describe(self, url: str, object_name: str, timeout: float = 1.0) -> DescriptionT:
        """Ask a server what an object offers.

        Raises:
            NoSuchInterfaceError: There is no such object.
            PeerLostError, CallTimeoutError: As `call`.
        """
        what = Hello(object_name, self._core.client)
        group = _group((self._core.peer(url),), (what,), timeout)
        description: DescriptionT = self._ask(group, CallGroup.value)
        return description

    def describe_many(
        self, urls: Sequence[str], object_name: str, timeout: float = 1.0
    ) -> ResultsT:
        """Ask many servers what an object offers; each value is an InterfaceDescription. Raises for
        none of them."""
        what = Hello(object_name, self._core.client)
        return self._results(list(map(self._core.peer, urls)), [what] * len(urls), timeout)


def _group(peers: Sequence[Peer], whats: Sequence[Question], timeout: float) -> CallGroup:
    """Return questions that are asked now."""
    begun = time.monotonic()
    return CallGroup(peers, whats, begun, begun + timeout)
