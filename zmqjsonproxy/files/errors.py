"""Errors of a fetch, besides those of its calls.

ProxyError
+-- FetchError               a file was not fetched; what came so far is kept for the next fetch
    +-- FileChangedError     it is another file by now, or written to in too many places; begin anew
    +-- ChecksumError        what was fetched is not what the server has; begin anew
"""

from __future__ import annotations

from zmqjsonproxy.errors import ProxyError

__all__ = ["ChecksumError", "FetchError", "FileChangedError"]


class FetchError(ProxyError):
    """A file was not fetched.

    Attributes:
        name: Of the file.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class FileChangedError(FetchError):
    """The file became another one while it was fetched; what came is removed."""


class ChecksumError(FetchError):
    """Bytes that were fetched differ from the file, which was not changed; they are removed."""
