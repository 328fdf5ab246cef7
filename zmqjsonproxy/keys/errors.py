"""What is wrong with keys.

KeysError
+-- KeyFileError    a file or folder of keys is not there, too open, or broken
+-- TrustError      the public key of a server could not be fetched, or is another one than expected
"""

from __future__ import annotations

from pathlib import Path

from groundwork.printable import printable
from zmqjsonproxy.errors import ProxyError

__all__ = ["KeyFileError", "KeysError", "TrustError"]


class KeysError(ProxyError):
    """Base of all errors about keys."""


class KeyFileError(KeysError):
    """A file or folder of keys cannot be used.

    Attributes:
        path: Of the file or folder.
        reason: What is wrong with it.
        remedy: What to type or to do; may be empty.
    """

    def __init__(self, path: Path, reason: str, remedy: str = "") -> None:
        super().__init__(printable(f"{path}: {reason}" + (f"; {remedy}" if remedy else "")))
        self.path, self.reason, self.remedy = path, reason, remedy


class TrustError(KeysError):
    """The public key of a server is not pinned: it did not answer, or with another key.

    Attributes:
        address: Where it was asked, `HOST:PORT`.
        reason: Why not.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.address, self.reason = address, reason
