"""Keys of a client: its own pair, and the keys of the servers it trusts (pins)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from zmqjsonproxy.keys.pair import KeyPair

__all__ = ["ClientKeys"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeys:
    """What a client needs for connections with keys.

    Attributes:
        name: Under which it is known to servers; empty: not told.
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
        """Return the keys in a folder; None: there is none, all connections are plain.

        Args:
            folder: None: `$DIBAS_KEYS`, else `~/.config/dealer-player/keys`.

        Raises:
            KeyFileError: Others may read or write it, or a file is broken.
        """
        raise NotImplementedError

    def for_server(self, url: str) -> str | None:
        """Return the public key that the server at `tcp://HOST:PORT` has to have; None: it is
        spoken to without keys.

        A pin of `HOST:PORT` wins over one of `HOST`. All names of the own host are one:
        `localhost`.
        """
        raise NotImplementedError
