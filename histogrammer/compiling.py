"""Compiled functions: numba where it is installed, loaded when the first one is called.

Where it is missing each function has its way with numpy, of the same signature and results. All
are compiled alike: they release the GIL, round as IEEE 754 says (no fast math), a division by zero
gives infinity, and none starts threads: numba's own abort the process when two threads call them.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import cache, partial
from threading import Lock
from types import CodeType, FunctionType
from typing import Generic, ParamSpec, TypeVar, cast

import numpy as np

from histogrammer.compiledcache import CompiledCache, default_folder

__all__ = ["Compiled", "compiled", "compiled_or", "has_numba"]

P = ParamSpec("P")
R = TypeVar("R")

_CONSTANTS = (bool, int, float, str, bytes, tuple, type(None), np.generic)
_lock = Lock()


@cache
def has_numba() -> bool:
    """Tell whether numba is installed, without loading it."""
    return importlib.util.find_spec("numba") is not None


class Compiled(Generic[P, R]):
    """A function that is compiled when it is first called, for the types of its arguments.

    It may call other compiled functions by their global names, and use global constants; it has
    nothing of a function around it. Its arguments are given by position.

    Attributes:
        function: As it is written.
        fallback: The same for where numba is missing.
    """

    def __init__(self, function: Callable[P, R], fallback: Callable[P, R]) -> None:
        self.function, self.fallback = function, fallback
        self.__doc__ = function.__doc__
        self._loaded: Callable[P, R] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call what is loaded."""
        return (self._loaded or self.loaded())(*args, **kwargs)

    def loaded(self) -> Callable[P, R]:
        """Return the callable itself, for loops that call it often: it is called with less ado."""
        if self._loaded is None:
            if not has_numba():
                self._loaded = self.fallback
            else:
                with _lock:
                    return self._dispatcher()
        return self._loaded

    def _dispatcher(self) -> Callable[P, R]:
        """Return numba's own; the caller holds the lock."""
        if self._loaded is not None:
            return self._loaded
        import numba

        dispatcher = numba.njit(nogil=True, error_model="numpy")(self._with_dispatchers())
        if folder := default_folder(os.environ):
            CompiledCache(folder, self._name, self.fingerprint()).attach(dispatcher)
        self._loaded = cast("Callable[P, R]", dispatcher)
        return self._loaded

    def _plain(self) -> FunctionType:
        plain: object = self.function
        if not isinstance(plain, FunctionType) or plain.__closure__:
            raise TypeError(f"{plain!r}: only functions of a module can be compiled")
        return plain

    @property
    def _name(self) -> str:
        plain = self._plain()
        return f"{plain.__module__}.{plain.__qualname__}"

    def _with_dispatchers(self) -> FunctionType:
        """Return the function with numba's objects in place of ours among its globals."""
        plain = self._plain()
        names = {
            name: Compiled._dispatcher(value) if isinstance(value, Compiled) else value
            for name, value in plain.__globals__.items()
            if name in plain.__code__.co_names or name.startswith("__")
        }
        copy = FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__)
        copy.__module__, copy.__qualname__ = plain.__module__, plain.__qualname__
        return copy

    def fingerprint(self) -> str:
        """Return a text that changes with the code of the function, of those that it calls, and
        with the constants that are compiled into it."""
        plain = self._plain()
        used = [
            f"{name}={_constant(plain.__globals__[name])}"
            for name in sorted(set(plain.__code__.co_names))
            if name in plain.__globals__
        ]
        return f"{_code(plain.__code__)} {plain.__defaults__!r} {used}"


def _constant(value: object) -> str:
    if isinstance(value, Compiled):
        return value.fingerprint()
    if isinstance(value, _CONSTANTS):
        return repr(value)
    return str(getattr(value, "__name__", type(value).__name__))


def _code(code: CodeType) -> str:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names} {code.co_varnames}"


def compiled(function: Callable[P, R]) -> Compiled[P, R]:
    """Decorate a function that only compiled ones call; without numba it is called as it is."""
    return Compiled(function, function)


def compiled_or(fallback: Callable[P, R]) -> Callable[[Callable[P, R]], Compiled[P, R]]:
    """Return a decorator of functions that are compiled.

    Args:
        fallback: The same function in numpy.
    """
    return partial(Compiled, fallback=fallback)
