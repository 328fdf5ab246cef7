"""Reader of server-sent events, as the standard has them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

__all__ = ["Events"]


class Events:
    """Reads a stream.

    Args:
        url: Of the stream.
        headers: Of the request.
    """

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        asked = urllib.request.Request(url, headers=headers or {})
        self._stream = urllib.request.urlopen(asked, None, 60)
        self.headers = dict(self._stream.headers)

    def next(self, kind: str, **wanted: Any) -> Any:
        """Return the data of the next event of a kind, with certain values."""
        while True:
            found, data = "message", ""
            lines = iter(lambda: self._stream.readline().decode(), "\n")
            for line in lines:
                if not line:
                    raise EOFError("the stream has ended")
                name, _, text = line.rstrip("\n").partition(": ")
                found = text if name == "event" else found
                data = text if name == "data" else data
            told = json.loads(data) if data else {}
            if found == kind and told.items() >= wanted.items():
                return told

    def close(self) -> None:
        """End it."""
        self._stream.close()
