"""Failures of calls, as JSON-RPC tells them: code, and error object."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from groundwork.truncation import cut

__all__ = ["Code", "error_object"]


class Code(IntEnum):
    """Error codes: JSON-RPC 2.0, and ours from -32000 downwards."""

    PARSE = -32700
    INVALID_REQUEST = -32600
    NO_SUCH_METHOD = -32601
    BAD_PARAMETERS = -32602
    INTERNAL = -32603
    APPLICATION = -32000
    REFUSED = -32001
    BUSY = -32002
    DEADLINE = -32003
    TOO_LARGE = -32004
    ABORTED = -32005
    CANCELLED = -32006
    ACCESS = -32007
    UNKNOWN = -32008


def error_object(code: Code, type: str, text: str, traceback: Sequence[str] = ()) -> dict[str, Any]:
    """Make the member `error`: code, message, and class, text and traceback as data."""
    type, text = cut(type), cut(text)
    return {
        "code": int(code),
        "message": f"{type}: {text}",
        "data": {"type": type, "text": text, "traceback": [cut(entry) for entry in traceback]},
    }
