"""An array whose Players demand keys on the loopback address, and clients of each role."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.toy_bank import write_configuration

from zmqjsonproxy.keys import KeyRing, fingerprint
from zmqjsonproxy.keys.protocol.documents import Bundle
from zmqjsonproxy.keys.register import make_server, new_client, register
from zmqjsonproxy.keys.ring import take_bundle
from zmqjsonproxy.rights import Role

__all__ = ["KeyedArray"]


class KeyedArray:
    """Files of such an array in a folder: configuration, key folder, keys of clients.

    Args:
        folder: For all of them.
        banks: Bank -> table.
        key_port: Of its configuration.
    """

    def __init__(
        self, folder: Path, banks: Mapping[str, Mapping[str, Any]], *, key_port: int = 0
    ) -> None:
        self.folder, self.key_dir = folder, folder / "keys"
        self.public = make_server(self.key_dir).public
        self.fingerprint = fingerprint(self.public)
        lines = f"keys = true\nkey_port = {key_port}\nkey_dir = {json.dumps(str(self.key_dir))}"
        self.config = write_configuration(folder / "dibas.toml", banks, lines)

    def client(self, name: str, role: Role | None) -> Path:
        """Make keys of a client; their folder. None: servers do not know it."""
        made = new_client(name)
        if role is not None:
            register(self.key_dir, name, role, made.public, made.digest)
        own = self.folder / f"{name}-keys"
        take_bundle(own, Bundle(made.own, {"localhost": self.public}), replace=False)
        return own

    def ring(self, name: str, role: Role | None) -> KeyRing:
        """Make keys of a client; as it uses them."""
        ring = KeyRing.load(self.client(name, role))
        assert ring is not None
        return ring
