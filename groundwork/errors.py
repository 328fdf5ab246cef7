"""Errors that travel as they are, and texts of errors of any class."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable
from typing import Any

from groundwork.truncation import cut

__all__ = ["Portable", "did_you_mean", "text_of"]


class Portable(Exception):
    """Base of exceptions that are pickled and copied as they are: class, text, attributes and
    notes.

    Without it the constructor would be called anew, with the text in the place of its arguments.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        new = copyreg.__newobj__  # type: ignore[attr-defined]  # as protocol 2 has it
        return new, (type(self),), {**self.__dict__, "args": self.args}


def text_of(error: BaseException) -> str:
    """Return the text of an exception of any class, also of one that cannot tell; cut, if it has no
    end."""
    try:
        return cut(str(error))
    except BaseException:
        return f"(the text of this {type(error).__name__} could not be made)"


_LONGEST_NAME = 200


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return what to append to "no such name": the known one that comes close, else nothing."""
    import difflib  # only when something is wrong

    # What is longer than any name is a stranger's: to compare a megabyte takes seconds.
    close = difflib.get_close_matches(name, list(known), n=1) if len(name) <= _LONGEST_NAME else []
    return f"; did you mean {close[0]}?" if close else ""
