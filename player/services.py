"""The name under which a Player, or an endpoint of it, is found: a port that the port manager lends for
as long as it lives.

The connection to the port manager is the name. When it is lost, the Player serves on and registers
again.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from groundwork.portranges import ServerInRange, split_ports
from player.errors import (
    NotReadyError,
    NotRegisteredError,
    PlayerError,
    PortTakenError,
    ServiceError,
)
from player.ports import local_url, split_url, tcp_url
from portmanager import PortManager, PortManagerError
from portmanager.conversation import own_user
from portmanager.protocol.urls import ServiceAddress
from zmqjsonproxy.portsearch import locate
from zmqjsonproxy.resolver import NotResolvedError
from zmqjsonproxy.rights import ClientKeys

__all__ = ["Registration", "found_in_range", "reached_at"]

log = logging.getLogger(__name__)

ANSWER_S = 1.0
"""A Player ends within 5 s, whatever its port manager does."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.1, 10.0
"""Between attempts to register again; the pauses grow, and are randomised: many Players lose it at
the same moment."""
WITHOUT = "A Player whose player_port is a number needs none"
TRIES = 8
"""Ports that are asked for if those that were lent are taken: servers of the original lend them
untested."""

T = TypeVar("T")


def reached_at(url: str, host: str | None = None) -> str:
    """Ask a port manager where a service is: of several users' that of our own.

    Args:
        url: `service://HOST:PORT/NAME`.
        host: On which its port manager is asked; None: as the URL says.

    Returns:
        `tcp://HOST:PORT`.

    Raises:
        NotRegisteredError: There is none.
        ServiceError: There are several, or the port manager does not answer.
    """
    address = ServiceAddress.read(url)
    where = host or address.manager.host
    manager = f"{where} port {address.manager.port}"
    try:
        with PortManager(where, address.manager.port, timeout=ANSWER_S) as client:
            found = client.search(service=address.service)
    except (OSError, PortManagerError) as error:
        raise ServiceError(address.service, manager, f"it does not answer: {error}") from error
    found = [one for one in found if one.user == own_user()] or found
    if not found:
        raise NotRegisteredError(
            address.service, manager, "its Player is not registered; does it run?"
        )
    if len(found) > 1:
        users = ", ".join(one.user for one in found)
        raise ServiceError(address.service, manager, f"it is there several times, of {users}")
    return tcp_url(where, found[0].port)


def found_in_range(
    url: str,
    bank: str,
    host: str | None = None,
    within: float = ANSWER_S,
    *,
    keys: ClientKeys | None = None,
) -> str:
    """Ask all ports of a range for the Player of a Bank.

    Args:
        url: `tcp://HOST:FIRST-LAST`, where it serves.
        bank: Its Bank.
        host: On which it is asked; None: as the URL says.
        within: s.
        keys: Of whoever asks; None: without keys.

    Returns:
        `tcp://HOST:PORT`.

    Raises:
        NotReadyError: It is at none of them.
    """
    where = host or split_url(local_url(tcp_url(split_ports(url)[0], 1)))[0]
    try:
        return locate(ServerInRange(where, url.rpartition(":")[2], bank).url, within, keys)
    except NotResolvedError as error:
        raise NotReadyError(bank, url, str(error)) from error


