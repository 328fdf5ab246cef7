"""Files of keys as texts (TOML), both ways. No files are read here.

server.key         secret, public: of all servers of a host
clients/NAME.key   name, role, public, revoked, token_digest: a client that servers know
client.key         name, secret, token: what makes a client that one
servers.toml       [servers]: "HOST" or "HOST:PORT" = public key, or "plain"
a bundle           [client] as client.key, [servers] as servers.toml
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from groundwork.addresses import checked_host, is_ip, is_loopback_host
from groundwork.values import JsonObject
from zmqjsonproxy.keys.protocol.keytexts import is_key
from zmqjsonproxy.rights import Role, read_role

__all__ = [
    "HOST",
    "NAME_FORM",
    "PLAIN",
    "Bundle",
    "ClientKey",
    "OwnKey",
    "checked_name",
    "pin_name",
    "read_bundle",
    "read_client",
    "read_own",
    "read_pins",
    "read_server",
    "write_bundle",
    "write_client",
    "write_own",
    "write_pins",
    "write_server",
]

NAME_FORM = "letters, digits and . _ @ -, at most 64, as anna or gui.control-room"
HOST = "host"
"""Name of the servers of a host as clients: whoever has their secret key."""
PLAIN = "plain"
"""Pin of a server that is spoken to without keys."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,100}\Z")
_PIN = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:]*)):(?P<port>[0-9]{1,5})\Z")
_ABOUT_SERVER = "# Secret: whoever has this is the servers of this host.\n"
_ABOUT_CLIENT = "# A client that servers know by its public key. revoked = true: it is refused.\n"
_ABOUT_OWN = "# Secret: whoever has this is this client.\n"
_ABOUT_PINS = '# Public keys of servers, by "HOST" or "HOST:PORT"; "plain": without keys.\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A client that a server knows.

    Attributes:
        name: Of the person or program.
        role: Highest right it has.
        public: Its public key.
        is_revoked: It is known, and refused.
        token_digest: SHA-256 of its token in hexadecimal; empty: it has none.
    """

    name: str
    role: Role
    public: str
    is_revoked: bool = False
    token_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """Proof of a client: the secret key, and a token for web pages."""

    name: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A client's key as it travels, with the servers it is for."""

    own: OwnKey
    pins: Mapping[str, str] = field(default_factory=dict)


def checked_name(name: str) -> str:
    """Return the name of a client; ValueError: it is none."""
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name of a client; write one of {NAME_FORM}")
    if name.lower() == HOST:
        raise ValueError(f"{HOST} is the name of the servers themselves; take another one")
    return name


def pin_name(text: str) -> str:
    """Return a host, or `HOST:PORT`, as pins have it: in lower case, `localhost` for all of the
    own host's loopback; ValueError: it is none."""
    match = _PIN.match(text)
    if match is None:
        return _host(text)
    host, port = match["six"] or match["host"], int(match["port"])
    if not 0 < port < 65536:
        raise ValueError(f"{text!r}: a port is a number from 1 to 65535")
    name = _host(host)
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _host(text: str) -> str:
    host = checked_host(text)
    if is_loopback_host(host):
        return "localhost"
    return host if is_ip(host) else host.lower().rstrip(".")


# to texts: every value was checked, and has nothing in it that TOML would have to escape


def _lines(table: Mapping[str, str | bool]) -> str:
    def shown(value: str | bool) -> str:
        return str(value).lower() if isinstance(value, bool) else f'"{value}"'

    return "".join(f"{key} = {shown(value)}\n" for key, value in table.items())


def write_server(public: str, secret: str) -> str:
    """Return the text of `server.key`."""
    return _ABOUT_SERVER + _lines({"public": public, "secret": secret})


def write_client(client: ClientKey) -> str:
    """Return the text of `clients/NAME.key`."""
    table: dict[str, str | bool] = {"name": client.name, "role": str(client.role)}
    table |= {"public": client.public, "revoked": client.is_revoked}
    if client.token_digest:
        table["token_digest"] = client.token_digest
    return _ABOUT_CLIENT + _lines(table)


def _own_lines(own: OwnKey) -> str:
    token = {"token": own.token} if own.token else {}
    return _lines({"name": own.name, "secret": own.secret, **token})


