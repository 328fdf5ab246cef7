"""Functions that call remote methods, as people see them: names, documentation, signatures."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from groundwork.values import RemoteValue
from zmqjsonproxy.parameters import Passing

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.protocol.description import MethodDescription

__all__ = ["document", "signature_of"]


def document(method: Callable[..., RemoteValue], description: MethodDescription) -> None:
    """Give a function the name, documentation and signature of the remote method it calls."""
    method.__name__ = method.__qualname__ = description.name
    method.__doc__ = description.doc
    signature = signature_of(description)
    if signature is not None:
        method.__signature__ = signature  # type: ignore[attr-defined]  # functions take any attribute


_KINDS = {
    Passing.POSITION: inspect.Parameter.POSITIONAL_ONLY,
    Passing.EITHER: inspect.Parameter.POSITIONAL_OR_KEYWORD,
    Passing.POSITIONS: inspect.Parameter.VAR_POSITIONAL,
    Passing.KEYWORD: inspect.Parameter.KEYWORD_ONLY,
    Passing.KEYWORDS: inspect.Parameter.VAR_KEYWORD,
}


def signature_of(description: MethodDescription) -> inspect.Signature | None:
    """Return the signature that a prompt shows; None: it is not known.

    Types are texts, and what may be left out without a default that is known has `...`.
    """
    empty = inspect.Parameter.empty
    if description.parameters is None:
        return None
    several = (Passing.POSITIONS, Passing.KEYWORDS)
    return inspect.Signature(
        [
            inspect.Parameter(
                p.name,
                _KINDS[p.passing],
                default=empty if p.required or p.passing in several else p.default,
                annotation=p.annotation or empty,
            )
            for p in description.parameters
        ],
        return_annotation=description.returns or empty,
    )
