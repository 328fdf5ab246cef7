"""A board's KATCP connection for code that blocks: the library's client, on a thread and event loop
of its own.

No call of the Player ever waits on a socket of the board in the thread that serves calls: whoever
asks waits here. A board is connected to when something is asked of it, and again after a loss; what
was asked when the connection broke fails, because nobody knows whether the board did it. An
operation that is aborted does not wait for the board.
"""

# No `from __future__ import annotations`: the library reads the arguments' types from the
# annotations.

import asyncio
import re
import threading
import time
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, Optional, TypeVar

from aiokatcp.client import Client, ProtocolError, _ClientState
from aiokatcp.connection import FailReply, InvalidReply

from spectrometer.instruments.errors import BoardError
from zmqjsonproxy.interface import current_operation

__all__ = ["BoardConnection", "KatcpReply"]

T = TypeVar("T")
Argument = str | int | float | bytes

CONNECT_WITHIN_S = 5.0
GRACE_S = 1.0  # the loop's own time limits are the first to be reached
PATIENT = ("progdev",)  # requests that take seconds on a real board; never less than this
PATIENT_S = 30.0
ABORT_LOOK_S = 0.2  # how often a caller that waits looks whether its operation was aborted
CLOSED = "the connection was closed"
SHOWN = 80  # characters of an argument in an error
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class _RoachClient(Client):
    """Speaks to servers of protocol 5, and to those of ROACH boards, which announce 4.x or nothing
    but `#version`."""

    def inform_version_connect(
        self,
        api: str,
        version: str,
        build_state: Optional[str] = None,  # noqa: UP045
    ) -> None:
        if (
            api == "katcp-protocol"
            and version.startswith("4.")
            and self._state is _ClientState.NEGOTIATING
        ):
            self._set_state(_ClientState.CONNECTED)  # no message ids, whatever its flags
        else:
            super().inform_version_connect(api, version, build_state)

    def inform_version(self, *_text: bytes) -> None:
        if self._state is _ClientState.NEGOTIATING:
            self._set_state(_ClientState.CONNECTED)


@dataclass(frozen=True, slots=True)
class KatcpReply:
    """Reply: what came after `ok`, and the informs before it, each a list of arguments."""

    arguments: list[bytes]
    informs: list[list[bytes]]


