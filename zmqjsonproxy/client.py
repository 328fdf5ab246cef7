"""A remote object as a local one: its methods with their documentation and signatures, for as long
as it lives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import zmq

from groundwork.closing import Closing
from zmqjsonproxy.errors import BadParametersError, NoSuchMethodError
from zmqjsonproxy.hubs import BlockingHub, blocking, run
from zmqjsonproxy.operations import Operation
from zmqjsonproxy.proxy import ProxyOperations, RemoteObject
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.rpc.futures import Batch, CallFuture
from zmqjsonproxy.rpc.hub import MethodDescription, ThreadHub
from zmqjsonproxy.signatures import document
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["ZMQJSONProxyClient"]


class ZMQJSONProxyClient(RemoteObject, Closing):
    """A proxy of one exposed object; thread-safe.

    Remote methods are attributes. Each takes, besides its own arguments, `_timeout` in seconds for
    that one call. A server may be started after its proxy, and restarted: the methods follow.

    Args:
        ctx: ZeroMQ context; unused with `hub`.
        obj_name: Name the object is exposed under.
        url: Server.
        time_out: Reply time-out, s; 0 or None: 60 s.
        hub: Socket to share with other proxies; None: one of its own.
        eager: Ask the server for its methods at once; False: when they are first needed.
        subscriptions: Those of the client that it belongs to; None: its own.
        source: What updates say of where they are from; empty: the URL.
        keys: Of this client, where it has a hub or subscriptions of its own; None: it has none.
    """

    def __init__(
        self,
        ctx: zmq.Context[Any] | None,
        obj_name: str,
        url: str,
        time_out: float | None = None,
        *,
        hub: ThreadHub | None = None,
        eager: bool = True,
        subscriptions: Subscriptions | None = None,
        source: str = "",
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__(obj_name, url, time_out, subscriptions, source, keys)
        self._own_hub = hub is None
        self._hub = ThreadHub(ctx, keys=keys) if hub is None else hub
        self._calls, self._operation = BlockingHub(self._hub), partial(Operation, self._hub)
        if eager:
            self._refresh(0.1)

    def _made_by(self) -> str:
        return f"ZMQJSONProxyClient(None, {self._obj_name!r}, {self._url!r})"

    def close(self) -> None:
        """Close the connection, if it is not shared."""
        if self._own_hub:
            self._subscriptions.close()
            self._hub.close()

    # many calls at once

    def call_later(
        self, method: str, /, *args: Any, _timeout: float | None = None, **kwargs: Any
    ) -> CallFuture:
        """Send a call and return at once; `result()` of what is returned waits for the answer.

        Args:
            method: Remote method.
            *args: Its positional arguments.
            _timeout: For this call, s.
            **kwargs: Its keyword arguments.
        """
        timeout = self._within(_timeout)
        return self._hub.begin(self._url, self._obj_name, method, args, kwargs, timeout)

    def batch(self, *, _timeout: float | None = None) -> Batch:
        """Collect calls in a `with` block and send them as one message at its end; see Batch."""
        return Batch(self._hub, self._url, self._obj_name, self._within(_timeout))

    # operations

    begin = blocking(ProxyOperations[Operation].begin)
    operation = blocking(ProxyOperations[Operation].operation)
    operations = blocking(ProxyOperations[Operation].operations)

    # remote methods

    def _refresh(self, timeout: float) -> bool:
        return run(self._learn(timeout))

    def _method(self, description: MethodDescription) -> Callable[..., Any]:
        hub, url, obj_name, name = self._hub, self._url, self._obj_name, description.name
        peer = hub.peer(url)

        def method(*args: Any, _timeout: float | None = None, **kwargs: Any) -> Any:
            try:
                value = hub.call(url, obj_name, name, args, kwargs, self._within(_timeout))
            except (NoSuchMethodError, BadParametersError) as error:
                if self._is_contradicted(error):
                    self._refresh(1.0)
                raise
            known = self._description
            if known is None or known.generation != peer.generation:
                self._refresh(1.0)
            return value

        document(method, description)
        return self._dressed(method, name)

    def __getattr__(self, name: str) -> Any:
        # Only what is not there comes here: the server was away so far, or has come back with more
        # methods. If it is away, the call says so, as it does for a method that was known before.
        if name.startswith("_"):
            raise AttributeError(name)
        self._refresh(1.0)
        return self._found(name)

    def _remote_method(self, name: str) -> Any:
        return run(self._find(name))

    def __dir__(self) -> list[str]:
        self._refresh(0.5)  # for a person at a prompt: always as it is now
        return sorted({*super().__dir__(), *vars(self)})
