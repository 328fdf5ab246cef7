"""A remote object as a local one: its methods with their documentation and signatures, for as long as it lives."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import zmq

from zmqjsonproxy.errors import NoSuchMethodError, ProtocolError, ProxyError
from zmqjsonproxy.rpc.futures import Batch, CallFuture
from zmqjsonproxy.rpc.hub import Hub, InterfaceDescription, MethodDescription

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.operation import Operation

__all__ = ["ZMQJSONProxyClient", "read_signature", "reply_timeout"]

DEFAULT_TIMEOUT = 60.0
"""Default of the original, s."""


class ZMQJSONProxyClient:
    """A proxy of one exposed object; thread-safe.

    Remote methods are attributes. Each takes, besides its own arguments, `_timeout` in seconds for that one call. A
    server may be started after its proxy, and restarted: the methods follow.

    Args:
        ctx: ZeroMQ context; unused with `hub`.
        obj_name: Name the object is exposed under.
        url: Server.
        time_out: Reply time-out, s; 0 or None: 60 s.
        hub: Socket to share with other proxies; None: one of its own.
        eager: Ask the server for its methods at once; False: when they are first needed.
    """

    def __init__(
        self,
        ctx: zmq.Context[Any] | None,
        obj_name: str,
        url: str,
        time_out: float | None = None,
        *,
        hub: Hub | None = None,
        eager: bool = True,
    ) -> None:
        self._own_hub = hub is None
        self._hub = Hub(ctx) if hub is None else hub
        self._obj_name, self._url = obj_name, url
        self._timeout = reply_timeout(time_out)
        self._methods: frozenset[str] = frozenset()
        self._binding = threading.Lock()
        self._description: InterfaceDescription | None = None
        self._why_unknown: ProxyError | None = None
        if eager:
            self._refresh(0.1)

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._url

    # the original's own names

    def set_request_reply_timeout(self, t: float | timedelta) -> None:
        """Set the reply time-out: seconds, or a timedelta (all of it, days too)."""
        self._timeout = reply_timeout(t)

    def get_request_reply_timeout(self) -> float:
        """Return the reply time-out, s."""
        return self._timeout

    def close(self) -> None:
        """Close the connection, if it is not shared."""
        if self._own_hub:
            self._hub.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # many calls at once

    def call_later(self, method: str, *args: Any, _timeout: float | None = None, **kwargs: Any) -> CallFuture:
        """Send a call and return at once; `result()` of what is returned waits for the answer.

        Args:
            method: Remote method.
            *args: Its positional arguments.
            _timeout: For this call, s.
            **kwargs: Its keyword arguments.
        """
        timeout = self._timeout if _timeout is None else _timeout
        return self._hub.begin(self._url, self._obj_name, method, args, kwargs, timeout)

    def batch(self, *, _timeout: float | None = None) -> Batch:
        """Collect calls in a `with` block and send them as one message at its end; see Batch."""
        return Batch(self._hub, self._url, self._obj_name, self._timeout if _timeout is None else _timeout)

    # operations

    def begin(self, method: str, *args: Any, _timeout: float | None = None, **kwargs: Any) -> Operation:
        """Begin an operation and return at once; what is returned tells how far it is, waits for it, aborts it.

        Args:
            method: Remote method, which is an operation.
            *args: Its positional arguments.
            _timeout: For the answer that it was begun, s; the operation itself may take any time.
            **kwargs: Its keyword arguments.

        Raises:
            ProtocolError: The method is no operation, or the server is of the original; nothing was done.
            ProxyError: As a call; after a CallTimeoutError look at `operations()` whether it was begun.
        """
        from zmqjsonproxy.rpc.operation import begin

        if (self._is_stale() and not self._refresh(1.0)) and self._why_unknown is not None:
            raise self._why_unknown
        known = None if self._description is None else self._description.methods.get(method)
        if known is not None and known.kind != "operation":
            raise ProtocolError(f"{self._obj_name}.{method} at {self._url} is no operation but a {known.kind}; call it")
        timeout = self._timeout if _timeout is None else _timeout
        (begun,) = begin(self._hub, [self._url], self._obj_name, method, args, kwargs, timeout)
        if isinstance(begun, ProxyError):
            raise begun
        return begun

    def operation(self, identity: str, *, _timeout: float | None = None) -> Operation:
        """Return an operation of the server, whoever began it; RefusedError if it knows none of this identity."""
        from zmqjsonproxy.rpc.operation import Operation

        return Operation.find(self._hub, self._url, identity, self._timeout if _timeout is None else _timeout)

    def operations(self, active: bool = False, *, _timeout: float | None = None) -> list[Operation]:
        """Return the last operations of the server, the newest at the end.

        Args:
            active: Only those that have not ended.
            _timeout: For this call, s.
        """
        from zmqjsonproxy.rpc.operation import Operation

        timeout = self._timeout if _timeout is None else _timeout
        described = self._hub.call(self._url, "rpc", "operations", (active,), None, timeout)
        return [Operation(self._hub, self._url, each) for each in described]

    # remote methods

    def _refresh(self, timeout: float) -> bool:
        try:
            description = self._hub.describe(self._url, self._obj_name, timeout)
        except ProxyError as error:
            self._why_unknown = error
            return False
        ours, names = type(self), vars(self)
        methods = {m.name: self._method(m) for m in description.methods.values() if not hasattr(ours, m.name)}
        with self._binding:  # other threads call meanwhile: what stays is never missing
            names.update(methods)
            for name in self._methods.difference(methods):
                names.pop(name, None)
            self._methods = frozenset(methods)
            self._description = description
        return True

    def _is_stale(self) -> bool:
        known = self._description
        return known is None or known.generation != self._hub.generation(self._url)

    def _method(self, description: MethodDescription) -> Callable[..., Any]:
        hub, url, obj_name, name = self._hub, self._url, self._obj_name, description.name
        peer = hub.peer(url)

        def method(*args: Any, _timeout: float | None = None, **kwargs: Any) -> Any:
            try:
                value = hub.call(url, obj_name, name, args, kwargs, self._timeout if _timeout is None else _timeout)
            except NoSuchMethodError:
                self._refresh(1.0)
                raise
            known = self._description
            if known is None or known.generation != peer.generation:
                self._refresh(1.0)
            return value

        method.__name__ = method.__qualname__ = name
        method.__doc__ = description.doc
        method.later = partial(self.call_later, name)  # type: ignore[attr-defined]  # functions take any attribute
        method.begin = partial(self.begin, name)  # type: ignore[attr-defined]  # functions take any attribute
        signature = read_signature(description.signature)
        if signature is not None:
            method.__signature__ = signature  # type: ignore[attr-defined]  # functions take any attribute
        return method

    def __getattr__(self, name: str) -> Any:
        # Only what is not there comes here: the server was away so far, or has come back with more methods.
        if name.startswith("_"):
            raise AttributeError(name)
        if self._refresh(1.0) and name in vars(self):
            return vars(self)[name]
        known = self._description
        if known is None:
            why = self._why_unknown
            raise AttributeError(
                f"{self._obj_name} at {self._url}: no server has answered yet, so {name} is not known ({why})"
            ) from why
        raise AttributeError(
            f"{self._obj_name} at {self._url} has no method {name}; it has: {', '.join(known.methods) or 'none'}"
        )

    def __dir__(self) -> list[str]:
        self._refresh(0.5)  # for a person at a prompt: always as it is now
        return sorted({*super().__dir__(), *vars(self)})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._obj_name} at {self._url}>"


def reply_timeout(t: float | timedelta | None) -> float:
    """Return a reply time-out in seconds; 0 and None: the default. ValueError if it is negative."""
    seconds = t.total_seconds() if isinstance(t, timedelta) else float(t or 0.0)
    if not seconds >= 0:
        raise ValueError(f"a reply time-out is 0 s (the default of {DEFAULT_TIMEOUT:g} s) or more, not {seconds:g} s")
    return seconds or DEFAULT_TIMEOUT


def read_signature(text: str) -> inspect.Signature | None:
    """Make a signature of its text, names and kinds only: remote annotations and defaults are shown, never run."""
    import ast

    try:
        tree = ast.parse(f"def f{text}: ...")
    except (SyntaxError, ValueError):
        return None
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef):
        return None
    a = function.args
    empty = inspect.Parameter.empty

    def shown(node: ast.expr | None) -> Any:
        if node is None:
            return empty
        try:
            return ast.literal_eval(node)
        except ValueError:
            return ast.unparse(node)

    def make(arg: ast.arg, kind: Any, default: ast.expr | None = None) -> inspect.Parameter:
        return inspect.Parameter(arg.arg, kind, default=shown(default), annotation=shown(arg.annotation))

    positional = [*a.posonlyargs, *a.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    kind = inspect.Parameter
    parameters = [
        make(arg, kind.POSITIONAL_ONLY if i < len(a.posonlyargs) else kind.POSITIONAL_OR_KEYWORD, d)
        for i, (arg, d) in enumerate(zip(positional, defaults, strict=True))
    ]
    if a.vararg is not None:
        parameters.append(make(a.vararg, kind.VAR_POSITIONAL))
    parameters += [make(arg, kind.KEYWORD_ONLY, d) for arg, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    if a.kwarg is not None:
        parameters.append(make(a.kwarg, kind.VAR_KEYWORD))
    try:
        return inspect.Signature(parameters, return_annotation=shown(function.returns))
    except ValueError:
        return None
