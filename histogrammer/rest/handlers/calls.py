"""Handlers of requests: where each is called, what it returns, and how errors of the histogrammer
become the status of an answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from histogrammer.engine import Engine
from histogrammer.errors import HistogrammerError, RequestFailedError
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.values import RequestValues

__all__ = [
    "Body",
    "FixedAnswer",
    "Handler",
    "Handlers",
    "InThread",
    "InWorker",
    "Later",
    "Whole",
    "failing",
]

Body: TypeAlias = bytes | Generator[bytes | memoryview, None, None]
"""Of an answer: the whole of it, or its pieces, each made when the one before is sent."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that is JSON already.

    Attributes:
        body: The whole of it.
    """

    body: bytes


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that takes much time and memory to write. Few are written and sent at once.

    Attributes:
        copy: Called in the engine's thread when it has its turn. Copies what the answer is of, and
            returns what writes it, which is called in another thread.
    """

    copy: Callable[[Engine], Callable[[], Body]]


@dataclass(frozen=True, slots=True)
class FixedAnswer:
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

    function: Callable[[Engine, RequestValues], object]


@dataclass(frozen=True, slots=True)
class InThread:
    """A handler that waits for files or for other threads, and is called in one of its own.

    Attributes:
        function: Returns the detail of an answer.
        is_large: It takes much time and memory: few such are carried out at once.
    """

    function: Callable[[Program, RequestValues], object]
    is_large: bool = False


Handler: TypeAlias = FixedAnswer | InWorker | InThread
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
