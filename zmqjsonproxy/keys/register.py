"""Changes of a key folder: the servers' key made, clients registered and revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from zmqjsonproxy.keys.errors import KeyFileError
from zmqjsonproxy.keys.files import changing, make_folder, write_private
from zmqjsonproxy.keys.folder import CLIENTS, SERVER_FILE, SUFFIX, KeyFolder, token_digest
from zmqjsonproxy.keys.pair import new_pair
from zmqjsonproxy.keys.protocol.documents import (
    ClientKey,
    OwnKey,
    checked_name,
    read_client,
    write_client,
    write_server,
)
from zmqjsonproxy.rights import KeyPair, Role

__all__ = ["NewClient", "make_server", "new_client", "register", "revoke"]


@dataclass(frozen=True, slots=True)
class NewClient:
    """A key pair and token that were just made: what its owner gets, and what servers get."""

    own: OwnKey
    public: str
    digest: str


def new_client(name: str) -> NewClient:
    """Return keys for a client of a name; ValueError: that cannot be one."""
    pair, token = new_pair(), secrets.token_urlsafe(32)
    own = OwnKey(name=checked_name(name), secret=pair.secret, token=token)
    return NewClient(own, pair.public, token_digest(token))


def make_server(folder: Path) -> KeyPair:
    """Make the key of the servers of this host, and the folder, if there is none.

    Raises:
        KeyFileError: There is one already, or the folder cannot be used.
    """
    make_folder(folder)
    make_folder(folder / CLIENTS)
    path = folder / SERVER_FILE
    with changing(folder) as descriptor:
        if path.is_symlink() or path.exists():
            remedy = "clients have pinned it; to make another one, move it away first"
            raise KeyFileError(path, "is there already", remedy)
        pair = new_pair()
        write_private(descriptor, path, write_server(*pair))
    return pair


def register(
    folder: Path, name: str, role: Role, public: str, digest: str = "", *, replace: bool = False
) -> ClientKey:
    """Let servers know a client, from the next second on.

    Args:
        folder: Key folder, which is made if there is none.
        name: Of the client.
        role: Its rights.
        public: Its public key.
        digest: Of its token, as `token_digest` has it; empty: it has none.
        replace: One of the same name is replaced, revoked or not.

    Raises:
        KeyFileError: There is a client of that name, or with that key; or the folder cannot be
            used.
        ValueError: Name, key or digest is none.
    """
    text = write_client(
        ClientKey(name=checked_name(name), role=role, public=public, token_digest=digest)
    )
    client = read_client(text, name)  # nothing is written that could not be read
    make_folder(folder)
    make_folder(folder / CLIENTS)
    path = folder / CLIENTS / f"{name}{SUFFIX}"
    with changing(folder / CLIENTS) as descriptor:
        if (path.is_symlink() or path.exists()) and not replace:
            raise KeyFileError(path, "is there already", "take another name, or give --replace")
        for other in KeyFolder(folder).clients().values():
            if other.public == public and other.name != name:
                raise KeyFileError(folder, f"{other.name} has this key already")
            if other.name != name and other.name.lower() == name.lower():
                reason = f"there is {other.name} already, which people would take for {name}"
                raise KeyFileError(folder, reason, "take another name")
        write_private(descriptor, path, text)
    return client


def revoke(folder: Path, name: str) -> ClientKey:
    """Refuse a client from the next second on; its file stays, so that it is told so.

    Raises:
        KeyFileError: There is no such client, or the folder cannot be used.
    """
    with changing(folder / CLIENTS) as descriptor:
        known = KeyFolder(folder)
        path = folder / CLIENTS / f"{name}{SUFFIX}"
        client = known.clients().get(name)
        if client is None:
            for fault in known.faults:
                if fault.path == path:
                    raise fault
            names = ", ".join(known.clients()) or "nobody"
            raise KeyFileError(folder, f"no client {name!r} is known; there is {names}")
        revoked = replace(client, is_revoked=True)
        write_private(descriptor, path, write_client(revoked))
    return revoked
