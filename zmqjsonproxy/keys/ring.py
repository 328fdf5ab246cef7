"""Keys of a client: its own pair, and the keys of the servers that it trusts (pins).

client.key      name, secret key, and token of this client
servers.toml    public keys of servers, by host, or by host and port
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from groundwork.addresses import split_url
from zmqjsonproxy.keys.errors import KeyFileError
from zmqjsonproxy.keys.files import (
    changing,
    make_folder,
    open_folder,
    read_if_there,
    read_private,
    write_private,
)
from zmqjsonproxy.keys.pair import pair_of_secret
from zmqjsonproxy.keys.protocol.documents import (
    PLAIN,
    Bundle,
    OwnKey,
    pin_name,
    read_bundle,
    read_own,
    read_pins,
    write_own,
    write_pins,
)
from zmqjsonproxy.rights import KeyPair

__all__ = [
    "OWN_FILE",
    "PINS_FILE",
    "KeyRing",
    "add_pins",
    "own_folder",
    "read_bundle_file",
    "read_own_file",
    "read_pins_file",
    "take_bundle",
]

OWN_FILE = "client.key"
PINS_FILE = "servers.toml"


def own_folder(environment: Mapping[str, str]) -> Path | None:
    """Return where this user's keys are: `$DIBAS_KEYS`, else `~/.config/dealer-player/keys`; None:
    `$DIBAS_KEYS` is empty, no keys are used."""
    given = environment.get("DIBAS_KEYS")
    if given is not None:
        return Path(given).absolute() if given else None
    config = environment.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    return Path(config) / "dealer-player" / "keys"


def _check_named(folder: Path) -> None:
    """Refuse a folder that somebody has named and that is not there: plain connections in its place
    would be refused elsewhere, with less to say."""
    if not folder.exists():
        remedy = (
            "correct DIBAS_KEYS, put keys there (dealer keys new, dealer keys import), or unset it"
        )
        raise KeyFileError(folder, "is not there, and DIBAS_KEYS names it", remedy)


def _read_file(path: Path) -> str | None:
    """Return the text of a file of keys; None: it is not there, or its folder is not."""
    try:
        folder = open_folder(path.parent)
    except KeyFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    try:
        return read_if_there(folder, path)
    finally:
        os.close(folder)


def read_own_file(folder: Path) -> OwnKey | None:
    """Return the client's own key in a folder; None: there is none. KeyFileError: it cannot be
    used."""
    path = folder / OWN_FILE
    text = _read_file(path)
    try:
        return None if text is None else read_own(text)
    except ValueError as error:
        raise KeyFileError(path, str(error), "type: dealer keys import BUNDLE --replace") from error


def read_pins_file(folder: Path) -> dict[str, str]:
    """Return the pins in a folder; empty: there are none. KeyFileError: they cannot be used."""
    path = folder / PINS_FILE
    text = _read_file(path)
    try:
        return {} if text is None else read_pins(text)
    except ValueError as error:
        raise KeyFileError(path, str(error), "correct it there") from error


def read_bundle_file(path: Path) -> Bundle:
    """Return a bundle; KeyFileError: it is none, or others may read it."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KeyFileError(path, f"cannot be read: {reason}") from error
    try:
        return read_bundle(read_private(folder, path))
    except ValueError as error:
        raise KeyFileError(path, f"is no bundle of keys: {error}") from error
    finally:
        os.close(folder)


def add_pins(folder: Path, pins: Mapping[str, str], *, replace: bool) -> dict[str, str]:
    """Add pins to those in a folder, which is made if there is none.

    Args:
        folder: Of the client's keys.
        pins: `HOST` or `HOST:PORT` -> public key, or `plain`.
        replace: Others in their place are replaced.

    Returns:
        What stands in their place and differs, and was replaced only if `replace` says so.

    Raises:
        KeyFileError: The folder or the file cannot be used.
    """
    make_folder(folder)
    with changing(folder) as descriptor:
        known = read_pins_file(folder)
        others = {at: known[at] for at, key in pins.items() if known.get(at, key) != key}
        if replace or not others:
            write_private(descriptor, folder / PINS_FILE, write_pins({**known, **pins}))
    return others


def take_bundle(folder: Path, bundle: Bundle, *, replace: bool) -> None:
    """Put the keys of a bundle into a client's folder, which is made if there is none.

    Args:
        folder: Of the client's keys.
        bundle: What to put there.
        replace: Another own key, and other keys of servers, are replaced.

    Raises:
        KeyFileError: Another key is there, or the folder cannot be used; nothing was changed.
    """
    make_folder(folder)
    with changing(folder) as descriptor:
        own, known = read_own_file(folder), read_pins_file(folder)
        remedy = "give --replace to put these in their place"
        if not replace and own not in (None, bundle.own):
            raise KeyFileError(folder / OWN_FILE, "is another key", remedy)
        others = [at for at, key in bundle.pins.items() if known.get(at, key) != key]
        if others and not replace:
            reason = f"has other keys of {', '.join(others)}"
            raise KeyFileError(folder / PINS_FILE, reason, remedy)
        write_private(descriptor, folder / OWN_FILE, write_own(bundle.own))
        pins = {**known, **bundle.pins}
        if pins:
            write_private(descriptor, folder / PINS_FILE, write_pins(pins))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Keys of a client for its connections: `zmqjsonproxy.rights.ClientKeys`.

    Attributes:
        name: Under which servers know it.
        pair: Its own keys.
        token: Word by which HTTP endpoints know the same client; empty: none.
        pins: `HOST` or `HOST:PORT` -> public key of the servers there, or `plain`.
    """

    name: str
    pair: KeyPair
    token: str = field(default="", repr=False)
    pins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path | None = None) -> Self | None:
        """Return the keys in a folder; None: there is no own key, all connections are plain.

        Args:
            folder: None: as `own_folder` says.

        Raises:
            KeyFileError: Others may use them, or a file is broken; `$DIBAS_KEYS` names a folder that
                is not there.
        """
        place = own_folder(os.environ) if folder is None else folder
        if folder is None and place is not None and os.environ.get("DIBAS_KEYS"):
            _check_named(place)
        own = None if place is None else read_own_file(place)
        if place is None or own is None:
            return None
        pair = pair_of_secret(own.secret)
        return cls(name=own.name, pair=pair, token=own.token, pins=read_pins_file(place))

    def for_server(self, url: str) -> str | None:
        """Return the public key that the server at `tcp://HOST:PORT` has to have; None: it is
        spoken to without keys.

        A pin of `HOST:PORT` wins over one of `HOST`. All names of the own host's loopback are one,
        `localhost`.
        """
        try:
            host, port = split_url(url)
            name = pin_name(host)
        except ValueError:  # of another transport, or no host of a network
            return None
        at = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        found = self.pins.get(at, self.pins.get(name))
        return None if found == PLAIN else found
