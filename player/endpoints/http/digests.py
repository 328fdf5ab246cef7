"""Checksums of whole files for who asks for them (RFC 9530), kept by the identity of the file."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections import OrderedDict

from zmqjsonproxy.files.areas import OpenFile
from zmqjsonproxy.files.protocol.identity import FileIdentity

__all__ = ["Digests", "wants_digest"]

_MAX_KEPT = 1000
_BLOCK_BYTES = 2**20


def wants_digest(header: str) -> bool:
    """Tell whether a `Want-Repr-Digest` wants SHA-256; 0 is how it says no."""
    wishes = (wish.strip().partition("=") for wish in header.lower().split(","))
    return any(name == "sha-256" and weight.strip() != "0" for name, _, weight in wishes)


class Digests:
    """SHA-256 of files; one is read at a time. For any thread that may wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[FileIdentity, str] = OrderedDict()

    def header(self, file: OpenFile) -> str:
        """Return the value of `Repr-Digest`; empty: the file was written to while it was read."""
        with self._lock:
            identity = file.identity()
            known = self._known.get(identity)
            if known is not None:
                self._known.move_to_end(identity)
                return known
            digest = hashlib.sha256()
            for first in range(0, identity.size, _BLOCK_BYTES):
                size = min(_BLOCK_BYTES, identity.size - first)
                digest.update(os.pread(file.descriptor, size, first))
            if file.identity() != identity:
                return ""
            found = f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
            self._known[identity] = found
            if len(self._known) > _MAX_KEPT:
                self._known.popitem(last=False)
            return found
