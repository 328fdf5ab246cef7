"""Ground of the proxies of a remote object, whether callers wait or await: address, time-out, what
is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from groundwork.errors import did_you_mean
from groundwork.values import RemoteValue
from zmqjsonproxy.errors import BadParametersError, NoSuchMethodError, ProtocolError
from zmqjsonproxy.hubs import Hub
from zmqjsonproxy.operations import begin, find, list_of, only
from zmqjsonproxy.process import ForkSafeLock, OfOneProcess
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription, MethodDescription
from zmqjsonproxy.rpc.remoteoperation import RemoteOperation
from zmqjsonproxy.subscriptions import Subscriptions
from zmqjsonproxy.timeouts import call_timeout, reply_timeout

if TYPE_CHECKING:
    from zmqjsonproxy.channels.subscription import Subscription
    from zmqjsonproxy.channels.updates import Update
    from zmqjsonproxy.rights import ClientKeys

__all__ = ["ProxyOperations", "RemoteMethods", "RemoteObject"]

F = TypeVar("F", bound=Callable[..., Any])
Operation = TypeVar("Operation", bound=RemoteOperation)
"""That of a proxy whose caller waits, or awaits."""


class RemoteObject(OfOneProcess):
    """The part of a proxy that sends nothing.

    Args:
        obj_name: Name the object is exposed under.
        url: Server.
        time_out: Reply time-out, s; 0 or None: 60 s.
        subscriptions: Those of the client that it belongs to; None: its own.
        source: What updates say of where they are from; empty: the URL.
        keys: Of the client, for subscriptions of its own.
    """

    _calls: Hub

    def __init__(
        self,
        obj_name: str,
        url: str,
        time_out: float | None,
        subscriptions: Subscriptions | None = None,
        source: str = "",
        keys: ClientKeys | None = None,
    ) -> None:
        self._obj_name, self._url = obj_name, url
        self._subscriptions = subscriptions or Subscriptions(keys=keys)
        self._source = source or url
        self._timeout = reply_timeout(time_out)
        self._description: InterfaceDescription | None = None
        self._methods: frozenset[str] = frozenset()
        self._binding = ForkSafeLock()

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._url

    @property
    def remote(self) -> RemoteMethods:
        """The remote methods, those too whose names the proxy has itself:
        `proxy.remote.close()`."""
        return RemoteMethods(self)

    def __setattr__(self, name: str, value: Any) -> None:
        # A program may keep what it likes at a proxy, but not what looks as if it reached the
        # object.
        instead = "" if name.startswith("_") else self._to_write(name)
        if instead:
            raise AttributeError(f"{name} = ... would stay here and reach nobody; {instead}")
        super().__setattr__(name, value)

    def _to_write(self, name: str) -> str:
        methods = {} if self._description is None else self._description.methods
        if name in methods or hasattr(type(self), name):
            return f"{name} is a method, to be called: {name}(...)"
        return f"write set_param({name}=...)" if "set_param" in methods else ""

    def subscribe(
        self,
        patterns: str | Iterable[str],
        callback: Callable[[Update], object] | None = None,
        **options: Any,
    ) -> Subscription:
        """Subscribe to properties of the object; arguments as of `Subscriptions.begin`."""
        players = {self._source: self._url}
        return self._subscriptions.begin(players, self._obj_name, patterns, callback, **options)

    def _remote_method(self, name: str) -> Any:
        """Return a remote method, whatever the proxy has under its name."""
        raise NotImplementedError

    def _method(self, description: MethodDescription) -> Callable[..., Any]:
        """Return a function that calls a remote method."""
        raise NotImplementedError

    def _dressed(self: Any, method: F, name: str) -> F:
        """Return a function that calls a remote method, with the other ways to call it."""
        vars(method).update(later=partial(self.call_later, name), begin=partial(self.begin, name))
        return method

    # the original's own names

    def set_request_reply_timeout(self, t: float | timedelta) -> None:
        """Set the reply time-out: seconds, or a timedelta (all of it, days too)."""
        self._timeout = reply_timeout(t)

    def get_request_reply_timeout(self) -> float:
        """Return the reply time-out, s."""
        return self._timeout

    def _within(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else call_timeout(timeout)

    def _is_contradicted(self, error: NoSuchMethodError | BadParametersError) -> bool:
        """Tell whether a call has shown that the object may have come back with another
        interface."""
        return isinstance(error, NoSuchMethodError) or self._is_stale()

    def _is_stale(self) -> bool:
        """Tell whether nothing is known of the server, or it was started again since."""
        known = self._description
        return known is None or known.generation != self._calls.peer(self._url).generation

    async def _learn(self, timeout: float) -> bool:
        """Ask the server what it offers now; False if it does not say."""
        (result,) = await self._calls.describe_many([self._url], self._obj_name, timeout)
        if result.error is None:
            self._bind(result.value)
        return result.error is None

    def _bind(self, description: InterfaceDescription) -> None:
        ours, names = type(self), vars(self)
        methods = {
            m.name: self._method(m)
            for m in description.methods.values()
            if not hasattr(ours, m.name)
        }
        with self._binding:  # other threads call meanwhile: what stays is never missing
            names.update(methods)
            for name in self._methods.difference(methods):
                names.pop(name, None)
            self._methods = frozenset(methods)
            self._description = description

    async def _find(self, name: str) -> Callable[..., Any]:
        """Return a remote method, which may be new; AttributeError if the server has none."""
        known = self._description
        if known is None or name not in known.methods or self._is_stale():
            await self._learn(1.0)
        return self._found(name)

    def _found(self, name: str) -> Callable[..., Any]:
        known = self._description
        if known is None:
            return self._method(MethodDescription(name))  # if the server is away, its call says so
        if name not in known.methods:
            raise self._missing(name, known)
        return self._method(known.methods[name])

    def _check_operation(self, method: str) -> None:
        """Raise ProtocolError if a method is known to be no operation, which could not be begun."""
        description, where = self._description, f"{self._obj_name}.{method} at {self._url}"
        if description is not None and not description.native:
            raise ProtocolError(
                f"{where}: the server is of the original and has no operations; call the method"
            )
        known = None if description is None else description.methods.get(method)
        if known is not None and known.kind != "operation":
            raise ProtocolError(f"{where} is no operation but a {known.kind}; call it")

    def _missing(self, name: str, known: InterfaceDescription) -> AttributeError:
        """Return the error for a method that the server has not."""
        has = ", ".join(known.methods) or "none"
        where, hint = f"{self._obj_name} at {self._url}", did_you_mean(name, known.methods)
        return AttributeError(f"{where} has no method {name}; it has: {has}{hint}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._obj_name} at {self._url}>"


class ProxyOperations(RemoteObject, Generic[Operation]):
    """Operations of one remote object, as coroutines."""

    _operation: Callable[[str, dict[str, RemoteValue]], Operation]

    async def begin(
        self,
        method: str,
        /,
        *args: RemoteValue,
        _timeout: float | None = None,
        **kwargs: RemoteValue,
    ) -> Operation:
        """Begin an operation and return at once; what is returned tells how far it is, waits for
        it, aborts it. In a task, a cancellation before it was begun ends it.

        Args:
            method: Remote method, which is an operation.
            *args: Its positional arguments.
            _timeout: For the answer that it was begun, s; the operation itself may take any time.
            **kwargs: Its keyword arguments.

        Raises:
            ProtocolError: The method is no operation, or the server is of the original; nothing was
                done.
            ProxyError: As a call; after a CallTimeoutError look at `operations()` whether it was
                begun.
        """
        if self._is_stale():
            await self._learn(1.0)
        self._check_operation(method)
        urls, name, timeout = [self._url], self._obj_name, self._within(_timeout)
        begun = begin(self._calls, self._operation, urls, name, method, args, kwargs, timeout)
        return only(await begun)

    async def operation(self, identity: str, *, _timeout: float | None = None) -> Operation:
        """Return an operation of the server, whoever began it; RefusedError if it knows none of
        this identity."""
        identities, timeout = [(self._url, identity)], self._within(_timeout)
        return only(await find(self._calls, self._operation, identities, timeout))

    async def operations(
        self, active: bool = False, *, _timeout: float | None = None
    ) -> list[Operation]:
        """Return the last operations of the server, the newest at the end.

        Args:
            active: Only those that have not ended.
            _timeout: For this call, s.
        """
        timeout = self._within(_timeout)
        return await list_of(self._calls, self._operation, self._url, active, timeout)


class RemoteMethods:
    """The methods of one remote object as attributes, and nothing else."""

    def __init__(self, proxy: RemoteObject) -> None:
        self._proxy = proxy

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._proxy._remote_method(name)

    def __dir__(self) -> list[str]:
        dir(self._proxy)  # as a person at a prompt wants it: as it is now
        known = self._proxy._description
        return [] if known is None else sorted(known.methods)

    def __repr__(self) -> str:
        return f"<the methods of {self._proxy!r}>"
