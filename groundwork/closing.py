"""Objects that a `with` statement closes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

__all__ = ["Closing"]


class Closing:
    """Base of whatever has to be closed: `with` returns the object itself, and closes it."""

    __slots__ = ()

    @abstractmethod
    def close(self) -> object:
        """Give back what the object holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
