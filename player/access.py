"""Who may come in to a Player: at which addresses keys are demanded, and the keys of this host."""

from __future__ import annotations

from groundwork.closing import Closing
from player.tables import Config
from zmqjsonproxy.keys import KeyFolder, KeyRing
from zmqjsonproxy.rights import Role

__all__ = ["Access"]


class Access(Closing):
    """Keys of one Player, made of `[instrument] keys, insecure, key_dir, original_role`.

    Args:
        config: The whole configuration.
    """

    def __init__(self, config: Config) -> None:
        raise NotImplementedError

    def is_demanded(self, host: str) -> bool:
        """Tell whether who comes to an address of this host needs a key there."""
        raise NotImplementedError

    def folder(self) -> KeyFolder:
        """Return the key folder of this host, watched; the same one each time.

        Raises:
            KeysMissingError: There is none, with what to type.
            KeyFileError: It cannot be used.
        """
        raise NotImplementedError

    @property
    def original_role(self) -> Role | None:
        """Right of clients of the original at this host's loopback address; None: none at all."""
        raise NotImplementedError

    def client_keys(self) -> KeyRing | None:
        """Return the keys by which this Player reaches others, and itself; None: without keys."""
        raise NotImplementedError

    def close(self) -> None:
        """End the re-reading of the folder."""
        raise NotImplementedError
