"""Requests of a fetch to its server, which may be away for a while: asked again until nothing has come
for too long. No files."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from groundwork.values import RemoteValue
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import (
    BusyError,
    CallTimeoutError,
    DeadlineError,
    OperationLostError,
    PeerLostError,
    ProtocolError,
    ProxyError,
)
from zmqjsonproxy.files.protocol.pacing import Pacer, Window
from zmqjsonproxy.files.protocol.ranges import ByteRange
from zmqjsonproxy.files.protocol.transfer import Transfer
from zmqjsonproxy.hubs import Hub
from zmqjsonproxy.protocol.operations import OperationState
from zmqjsonproxy.rpc.callresults import CallRequest, SentCall
from zmqjsonproxy.rpc.protocol.jsonrpc import error_from

__all__ = ["FileRequests"]

RequestsInFlight = deque[tuple[ByteRange, SentCall, float]]
"""Requests that were sent, each with its time, s, monotonic."""
OBJECT = "files"
"""Name of the object that serves files."""
PASSING = (BusyError, CallTimeoutError, DeadlineError, OperationLostError, PeerLostError)
"""Errors after which the same question may be answered."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.1, 2.0
"""Before a question is asked again, s."""
MAX_BEGINNINGS = 5
"""Of an operation in whose middle the server ends again and again."""
FIRST_LOOK_S, LAST_LOOK_S = 0.005, 0.3
"""Between two looks at an operation, s."""


class FileRequests:
    """Requests to one server.

    Args:
        hub: To ask with.
        url: The server.
        timeout: Of one request, and how long nothing may come, s.
    """

    def __init__(self, hub: Hub, url: str, timeout: float) -> None:
        self._hub, self._url, self._timeout = hub, url, timeout
        self._heard_at = time.monotonic()
        self._pause = FIRST_PAUSE_S
        self._window = Window(timeout)

    async def ask(self, method: str, *args: RemoteValue, name: str = OBJECT) -> RemoteValue:
        """Call a method that reads, and return its value; raises as the call.

        Args:
            method: Its name.
            *args: Its arguments.
            name: Of the object.
        """
        request = CallRequest(self._url, name, method, args)
        self._heard_at = time.monotonic()
        while True:
            (result,) = await self._hub.call_many([request], self._timeout)
            if result.error is None:
                self._heard()
                return result.value
            await self._missed(result.error)

    def _heard(self) -> None:
        self._heard_at, self._pause = time.monotonic(), FIRST_PAUSE_S

    async def _missed(self, error: ProxyError) -> None:
        """Wait before a question is asked again; raises the error if that would not help, or if nothing
        has come for too long."""
        if (
            not isinstance(error, PASSING)
            or time.monotonic() - self._heard_at + self._pause > self._timeout
        ):
            raise error
        await self._hub.pause(self._pause)
        self._pause = min(2 * self._pause, LAST_PAUSE_S)

    async def transfer(
        self,
        transfer: Transfer,
        pacer: Pacer,
        request: Callable[[ByteRange], Sequence[RemoteValue]],
        take: Callable[[ByteRange, RemoteValue], object],
        tell: Callable[[], object],
    ) -> None:
        """Ask for all of a stretch, several requests at a time, and take the answers in order.

        Args:
            transfer: Of the stretch.
            pacer: How fast.
            request: Arguments of `read` for a range.
            take: Takes the answer for a range, carried out by the hub's `beside`.
            tell: Called after each.
        """
        under_way: RequestsInFlight = deque()
        self._heard_at = time.monotonic()
        try:
            while not transfer.is_done:
                await self._send(transfer, pacer, request, under_way)
                wanted, sent, asked_at = under_way[0]
                result = await self._hub.answer(sent)
                if result.error is not None:
                    _give_up(under_way)
                    transfer.ask_again()
                    self._window.lost()
                    await self._missed(result.error)
                    continue
                under_way.popleft()
                self._window.answered(time.monotonic() - asked_at)
                self._heard()
                await self._hub.beside(partial(take, wanted, result.value))
                tell()
        finally:
            _give_up(under_way)

    async def _send(
        self,
        transfer: Transfer,
        pacer: Pacer,
        request: Callable[[ByteRange], Sequence[RemoteValue]],
        under_way: RequestsInFlight,
    ) -> None:
        """Send what is due, at least one request if none is under way."""
        while len(under_way) < self._window.size:
            if wait := pacer.wait(time.monotonic()):
                if under_way:
                    return
                await self._hub.pause(wait)
                self._heard_at += wait  # nothing was asked meanwhile
            wanted = transfer.ask(min(pacer.piece_bytes, self._window.piece_bytes))
            if wanted is None:
                return
            now = time.monotonic()
            pacer.take(wanted.size, now)
            call = CallRequest(self._url, OBJECT, "read", request(wanted))
            under_way.append((wanted, self._hub.send(call, self._timeout), now))

    async def operate(
        self, method: str, *args: RemoteValue, progress: Callable[[float], object]
    ) -> RemoteValue:
        """Have an operation carried out, anew if the server ends in the middle, and return its value;
        raises as the call.

        Args:
            method: Its name.
            *args: Its arguments.
            progress: Told how far it is, 0..1.
        """
        hub, url, left = self._hub, self._url, MAX_BEGINNINGS
        self._heard_at = time.monotonic()
        while True:
            (begun,) = await hub.begin_each(
                [url], OBJECT, method, args, {}, self._timeout, own_name()
            )
            if begun.error is not None:
                await self._missed(begun.error)
                continue
            self._heard()
            identity = str(begun.value["operation"])
            try:
                told = await self._end_of(identity, progress)
            except BaseException:
                hub.send(CallRequest(url, "rpc", "abort", (identity, "nobody waits for it")), 1.0)
                raise
            if told["state"] == OperationState.DONE and "value" in told:
                return told["value"]
            error = error_from(told.get("error"), peer=url, method=f"{OBJECT}.{method}")
            if told["state"] == OperationState.LOST:
                error = OperationLostError(str(error))
            left -= 1
            if not left:
                raise error
            await self._missed(error)

    async def _end_of(
        self, identity: str, progress: Callable[[float], object]
    ) -> dict[str, RemoteValue]:
        pause = FIRST_LOOK_S
        while True:
            told = await self.ask("operation", identity, name="rpc")
            if not isinstance(told, dict) or told.get("state") not in set(OperationState):
                raise ProtocolError(f"{self._url}: no description of an operation: {told!r:.200}")
            if OperationState(told["state"]).is_final:
                return told
            progress(told.get("fraction") or 0.0)
            await self._hub.pause(pause)
            pause = min(1.5 * pause, LAST_LOOK_S)


def _give_up(under_way: RequestsInFlight) -> None:
    """Give requests up; of those that have ended the error is looked at, or a loop would tell of
    it."""
    while under_way:
        _, sent, _ = under_way.popleft()
        if not sent.cancel():
            sent.exception()
