"""The dialect of the original: a request of four keys, a bare value or an EXCEPTION object as the
reply.

Source of every shape: the DIBAS proxy as its clients see it (docs/protocols/calls.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from groundwork.truncation import cut
from zmqjsonproxy import wirejson

__all__ = [
    "LIST_METHODS",
    "failure",
    "hello",
    "interface_error",
    "is_failure",
    "reply",
    "request",
]

LIST_METHODS = "list_methods"
MAX_TRACEBACK = 10


def request(
    name: str, method: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> bytes:
    """Encode a call with exactly the four keys, all of which an original server needs."""
    return wirejson.dumps(
        {"name": name, "proc": method, "args": list(args), "kwargs": dict(kwargs or {})}
    )


def hello(name: str, client: str) -> bytes:
    """Encode the first message to any server: `list_methods`, with our capabilities as a key old
    servers ignore."""
    return wirejson.dumps(
        {
            "name": name,
            "proc": LIST_METHODS,
            "args": [],
            "kwargs": {},
            "dealer": {"version": 1, "client": client},
        }
    )


def reply(value: Any) -> bytes:
    """Encode a result: the value itself."""
    return wirejson.dumps(value)


def failure(type: str, text: str, traceback: Sequence[str] = ()) -> bytes:
    """Encode an exception; at most ten traceback entries travel."""
    return wirejson.dumps(
        {"EXCEPTION": [cut(type), cut(text), [cut(entry) for entry in traceback[-MAX_TRACEBACK:]]]}
    )


def interface_error(name: str) -> bytes:
    """Encode the answer to `list_methods` of an interface that is not there."""
    return wirejson.dumps(["Interface error", cut(repr(name))])


def is_failure(value: Any) -> TypeGuard[dict[str, list[Any]]]:
    """Tell whether a decoded reply is an EXCEPTION object."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("EXCEPTION"), list)
