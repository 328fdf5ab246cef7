"""Faults of a Bank's methods, to be switched on from a test."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from player.bank import Bank
from zmqjsonproxy.interface import marked_methods

__all__ = ["Faults"]

B = TypeVar("B", bound=Bank)

HANG_LIMIT_S = 60.0  # no test waits longer


class Faults:
    """What goes wrong in which method; usable from any thread while the Bank serves."""

    def __init__(self) -> None:
        self._actions: dict[str, Callable[[], None]] = {}
        self._released = threading.Event()

    def fail(self, method: str, error: BaseException) -> None:
        """Let a method raise instead of doing anything."""

        def act() -> None:
            raise error

        self._actions[method] = act

    def hang(self, method: str) -> None:
        """Let a method block until `clear`, then do its work."""
        self._released.clear()
        self._actions[method] = functools.partial(self._wait, self._released)

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
        """Return a subclass of a kind whose marked methods meet these faults."""
        wrapped: dict[str, Any] = {}
        for name in marked_methods(_Marked(kind)):
            wrapped[name] = self._wrap(name, getattr(kind, name))
        return type(kind.__name__, (kind,), wrapped)

    def _wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)  # and with it the mark, the signature and the documentation
        def call(*args: Any, **kwargs: Any) -> Any:
            self.strike(name)
            return function(*args, **kwargs)

        return call


class _Marked:
    """Shows the methods of a class as those of an object, which nobody has to make."""

    def __new__(cls, kind: type[Bank]) -> Any:
        return kind.__new__(kind)

    def __init__(self, kind: type[Bank]) -> None:
        raise NotImplementedError
