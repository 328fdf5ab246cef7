"""Owner of a TCP connection or a listening port: the user of this computer, as Linux tells by
netlink `sock_diag`.

Where it does not (other systems, other network name spaces), the answer is None: not known.
"""

from __future__ import annotations

import contextlib
import socket
import struct

__all__ = ["owner_of_connection", "owner_of_listener"]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = struct.Struct("=IHHIIBBBBI")  # nlmsghdr, then inet_diag_req_v2 up to its states
_HEADER = struct.Struct("=IHHII")
_UID_AT = (
    _HEADER.size + 4 + 48 + 12
)  # inet_diag_msg: family..retrans, id, expires, rqueue, wqueue, uid
_ANY_COOKIE = b"\xff" * 8
_LISTEN = 10


def _uid(family: int, source: tuple[str, int], destination: tuple[str, int] | None) -> int | None:
    def packed(address: str) -> bytes:
        return socket.inet_pton(family, address.partition("%")[0]).ljust(16, b"\0")

    if not hasattr(socket, "AF_NETLINK"):
        return None
    far = destination or ("0.0.0.0" if family == socket.AF_INET else "::", 0)
    identity = (
        struct.pack("!HH", source[1], far[1])
        + packed(source[0])
        + packed(far[0])
        + b"\0" * 4
        + _ANY_COOKIE
    )
    length = _REQUEST.size + len(identity)
    head = _REQUEST.pack(
        length, _SOCK_DIAG_BY_FAMILY, 1, 1, 0, family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF
    )
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
            netlink.settimeout(0.2)
            netlink.send(head + identity)
            answer = netlink.recv(4096)
    except OSError:
        return None
    if len(answer) < _UID_AT + 4 or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None  # an error message: there is no such socket here
    if destination is None and answer[_HEADER.size + 1] != _LISTEN:
        return None
    return int(struct.unpack_from("=I", answer, _UID_AT)[0])


def owner_of_connection(peer: tuple[str, int], own: tuple[str, int]) -> int | None:
    """Return the uid behind the other end of a connection within this computer; None: not known.

    Args:
        peer: Address and port of the other end.
        own: Address and port of this end.
    """
    mapped = peer[0].removeprefix("::ffff:"), own[0].removeprefix("::ffff:")
    family = socket.AF_INET6 if ":" in mapped[0] else socket.AF_INET
    found = _uid(family, (mapped[0], peer[1]), (mapped[1], own[1]))
    if found is None and family == socket.AF_INET:  # an IPv6 socket that speaks to an IPv4 address
        found = _uid(
            socket.AF_INET6, (f"::ffff:{mapped[0]}", peer[1]), (f"::ffff:{mapped[1]}", own[1])
        )
    return found


def owner_of_listener(port: int) -> int | None:
    """Return the uid of the program that listens on a port of this computer; None: nobody does, or
    not known."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError):
            if (uid := _uid(family, (address, port), None)) is not None:
                return uid
    return None
