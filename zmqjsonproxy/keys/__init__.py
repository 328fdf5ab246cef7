"""Keys of servers and clients: their files, folders and bundles, pins, fingerprints."""

from zmqjsonproxy.keys.clientkeys import ClientKeys
from zmqjsonproxy.keys.errors import KeyFileError, KeysError, TrustError
from zmqjsonproxy.keys.folder import KeyFolder
from zmqjsonproxy.keys.pair import KeyPair, fingerprint, is_key
from zmqjsonproxy.keys.protocol.documents import ClientKey

__all__ = [
    "ClientKey",
    "ClientKeys",
    "KeyFileError",
    "KeyFolder",
    "KeyPair",
    "KeysError",
    "TrustError",
    "fingerprint",
    "is_key",
]
