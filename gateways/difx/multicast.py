"""Bridge to a DiFX network: datagrams of a multicast group, both ways, on one interface.

Off unless the configuration has it. What is set on sockets is read back: an interface, a TTL or a
buffer that is not as wanted is an error, or for the buffer a warning with its remedy.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil

from gateways.difx.errors import MulticastError
from gateways.difx.protocol.messages import Datagram, EncodedMessage, look_into
from gateways.difx.protocol.sequences import SequenceWatch

__all__ = ["BridgeSettings", "Bridges", "Membership", "MulticastBridge", "interface_address"]

log = logging.getLogger(__name__)

MAX_DATAGRAM_BYTES = 10_240
_AT_ONCE = 200
"""Datagrams that are read before other work of the loop has its turn."""
_IP_MULTICAST_ALL = 49  # Linux; the module socket has no name for it

Take = Callable[[Datagram], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """Network to which a bridge leads.

    Attributes:
        group: Multicast address; or one of the loopback network.
        port: UDP port.
        interface: Name or IPv4 address of the one interface that is used; empty: the only one that this host
            has beside the loopback.
        ttl: Of datagrams that are sent.
        buffer_bytes: Of the receiving socket.
    """

    group: str = "224.2.2.1"
    port: int = 50200
    interface: str = "lo"
    ttl: int = 3
    buffer_bytes: int = 4 << 20


def group_fault(group: str) -> str:
    """Return why an address cannot be that of a bridge; empty: it can."""
    try:
        address = ipaddress.IPv4Address(group)
    except ValueError:
        return f"{group!r:.40} is no IPv4 address"
    if address.is_multicast or address.is_loopback:
        return ""
    return f"{group} is neither a multicast group, 224.0.0.0 to 239.255.255.255, nor loopback"


def interface_address(interface: str) -> tuple[str, int]:
    """Return the IPv4 address and the index of an interface.

    Raises:
        MulticastError: There is none such, or none was named and there are several.
    """
    found = {
        name: each.address
        for name, addresses in psutil.net_if_addrs().items()
        for each in reversed(addresses)
        if each.family == socket.AF_INET
    }
    if not interface:
        others = {n: a for n, a in found.items() if not ipaddress.IPv4Address(a).is_loopback}
        if len(others) != 1:
            told = ", ".join(others) or "none"
            raise MulticastError(
                f"multicast: this host has several networks, or none ({told}); name one, interface = ..."
            )
        interface = next(iter(others))
    for name, address in found.items():
        if interface in (name, address):
            return address, socket.if_nametoindex(name)
    raise MulticastError(
        f"multicast: no interface {interface} with an IPv4 address; there are {', '.join(found)}"
    )


class MulticastBridge:
    """One group at one port. In a loop.

    Args:
        settings: Of it.

    Attributes:
        settings: As they hold.
        received: Datagrams that came from others.
        too_long: Those of them that were longer than 10,240 bytes, and were left out.
        unsent: Datagrams that could not be sent.
        sequences: Counts what did not arrive.
    """

    def __init__(self, settings: BridgeSettings) -> None:
        if why := group_fault(settings.group):
            raise MulticastError(f"multicast: {why}")
        self.settings = settings
        self.received = self.too_long = self.unsent = 0
        self.sequences = SequenceWatch()
        self._takers: dict[object, Take] = {}
        self._address, index = interface_address(settings.interface)
        self._is_multicast = ipaddress.IPv4Address(settings.group).is_multicast
        self._member = (
            socket.inet_aton(settings.group)
            + socket.inet_aton(self._address)
            + struct.pack("=i", index)
        )
        with contextlib.ExitStack() as stack:
            try:
                self._in = stack.enter_context(self._receiving())
                self._out = stack.enter_context(self._sending())
            except OSError as error:
                where = f"{settings.group} port {settings.port} on {settings.interface}"
                raise MulticastError(f"multicast: {where}: {error}") from error
            stack.pop_all()
        self._own = self._out.getsockname()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._in, self._read)

    def _receiving(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._widen(made)
            made.bind((self.settings.group, self.settings.port))
            if self._is_multicast:
                made.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
                made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, self._member)
        except BaseException:
            made.close()
            raise
        port = made.getsockname()[1]
        self.settings = replace(self.settings, port=port)
        return made

    def _widen(self, made: socket.socket) -> None:
        """Give a socket its buffer, and say so if it gets less."""
        wanted = self.settings.buffer_bytes
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
        self.buffer_bytes = made.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        if self.buffer_bytes < wanted:
            log.warning(
                "multicast: the system gives a buffer of %d bytes where %d are wanted; messages that come "
                "faster than they are read are lost: sysctl net.core.rmem_max=%d",
                self.buffer_bytes,
                wanted,
                wanted,
            )

    def _sending(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            made.bind((self._address, 0))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, self._member)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, self.settings.ttl)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            self._check(made)
        except BaseException:
            made.close()
            raise
        return made

    def _check(self, made: socket.socket) -> None:
        """Read back what was set."""
        self.ttl = made.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)
        found = made.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)
        self.interface_address = socket.inet_ntoa(found)
        if (self.ttl, self.interface_address) != (self.settings.ttl, self._address):
            raise MulticastError(
                f"multicast: TTL {self.ttl} on {self.interface_address} is set, where TTL "
                f"{self.settings.ttl} on {self._address} is wanted"
            )

    def add(self, key: object, take: Take) -> None:
        """Have a function called with each datagram that comes from others."""
        self._takers[key] = take

    def remove(self, key: object) -> bool:
        """Call it no more; whether nobody is left."""
        self._takers.pop(key, None)
        return not self._takers

    def send(self, data: bytes) -> None:
        """Send a datagram; one that cannot be sent is counted."""
        try:
            self._out.sendto(data, (self.settings.group, self.settings.port))
        except OSError as error:
            self.unsent += 1
            if self.unsent == 1:
                log.warning("multicast: a message could not be sent: %s", error)

    def send_for_client(self, data: bytes) -> None:
        """Send a client's datagram, which all who listen here get as well."""
        self.send(data)
        self._hand_out(look_into(data))

    def _read(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, source = self._in.recvfrom(MAX_DATAGRAM_BYTES + 1)
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("multicast: a message could not be read: %s", error)
                return
            if source == self._own:
                continue
            self.received += 1
            if len(data) > MAX_DATAGRAM_BYTES:
                self.too_long += 1
                continue
            datagram = look_into(data)
            if missing := self.sequences.take(datagram, source[0]):
                log.info("multicast: %d messages of %s are missing", missing, source[0])
            self._hand_out(datagram)

    def _hand_out(self, datagram: Datagram) -> None:
        for take in list(self._takers.values()):
            take(datagram)

    def close(self) -> None:
        """End it; may be called twice."""
        if self._in.fileno() >= 0:
            self._loop.remove_reader(self._in)
        self._in.close()
        self._out.close()


class Membership:
    """The bridge of one connection, which may change it. Close it.

    Args:
        bridges: Of the gateway.
        take: Gets each datagram that comes from others.
    """

    def __init__(self, bridges: Bridges, take: Take) -> None:
        self._bridges, self._take = bridges, take
        self._bridge: MulticastBridge | None = None

    @property
    def settings(self) -> BridgeSettings | None:
        """Settings that hold; None: it is closed."""
        return None if self._bridge is None else self._bridge.settings

    def change(self, group: str, port: int) -> None:
        """Listen and send elsewhere from now on, at once.

        Raises:
            MulticastError: That cannot be; all is as before.
        """
        new = self._bridges.get(group, port)
        new.add(self, self._take)
        before, self._bridge = self._bridge, new
        if before is not None and before is not new:
            self._bridges.release(before, self)

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        if self._bridge is not None:
            self._bridge.send_for_client(data)

    def close(self) -> None:
        """Hear and send nothing more; may be called twice."""
        before, self._bridge = self._bridge, None
        if before is not None:
            self._bridges.release(before, self)


class Bridges:
    """Bridges of a gateway: one for each group and port that somebody uses. In its loop.

    Args:
        settings: Of the gateway's own; of the others all but group and port are as there.

    Attributes:
        own: The gateway's own; None: it is not open.
    """

    def __init__(self, settings: BridgeSettings) -> None:
        self.settings = settings
        self._by_place: dict[tuple[str, int], MulticastBridge] = {}
        self._numbers: dict[str, int] = {}
        self.own: MulticastBridge | None = None

    def open(self) -> None:
        """Open the gateway's own, over which publications go; MulticastError: it cannot be had."""
        self.own = self.get(self.settings.group, self.settings.port)
        self.own.add(self, lambda _datagram: None)
        self.settings = self.own.settings

    def publish(self, message: EncodedMessage) -> None:
        """Send a message of the gateway's own, with the next number of its sender."""
        if self.own is not None:
            sender = message.header.sender
            number = self._numbers[sender] = self._numbers.get(sender, 0) + 1
            self.own.send(message.numbered(number))

    def join(self, take: Take) -> Membership:
        """Return the membership of a connection, at first in the gateway's own group.

        Args:
            take: Gets each datagram that comes from others.

        Raises:
            MulticastError: It cannot be had.
        """
        membership = Membership(self, take)
        membership.change(self.settings.group, self.settings.port)
        return membership

    def get(self, group: str, port: int) -> MulticastBridge:
        """Return the bridge of a group and port, which is made if need be."""
        found = self._by_place.get((group, port))
        if found is None:
            found = MulticastBridge(replace(self.settings, group=group, port=port))
            self._by_place[group, found.settings.port] = found
        return found

    def release(self, bridge: MulticastBridge, key: object) -> None:
        """Close a bridge that nobody uses any more."""
        if bridge.remove(key):
            self._by_place.pop((bridge.settings.group, bridge.settings.port), None)
            bridge.close()

    def close(self) -> None:
        """Close all; may be called twice."""
        bridges, self._by_place, self.own = self._by_place, {}, None
        for bridge in bridges.values():
            bridge.close()
