"""Keys of servers and clients: their files, folders and bundles, pins, fingerprints."""

from zmqjsonproxy.keys.errors import KeyFileError, KeysError, TrustError
from zmqjsonproxy.keys.folder import KeyFolder
from zmqjsonproxy.keys.protocol.documents import ClientKey
from zmqjsonproxy.keys.protocol.keytexts import fingerprint, is_key
from zmqjsonproxy.keys.ring import KeyRing

__all__ = [
    "ClientKey",
    "KeyFileError",
    "KeyFolder",
    "KeyRing",
    "KeysError",
    "TrustError",
    "fingerprint",
    "is_key",
]
