"""A remote object as a local one, for programs that use asyncio: its methods are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Self

import zmq

from zmqjsonproxy.errors import BadParametersError, NoSuchMethodError
from zmqjsonproxy.operations import AsyncOperation
from zmqjsonproxy.proxy import ProxyOperations
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.rpc.aiohub import AsyncHub
from zmqjsonproxy.rpc.futures import BatchCalls
from zmqjsonproxy.rpc.protocol.description import MethodDescription
from zmqjsonproxy.signatures import document
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["AsyncBatch", "AsyncHub", "AsyncProxyClient"]


class AsyncProxyClient(ProxyOperations[AsyncOperation]):
    """A proxy of one exposed object, as `ZMQJSONProxyClient`; the remote methods are coroutines.

        async with AsyncProxyClient(None, "bank", url) as bank:
            await bank.set_mode("MODE1", _timeout=120)

    Whether a method exists is asked when it is awaited, if it is not known yet: AttributeError if
    it does not.

    Arguments as those of ZMQJSONProxyClient, without `eager`.
    """

    def __init__(
        self,
        ctx: zmq.Context[Any] | None,
        obj_name: str,
        url: str,
        time_out: float | None = None,
        *,
        hub: AsyncHub | None = None,
        subscriptions: Subscriptions | None = None,
        source: str = "",
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__(obj_name, url, time_out, subscriptions, source, keys)
        self._own_hub = hub is None
        self._hub = AsyncHub(ctx, keys=keys) if hub is None else hub
        self._calls, self._operation = self._hub, partial(AsyncOperation, self._hub)

    def _made_by(self) -> str:
        return f"AsyncProxyClient(None, {self._obj_name!r}, {self._url!r})"

    async def close(self) -> None:
        """Close the connection, if it is not shared."""
        if self._own_hub:
            self._subscriptions.close()
            await self._hub.close()

    async def __aenter__(self) -> Self:
        await self._learn(0.1)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    # many calls at once

    def call_later(
        self, method: str, /, *args: Any, _timeout: float | None = None, **kwargs: Any
    ) -> asyncio.Future[Any]:
        """Send a call and return at once; what is returned is awaited for the answer, or cancelled.

        Args:
            method: Remote method.
            *args: Its positional arguments.
            _timeout: For this call, s.
            **kwargs: Its keyword arguments.
        """
        return self._hub.begin(
            self._url, self._obj_name, method, args, kwargs, self._within(_timeout)
        )

    def batch(self, *, _timeout: float | None = None) -> AsyncBatch:
        """Collect calls in an `async with` block and send them as one message at its end; see
        AsyncBatch."""
        return AsyncBatch(self._hub, self._url, self._obj_name, self._within(_timeout))

    # remote methods

    def _method(self, description: MethodDescription) -> Callable[..., Coroutine[Any, Any, Any]]:
        hub, url, obj_name, name = self._hub, self._url, self._obj_name, description.name
        peer = hub.peer(url)

        async def method(*args: Any, _timeout: float | None = None, **kwargs: Any) -> Any:
            try:
                value = await hub.call(url, obj_name, name, args, kwargs, self._within(_timeout))
            except (NoSuchMethodError, BadParametersError) as error:
                if self._is_contradicted(error):
                    await self._learn(1.0)
                raise
            known = self._description
            if known is None or known.generation != peer.generation:
                await self._learn(1.0)
            return value

        document(method, description)
        return self._dressed(method, name)

    def __getattr__(self, name: str) -> Any:
        # Only what is not there comes here: the server was not asked so far, was away, or has more
        # methods by now.
        if name.startswith("_"):
            raise AttributeError(name)
        return self._remote_method(name)

    def _remote_method(self, name: str) -> Any:
        async def method(*args: Any, **kwargs: Any) -> Any:
            known = vars(self).get(name)
            if known is None:
                known = await self._find(name)
            return await known(*args, **kwargs)

        method.__name__ = method.__qualname__ = name
        return self._dressed(method, name)


class AsyncBatch(BatchCalls):
    """Collects calls in an `async with` block, and sends them as one message at its end.

        async with proxy.batch() as b:
            first, second = b.get_status("NETSTAT"), b.add(2, 3)
        print(first.result(), second.result())

    As Batch in all else. Arguments as well.
    """

    def __init__(self, hub: AsyncHub, url: str, object_name: str, timeout: float) -> None:
        super().__init__(object_name)
        self._hub, self._url, self._timeout = hub, url, timeout

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._leave_unsent()
            return
        try:
            self._end(
                await self._hub.call_batch(self._url, self._object_name, self._calls, self._timeout)
            )
        except BaseException:
            self._end_withdrawn()
            raise
