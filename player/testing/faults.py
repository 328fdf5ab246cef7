"""Faults of a Bank's methods, to be switched on from a test."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from player.bank import Bank
from zmqjsonproxy.interface import marked_methods

__all__ = ["Faults"]

B = TypeVar("B", bound=Bank)

HANG_LIMIT_S = 60.0  # no test waits longer


class Faults:
    """Faults of methods; usable from any thread while the Bank serves."""

    def __init__(self) -> None:
        self._actions: dict[str, Callable[[], None]] = {}
        self._released = threading.Event()
        self._methods: tuple[str, ...] = ()  # none are known before `into`

    def fail(self, method: str, error: BaseException) -> None:
        """Let a method raise instead of doing anything. ValueError if the Bank has no such
        method."""

        def act() -> None:
            raise error

        self._switch_on(method, act)

    def hang(self, method: str) -> None:
        """Let a method block until `clear`, then do its work. ValueError if the Bank has no such
        method."""
        self._switch_on(method, functools.partial(self._wait, self._released))

    def _switch_on(self, method: str, action: Callable[[], None]) -> None:
        if self._methods and method not in self._methods:
            raise ValueError(
                f"the Bank has no marked method {method}; there are {', '.join(self._methods)}"
            )
        self._actions[method] = action

    @staticmethod
    def _wait(released: threading.Event) -> None:
        released.wait(HANG_LIMIT_S)

    def clear(self) -> None:
        """All methods work again; those that hang go on."""
        self._actions.clear()
        self._released.set()
        self._released = threading.Event()

    def strike(self, method: str) -> None:
        """Do what was switched on for a method; called before each of its calls."""
        if (action := self._actions.get(method)) is not None:
            action()

    def into(self, kind: type[B]) -> type[B]:
        """Return a subclass of a kind whose marked methods meet these faults.

        Raises:
            ValueError: A fault was switched on for a method that the kind has not.
        """
        names = marked_methods(kind.__new__(kind))  # not initialized: only what it has is looked at
        self._methods = tuple(names)
        for method, action in self._actions.items():
            self._switch_on(method, action)
        wrapped: dict[str, Any] = {}
        for name in names:
            call = self._wrap(name, getattr(kind, name))
            is_bound = isinstance(inspect.getattr_static(kind, name), staticmethod | classmethod)
            wrapped[name] = staticmethod(call) if is_bound else call
        return type(kind.__name__, (kind,), wrapped)

    def _wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)  # and with it the mark, the signature and the documentation
        def call(*args: Any, **kwargs: Any) -> Any:
            self.strike(name)
            return function(*args, **kwargs)

        return call