class BoardConnection:
    """Requests to one board, from any thread, one after the other.

    Args:
        host: Name or address of the board.
        port: Of its KATCP server.
        timeout_s: For each reply.
    """

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self.name = f"{host}:{port}"
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._client: _RoachClient | None = None
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._turn: asyncio.Lock | None = None
        self._closed = False

    def request(self, name: str, *arguments: Argument) -> KatcpReply:
        """Ask, and wait for the reply.

        Raises:
            BoardError: No connection, no reply in time, or a reply other than `ok`; names board,
                request and reply. Or the protocol cannot carry what was asked; then nothing was
                sent.
            OperationAbortedError: The calling operation was aborted; nobody knows whether the board
                did it.
        """
        if faults := _faults(name, arguments):
            raise BoardError(self.name, _line(name, arguments), f"not sent: {'; '.join(faults)}")
        timeout = max(self._timeout_s, PATIENT_S) if name in PATIENT else self._timeout_s
        return self._run(self._request(name, arguments, timeout), name, timeout + CONNECT_WITHIN_S)

    def requests(self, what: str, asked: Iterable[tuple[Argument, ...]]) -> list[KatcpReply]:
        """Ask one after the other, without coming back in between; `what` names them all if the
        connection is stuck.

        Raises:
            BoardError: As of `request`, of the first that fails; what comes after it is not asked.
        """
        todo = list(asked)
        within = self._timeout_s * (1 + len(todo)) + CONNECT_WITHIN_S
        return self._run(self._requests(todo), what, within)

    def ask(self, name: str, within_s: float) -> "Future[KatcpReply]":
        """Ask, and do not wait: the future has the reply or a BoardError; it is cancelled if the
        connection is closed.

        Args:
            name: A request without arguments.
            within_s: For the reply, if this is less than what all have.

        Raises:
            BoardError: The connection was closed.
        """
        return self._begin(self._request(name, (), min(within_s, self._timeout_s)), name)

    def close(self) -> None:
        """End the connection and its thread; may be called twice."""
        with self._starting:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(GRACE_S)
        except FutureTimeoutError:
            pass  # the loop ends all the same
        loop.call_soon_threadsafe(loop.stop)
        thread.join(GRACE_S)

    # in the thread that asks

    def _run(self, coroutine: Coroutine[Any, Any, T], name: str, within_s: float) -> T:
        future = self._begin(coroutine, name)
        try:
            return self._result(future, within_s + GRACE_S)
        except FutureTimeoutError:
            future.cancel()
            raise BoardError(
                self.name, f"?{name}", "its connection is stuck; it is being made anew"
            ) from None
        except CancelledError:
            raise BoardError(self.name, f"?{name}", CLOSED) from None

    @staticmethod
    def _result(future: "Future[T]", within_s: float) -> T:
        """Wait, and look now and then whether whoever waits still should."""
        operation, until = current_operation(), time.monotonic() + within_s
        while (left := until - time.monotonic()) > ABORT_LOOK_S:
            try:
                return future.result(ABORT_LOOK_S)
            except FutureTimeoutError:
                if operation.aborted and future.cancel():
                    operation.check()
        return future.result(max(left, 0.0))

    def _begin(self, coroutine: Coroutine[Any, Any, T], name: str) -> "Future[T]":
        """Have the loop run something; it is begun before a `close` ends what runs, or refused."""
        with self._starting:
            if self._closed:
                coroutine.close()
                raise BoardError(self.name, f"?{name}", CLOSED)
            if self._loop is None:
                loop = self._loop = asyncio.new_event_loop()
                self._turn = asyncio.Lock()
                self._thread = threading.Thread(
                    target=_run_loop, args=(loop,), name=f"katcp {self.name}", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    # in the loop

    async def _request(
        self, name: str, arguments: Sequence[Argument], timeout: float
    ) -> KatcpReply:
        shown = _line(name, arguments)
        assert self._turn is not None
        async with self._turn:
            client = await self._connected(shown)
            try:
                async with asyncio.timeout(timeout):
                    found, informs = await client.request(name, *arguments)
            except TimeoutError:
                # Without message ids a late reply would be taken for that of the next request of
                # this name.
                await self._disconnect()
                raise BoardError(self.name, shown, f"no reply within {timeout:g} s") from None
            except FailReply as refusal:
                raise BoardError(self.name, shown, f"fail {refusal}".rstrip()) from None
            except InvalidReply as refusal:
                raise BoardError(self.name, shown, f"invalid {refusal}".rstrip()) from None
            except OSError as error:
                lost = CLOSED if self._closed else f"the connection was lost ({error})"
                raise BoardError(self.name, shown, lost) from None
            except asyncio.CancelledError:
                await (
                    self._disconnect()
                )  # its reply, too, would be taken for that of another request
                raise
            return KatcpReply(found, [inform.arguments for inform in informs])

    async def _requests(self, asked: list[tuple[Argument, ...]]) -> list[KatcpReply]:
        return [
            await self._request(str(name), arguments, self._timeout_s) for name, *arguments in asked
        ]

    async def _connected(self, shown: str) -> _RoachClient:
        if self._client is not None and self._client.is_connected:
            return self._client
        if self._closed:
            raise BoardError(self.name, shown, CLOSED)
        await self._disconnect()
        client = self._client = _RoachClient(self._host, self._port, auto_reconnect=False)
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await client.wait_connected()
        except TimeoutError:
            raise BoardError(
                self.name, shown, f"no KATCP server answered within {CONNECT_WITHIN_S:g} s"
            ) from None
        except (OSError, ProtocolError) as error:
            raise BoardError(self.name, shown, f"no connection ({error})") from None
        return client

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
            await client.wait_closed()

    async def _end(self) -> None:
        """Disconnect, and end everything that is still being asked."""
        await self._disconnect()
        asking = asyncio.all_tasks() - {asyncio.current_task()}
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


def _faults(name: object, arguments: Sequence[object]) -> list[str]:
    """Return what the protocol cannot carry."""
    faults = []
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.append("a request's name begins with a letter, and has letters, digits and dashes")
    for number, argument in enumerate(arguments, 1):
        if not isinstance(argument, str | int | float | bytes):
            faults.append(
                f"argument {number} is a {type(argument).__name__}; expected text, a number or bytes"
            )
        elif isinstance(argument, str) and any(
            "\ud800" <= character <= "\udfff" for character in argument
        ):
            faults.append(f"argument {number} has characters that are none")
    return faults


def _line(name: object, arguments: Sequence[object]) -> str:
    """A request as errors show it: in one line, and not too long."""
    return " ".join([f"?{_shown(name)}", *map(_shown, arguments)])


def _shown(argument: object) -> str:
    if isinstance(argument, bytes):
        return argument[:8].hex() + ("..." if len(argument) > 8 else "")
    text = ascii(argument)[1:-1] if isinstance(argument, str) else str(argument)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
