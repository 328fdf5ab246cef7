"""Keys issued to clients: made, registered, and handed over in a bundle; how they are shown."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from commandline import fixed_row
from groundwork.values import JsonObject
from zmqjsonproxy.keys.errors import KeyFileError
from zmqjsonproxy.keys.files import write_private
from zmqjsonproxy.keys.protocol.documents import Bundle, ClientKey, write_bundle
from zmqjsonproxy.keys.protocol.keytexts import fingerprint
from zmqjsonproxy.keys.register import NewClient, new_client, register
from zmqjsonproxy.keys.ring import OWN_FILE, read_own_file, take_bundle
from zmqjsonproxy.rights import Role

__all__ = [
    "client_lines",
    "describe_client",
    "export_bundle",
    "issue_in_bundle",
    "issue_to_own",
    "registration_line",
]


def export_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle into a new file that nobody else may read.

    Raises:
        KeyFileError: It is there already, or cannot be written.
    """
    if path.is_symlink() or path.exists():
        raise KeyFileError(path, "is there already", "name another file, or remove it")
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KeyFileError(path, f"cannot be written: {reason}") from error
    try:
        write_private(folder, path, write_bundle(bundle))
    finally:
        os.close(folder)


def issue_in_bundle(
    key_dir: Path, name: str, role: Role, path: Path, pins: Mapping[str, str], *, replace: bool
) -> ClientKey:
    """Make the key of a client, let the servers of a key folder know it, and write the bundle.

    Args:
        key_dir: Key folder of the servers.
        name: Of the client.
        role: Its rights.
        path: Of the bundle.
        pins: Keys of servers that go with it.
        replace: A client of the same name is replaced.

    Raises:
        KeyFileError: A file cannot be used; then the client is not known, and has no bundle.
        ValueError: The name can be none.
    """
    made = new_client(name)
    export_bundle(path, Bundle(made.own, pins))
    try:
        return register(key_dir, name, role, made.public, made.digest, replace=replace)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def issue_to_own(
    own: Path, name: str, key_dir: Path | None, role: Role | None, *, replace: bool
) -> NewClient:
    """Make a key, let the servers of a key folder know it, and put it into a client's own folder.

    Args:
        own: Folder of the client's keys.
        name: Of the client.
        key_dir: Key folder of the servers; None: they are told by somebody else.
        role: Its rights there.
        replace: A client of the same name, and another own key, are replaced.

    Raises:
        KeyFileError: A file cannot be used; nothing was changed.
        ValueError: The name can be none.
    """
    made = new_client(name)
    if not replace and read_own_file(own) is not None:
        remedy = "give --replace to put a new one in its place"
        raise KeyFileError(own / OWN_FILE, "is there already", remedy)
    if key_dir is not None and role is not None:
        register(key_dir, name, role, made.public, made.digest, replace=replace)
    take_bundle(own, Bundle(made.own), replace=replace)
    return made


def registration_line(made: NewClient) -> str:
    """Return what an administrator types to let servers know a client; nothing in it is secret."""
    words = ["player", "keys", "new", made.own.name, "--role", "ROLE"]
    words += [f"--public={made.public}", f"--token-digest={made.digest}"]
    return " ".join(map(shlex.quote, words))


def describe_client(client: ClientKey) -> JsonObject:
    """Return a client as JSON holds it."""
    return {
        "name": client.name,
        "role": str(client.role),
        "revoked": client.is_revoked,
        "public": client.public,
        "fingerprint": fingerprint(client.public),
    }


def client_lines(clients: Iterable[ClientKey]) -> list[str]:
    """Return clients as people read them, a line each."""
    rows = (
        (each.name, "revoked" if each.is_revoked else each.role, fingerprint(each.public))
        for each in sorted(clients, key=lambda each: each.name)
    )
    return [fixed_row(row, (16, 8, 0)) for row in rows]
