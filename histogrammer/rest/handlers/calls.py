"""Handlers of requests: where each is called, what it returns, and how errors of the histogrammer
become the status of an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from histogrammer.engine import Engine
from histogrammer.errors import HistogrammerError, RequestFailedError
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.values import Values

__all__ = ["Always", "Handler", "Handlers", "InThread", "InWorker", "Later", "Whole", "failing"]


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that is JSON already.

    Attributes:
        body: The whole of it.
    """

    body: bytes | bytearray


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that takes long to write, of what is at hand.

    Attributes:
        write: Returns the whole of it; called in a thread other than the engine's.
    """

    write: Callable[[], bytes | bytearray]


@dataclass(frozen=True, slots=True)
class Always:
    """A request with one answer.

    Attributes:
        detail: Of it.
    """

    detail: object


@dataclass(frozen=True, slots=True)
class InWorker:
    """A handler that is called in the engine's thread.

    Attributes:
        function: Returns the detail of an answer, a `Whole` or a `Later`. Failures are
            RequestFailedErrors.
    """

    function: Callable[[Engine, Values], object]


@dataclass(frozen=True, slots=True)
class InThread:
    """A handler that waits for files or for other threads, and is called in one of its own.

    Attributes:
        function: Returns the detail of an answer.
    """

    function: Callable[[Program, Values], object]


Handler: TypeAlias = Always | InWorker | InThread
Handlers: TypeAlias = Mapping[str, Handler]
"""Request, as the table has it -> its handler."""


@contextmanager
def failing(status: str, *, has_text: bool = True) -> Iterator[None]:
    """Have the request fail with a status if what is done within fails.

    Args:
        status: Text of it.
        has_text: The detail is the reason; else the reason is part of the status, and the detail is
            the empty value of the request.
    """
    try:
        yield
    except RequestFailedError:
        raise
    except HistogrammerError as error:
        if has_text:
            raise RequestFailedError(status, str(error)) from error
        raise RequestFailedError(f"{status}: {error}") from error
