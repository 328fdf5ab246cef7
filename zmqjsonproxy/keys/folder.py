"""The key folder of a host: the key of its servers, and the clients they know, re-read while running.

keys/server.key          public and secret key of all servers of the host
keys/clients/NAME.key    name, role and public key of a client, whether it is revoked
keys/servers.toml        keys of other hosts' servers, where a server is a client of others
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundwork.closing import Closing
from zmqjsonproxy.keys.pair import KeyPair
from zmqjsonproxy.keys.protocol.documents import ClientKey

__all__ = ["KeyFolder"]


class KeyFolder(Closing):
    """Keys of a host. `find` and `find_token` are for any thread and take a microsecond.

    Once `watch` was called, a thread compares the contents of the files; what has changed holds
    within a second.

    Args:
        path: Of the folder.

    Raises:
        KeyFileError: It is not there, others may read or write in it, or a file is broken.
    """

    def __init__(self, path: Path) -> None:
        raise NotImplementedError

    @property
    def generation(self) -> int:
        """Number of changes of the known clients seen so far."""
        raise NotImplementedError

    def server(self) -> KeyPair:
        """Return the key of the servers of this host; KeyFileError: there is none yet."""
        raise NotImplementedError

    def clients(self) -> Mapping[str, ClientKey]:
        """Return the known clients, revoked ones too, by name."""
        raise NotImplementedError

    def find(self, public: str) -> ClientKey | None:
        """Return the client of a public key, which may be revoked; None: it is not known.

        The server's own key is that of the host itself, client `host` with all rights.
        """
        raise NotImplementedError

    def find_token(self, token: str) -> ClientKey | None:
        """Return the client of a token, which may be revoked; None: it is not known."""
        raise NotImplementedError

    def watch(self) -> None:
        """Begin to re-read the clients while running; logs what is wrong, and raises nothing."""
        raise NotImplementedError

    def close(self) -> None:
        """End the thread of `watch`."""
        raise NotImplementedError
