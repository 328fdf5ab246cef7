"""Answers that are still to come: calls begun with `call_later`, and those of a batch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

from zmqjsonproxy.errors import CallCancelledError
from zmqjsonproxy.process import OfOneProcess
from zmqjsonproxy.rpc.callresults import CallResult
from zmqjsonproxy.rpc.calls import BatchedCall
from zmqjsonproxy.rpc.peer import PendingCall

__all__ = ["Batch", "BatchCalls", "BatchFuture", "CallFuture"]

log = logging.getLogger(__name__)


class FutureHub(Protocol):
    """The side of a hub that futures and batches stand on."""

    def cancel(self, pending: PendingCall) -> bool: ...
    def watch(self, future: CallFuture, pending: PendingCall) -> None: ...
    def wait_for(self, pending: PendingCall, deadline: float) -> None: ...
    def call_batch(
        self, url: str, object_name: str, calls: Sequence[BatchedCall], timeout: float
    ) -> list[CallResult]: ...


class CallFuture(OfOneProcess):
    """The answer to a call that was sent already.

    No thread works for it: its answer is taken from the socket by whoever waits for one. The
    time-out of the call itself ends it in any case.
    """

    __slots__ = ("__weakref__", "_callbacks", "_hub", "_pending")

    def __init__(self, hub: FutureHub, pending: PendingCall) -> None:
        self._hub, self._pending = hub, pending
        self._callbacks: list[Callable[[CallFuture], object]] | None = None

    def _made_by(self) -> str:
        return f"a call of {self._pending.what.label} at {self._pending.peer.url}"

    def done(self) -> bool:
        """Tell whether there is a value or an error; does not wait."""
        self._wait(0.0)
        return self._pending.done

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end of the call and return its error, None if it has a value; raises as
        `result` if it has not.

        Args:
            timeout: s; None: as long as the call itself may take.
        """
        return self._ended(timeout).error

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value; raises what the call would have raised.

        Args:
            timeout: s; None: as long as the call itself may take.

        Raises:
            TimeoutError: There is no answer yet; ask again later.
            ProxyError: As the call.
        """
        ended = self._pending
        if not ended.done:
            self._ended(timeout)
        if ended.error is not None:
            raise ended.error
        return ended.value

    def cancel(self) -> bool:
        """End the call: `result` raises CallCancelledError, and the server is told that nobody
        waits for it.

        A server of ours does not begin it then, or asks it to end if it is an operation; a command
        that runs goes on.

        Returns:
            False if the call had ended.
        """
        return self._hub.cancel(self._pending)

    def add_done_callback(self, function: Callable[[CallFuture], object]) -> None:
        """Call `function(future)` when the call has ended, at once if it has.

        No thread works for it: it is called in the thread that takes the answer, which is one that
        waits for this or any other answer over the same connection, or asks `done`. What it raises
        is logged.
        """
        self._callbacks = [*(self._callbacks or ()), function]
        self._hub.watch(self, self._pending)

    def run_callbacks(self) -> None:
        """Call what was added, once each; for the hub."""
        while self._callbacks:
            try:
                self._callbacks.pop(0)(self)
            except BaseException as error:  # whoever takes the answer is not to blame
                if (
                    not isinstance(error, Exception)
                    and threading.current_thread() is threading.main_thread()
                ):
                    raise  # Ctrl-C, which comes to no other
                log.exception("%s: a callback raised", self._pending.what.label)

    def _ended(self, timeout: float | None) -> PendingCall:
        """Wait for the end of the call, and return it; TimeoutError if it has not ended."""
        pending = self._pending
        if not pending.done:
            self._wait(timeout)
            if not pending.done:
                raise TimeoutError(
                    f"{pending.what.label}: no answer within {timeout:g} s; it is still under way"
                )
        return pending

    def _wait(self, timeout: float | None) -> None:
        if not self._pending.done:
            until = self._pending.deadline
            self._hub.wait_for(
                self._pending, until if timeout is None else min(until, time.monotonic() + timeout)
            )


class BatchFuture:
    """The answer to one call of a batch; there when the batch has ended."""

    __slots__ = ("_ended", "_error", "_label", "_value")

    def __init__(self, label: str) -> None:
        self._label = label
        self._value: Any = None
        self._error: BaseException | None = None
        self._ended = False

    def end(self, value: Any, error: BaseException | None) -> None:
        """Note value or error."""
        self._value, self._error, self._ended = value, error, True

    def done(self) -> bool:
        """Tell whether the batch has ended."""
        return self._ended

    def exception(self) -> BaseException | None:
        """Return the error of the call, None if it has a value."""
        if not self._ended:
            raise RuntimeError(
                f"{self._label}: the batch is sent at the end of its `with` block; ask behind it"
            )
        return self._error

    def result(self) -> Any:
        """Return the value; raises what the call would have raised."""
        error = self.exception()
        if error is not None:
            raise error
        return self._value


class BatchCalls(OfOneProcess):
    """Calls that are collected to be sent together.

    Args:
        object_name: Exposed object.
    """

    def __init__(self, object_name: str) -> None:
        self._object_name = object_name
        self._calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._futures: list[BatchFuture] = []

    def call(self, method: str, /, *args: Any, **kwargs: Any) -> BatchFuture:
        """Add a call."""
        future = BatchFuture(f"{self._object_name}.{method}")
        self._calls.append((method, args, kwargs))
        self._futures.append(future)
        return future

    def __getattr__(self, name: str) -> Callable[..., BatchFuture]:
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*args: Any, **kwargs: Any) -> BatchFuture:
            return self.call(name, *args, **kwargs)

        return method

    def _end_all(self, error: Exception) -> None:
        for future in self._futures:
            future.end(None, error)

    def _leave_unsent(self) -> None:
        self._end_all(RuntimeError("the batch was not sent: its `with` block raised"))

    def _end_withdrawn(self) -> None:
        text = f"{self._object_name}: a batch of {len(self._calls)} calls: interrupted; withdrawn, what had not begun"
        self._end_all(CallCancelledError("CallCancelledError", text))

    def _end(self, results: Sequence[CallResult]) -> None:
        for future, result in zip(self._futures, results, strict=True):
            future.end(result.value, result.error)


class Batch(BatchCalls):
    """Collects calls in a `with` block, and sends them as one message at its end.

    with proxy.batch() as b:
        first, second = b.get_status("NETSTAT"), b.add(2, 3)
    print(first.result(), second.result())

    A block that raises sends nothing. Nothing of it is all-or-none: each call has its own value or
    error.

    Args:
        hub: To send with.
        url: Server.
        object_name: Exposed object.
        timeout: For all of it, s.
    """

    def __init__(self, hub: FutureHub, url: str, object_name: str, timeout: float) -> None:
        super().__init__(object_name)
        self._hub, self._url, self._timeout = hub, url, timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._leave_unsent()
            return
        try:
            self._end(
                self._hub.call_batch(self._url, self._object_name, self._calls, self._timeout)
            )
        except BaseException:
            self._end_withdrawn()
            raise