def write_own(own: OwnKey) -> str:
    """Return the text of `client.key`."""
    return _ABOUT_OWN + _own_lines(own)


def _pin_lines(pins: Mapping[str, str]) -> str:
    return "[servers]\n" + "".join(f'"{at}" = "{key}"\n' for at, key in sorted(pins.items()))


def write_pins(pins: Mapping[str, str]) -> str:
    """Return the text of `servers.toml`."""
    return _ABOUT_PINS + _pin_lines(pins)


def write_bundle(bundle: Bundle) -> str:
    """Return the text of a bundle."""
    return f"{_ABOUT_OWN}[client]\n{_own_lines(bundle.own)}\n{_pin_lines(bundle.pins)}"


# from texts: ValueError says what is wrong, and shows no value that may be a secret


def _table(text: str, needed: Collection[str], optional: Collection[str] = ()) -> JsonObject:
    try:
        table: JsonObject = tomllib.loads(text)
    except (ValueError, RecursionError):  # whose text may show what stands there
        raise ValueError("not TOML") from None
    _check_keys(table, needed, optional)
    return table


def _check_keys(table: JsonObject, needed: Collection[str], optional: Collection[str]) -> None:
    for key in needed:
        if key not in table:
            raise ValueError(f"{key} is missing")
    for key in table:
        if key not in needed and key not in optional:
            known = ", ".join([*needed, *optional])
            raise ValueError(f"{ascii(key)[:60]} is an unknown key; there are {known}")


def _key(table: JsonObject, name: str) -> str:
    value = table[name]
    if not (isinstance(value, str) and is_key(value)):
        raise ValueError(f"{name} is no key, which has 40 characters of Z85")
    return value


def read_server(text: str) -> tuple[str, str]:
    """Return (public, secret) of the text of `server.key`."""
    table = _table(text, ("public", "secret"))
    return _key(table, "public"), _key(table, "secret")


def read_client(text: str, name: str) -> ClientKey:
    """Return the client of the text of `clients/NAME.key`."""
    table = _table(text, ("name", "role", "public"), ("revoked", "token_digest"))
    if table["name"] != checked_name(name):
        raise ValueError(f"name is not {name}, as the file is called")
    revoked, digest = table.get("revoked", False), table.get("token_digest", "")
    if not isinstance(revoked, bool):
        raise ValueError("revoked is neither true nor false")
    if not isinstance(digest, str) or not (digest == "" or _DIGEST.match(digest)):
        raise ValueError("token_digest is no SHA-256 in 64 hexadecimal digits")
    return ClientKey(
        name=name,
        role=read_role(str(table["role"])),
        public=_key(table, "public"),
        is_revoked=revoked,
        token_digest=digest,
    )


def _own(table: JsonObject) -> OwnKey:
    name, token = table["name"], table.get("token", "")
    if not isinstance(name, str):
        raise ValueError("name is no text")
    if not isinstance(token, str) or not (token == "" or _TOKEN.match(token)):
        raise ValueError("token is none that was made here")
    return OwnKey(name=checked_name(name), secret=_key(table, "secret"), token=token)


def read_own(text: str) -> OwnKey:
    """Return what the text of `client.key` holds."""
    return _own(_table(text, ("name", "secret"), ("token",)))


def _pins(table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ValueError("servers is no table")
    pins: dict[str, str] = {}
    for at, key in table.items():
        name = pin_name(at)
        if key != PLAIN and not is_key(key):
            raise ValueError(f"{name} stands for no key, and not for {PLAIN}")
        if name in pins:
            raise ValueError(f"{name} is there twice")
        pins[name] = key
    return pins


def read_pins(text: str) -> dict[str, str]:
    """Return `HOST` or `HOST:PORT` -> public key or `plain` of the text of `servers.toml`."""
    return _pins(_table(text, ("servers",))["servers"])


def read_bundle(text: str) -> Bundle:
    """Return what the text of a bundle holds."""
    table = _table(text, ("client",), ("servers",))
    client = table["client"]
    if not isinstance(client, dict):
        raise ValueError("client is no table")
    _check_keys(client, ("name", "secret"), ("token",))
    return Bundle(_own(client), _pins(table.get("servers", {})))
