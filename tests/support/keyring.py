"""Keys in memory: those of a server with its clients, and those of a client; made anew by each
test."""

from __future__ import annotations

from dataclasses import dataclass, field

import zmq

from zmqjsonproxy.rights import KeyPair, Role, ServerKeys


def new_pair() -> KeyPair:
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


@dataclass
class Key:
    """A key of a client, as the server knows it."""

    name: str
    role: Role
    public: str
    token: str = ""
    is_revoked: bool = False


@dataclass
class ServerRing:
    """Keys of a server."""

    pair: KeyPair = field(default_factory=new_pair)
    known: dict[str, Key] = field(default_factory=dict)

    def keys(self, *, on_loopback: bool = True) -> ServerKeys:
        return ServerKeys(
            public=self.pair.public,
            secret=self.pair.secret,
            find=self.known.get,
            find_token=self.find_token,
            on_loopback=on_loopback,
        )

    def find_token(self, token: str) -> Key | None:
        found = (key for key in self.known.values() if key.token and key.token == token)
        return next(found, None)

    def client(self, name: str, role: Role = Role.OPERATE, token: str = "") -> ClientRing:
        """Make a key, which the server knows; the keys of its owner."""
        ring = ClientRing(self.pair.public)
        self.known[ring.pair.public] = Key(name, role, ring.pair.public, token)
        return ring

    def of(self, ring: ClientRing) -> Key:
        """Return what the server knows of a client's key."""
        return self.known[ring.pair.public]


@dataclass
class ClientRing:
    """Keys of a client, which knows one server, or those of several by their URLs."""

    server: str | None
    pair: KeyPair = field(default_factory=new_pair)
    servers: dict[str, str | None] = field(default_factory=dict)

    def for_server(self, url: str) -> str | None:
        return self.servers.get(url, self.server)
