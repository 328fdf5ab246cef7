"""Bounds of HTTP servers with streams and WebSockets, as settings of uvicorn."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["STREAM_BOUNDS"]

_MAX_REQUEST_BYTES = 16 * 1024
STREAM_BOUNDS: Mapping[str, Any] = MappingProxyType(
    {
        "ws": "websockets-sansio",
        "h11_max_incomplete_event_size": _MAX_REQUEST_BYTES,
        "ws_max_size": _MAX_REQUEST_BYTES,
        "ws_ping_interval": 10.0,
        "ws_ping_timeout": 10.0,
        "ws_per_message_deflate": False,
    }
)