class Registration:
    """One name. Made by `Registration(address).take(serve)`.

    Args:
        address: The service, and its port manager.
        move: Called in a thread if another port was lent after a restart of the port manager:
            serves there, too; None:
            that can only be told.
        within: A port manager that is not there is waited for so long when the port is taken, s.

    Attributes:
        port: The one that is lent.
    """

    def __init__(
        self,
        address: ServiceAddress,
        *,
        move: Callable[[int], None] | None = None,
        within: float = 10.0,
    ) -> None:
        self.address, self._move, self._within = address, move, within
        self.port = 0
        self._client: PortManager | None = None
        self._ended = threading.Event()

    def take(self, serve: Callable[[int], T]) -> T:
        """Have a port lent and serve there; what `serve` returns.

        Args:
            serve: Of a port; raises PortTakenError if it cannot be had, and then is called with
                another one.

        Raises:
            ServiceError: There is no port manager, or it lends none.
            PlayerError: As of `serve`.
        """
        served = self._serve_at_a_lent_port(serve, time.monotonic() + self._within)
        log.info(
            "%s of %s: port %d is lent by the port manager",
            self.address.service,
            own_user(),
            self.port,
        )
        threading.Thread(
            target=self._keep, name=f"name {self.address.service}", daemon=True
        ).start()
        return served

    def _serve_at_a_lent_port(self, serve: Callable[[int], T], until: float) -> T:
        held: list[PortManager] = []  # until the end, or the same bad port would be lent again
        try:
            while True:
                held.append(self._connect(until))
                port = held[-1].get_port(self.address.service)
                try:
                    served = serve(port)
                except PortTakenError as error:
                    if len(held) == TRIES:
                        raise
                    log.warning(
                        "%s: lent port %d, but %s; asks for another",
                        self.address.service,
                        port,
                        error,
                    )
                    continue
                before, self._client, self.port = self._client, held.pop(), port
                if before is not None:
                    before.close()
                return served
        except PortManagerError as error:
            raise ServiceError(
                self.address.service, str(self.address.manager), f"no port is lent: {error}"
            ) from error
        finally:
            for client in held:
                client.close()

    def _connect(self, until: float) -> PortManager:
        manager, said = self.address.manager, False
        while True:
            try:
                return PortManager(manager.host, manager.port, timeout=ANSWER_S)
            except OSError as error:
                if time.monotonic() >= until or self._ended.is_set():
                    text = f"no port is lent: {error}; is it running on this host (portmanager check)? {WITHOUT}"
                    raise ServiceError(self.address.service, str(manager), text) from error
                if not said:
                    log.warning(
                        "%s waits for the port manager at %s: %s",
                        self.address.service,
                        manager,
                        error,
                    )
                    said = True
            time.sleep(0.1)  # interrupted by the signal to end, in the main thread

    def _keep(self) -> None:
        """Register again whenever the connection is lost."""
        while self._client is not None:
            self._client.wait_until_lost()
            if self._ended.is_set():
                return
            log.warning(
                "%s: the connection to the port manager at %s is lost; serves on at port %d, and registers again",
                self.address.service,
                self.address.manager,
                self.port,
            )
            self._register_again()

    def _register_again(self) -> None:
        pause, said = FIRST_PAUSE_S, ""
        while not self._ended.wait(pause * random.uniform(0.5, 1.0)):
            try:
                self._ask_again()
            except (OSError, PortManagerError, PlayerError) as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("%s cannot register yet: %s", self.address.service, said)
                pause = min(2 * pause, LAST_PAUSE_S)
            else:
                return

    def _ask_again(self) -> None:
        assert self._client is not None
        self._client.reacquire()
        port = self._client.lent[0].port
        if port == self.port:
            log.info("%s is registered again, at port %d as before", self.address.service, port)
            return
        log.warning(
            "%s is registered again, and was lent port %d; it was %d",
            self.address.service,
            port,
            self.port,
        )
        if self._move is None:
            log.error(
                "%s cannot move: it is listed at port %d and serves at %d; restart its Player",
                self.address.service,
                port,
                self.port,
            )
            self.port = port
            return
        try:
            self._move(port)
        except PortTakenError as error:
            log.warning("%s: %s; asks for another port", self.address.service, error)
            self._serve_at_a_lent_port(self._move, time.monotonic())
        self.port = self._client.lent[0].port
        log.warning(
            "%s serves at port %d from now on, and where it did", self.address.service, self.port
        )

    def close(self) -> None:
        """Give the name and the port back. Idempotent."""
        self._ended.set()
        if self._client is not None:
            self._client.close()
