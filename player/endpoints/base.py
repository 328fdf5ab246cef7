"""Base of endpoints, as the host sees them: ways in to the Bank. Knows no protocol and no socket.

The endpoint for calls is always there. A site's own endpoints are named in the file,
`[banks.X.endpoints.NAME]`, and found by entry point (`dealer_player.endpoints`); see `SiteEndpoint`.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from groundwork.portranges import is_range, read_range
from player.errors import PortTakenError
from player.findings import Finding
from player.ports import first_free, tcp_url
from player.tables import EndpointConfig

if TYPE_CHECKING:
    from player.access import Access
    from player.bank import Bank, BankLog

__all__ = ["Endpoint", "EndpointContext", "SiteEndpoint"]

T = TypeVar("T")


class Endpoint(ABC):
    """One way in. The host makes it (which takes the address), opens it on the Bank, and closes it
    at the end.

    The address is taken before the Bank touches a device, so that a second Player on it ends before
    it does harm.
    """

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it serves, with the port that the system chose if none was given."""

    @abstractmethod
    def open(self, bank: Bank) -> None:
        """Begin to serve an opened Bank; returns at once."""

    @abstractmethod
    def close(self) -> None:
        """Serve no more calls and give the address back; within 2 s; may be called twice, and
        without `open`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointContext:
    """Surroundings of an endpoint, as the host tells it.

    Attributes:
        name: Of the endpoint, as in the file.
        bank: Name of the Bank.
        config: The validated `[banks.<bank>.endpoints.<name>]` table, an instance of the endpoint's
            `config_model()`.
        bind: Address to serve on: the endpoint's own, the Bank's, the instrument's.
        log: Logger with the Bank's name bound.
        on_end: To be called with a sentence if the endpoint ends by itself; then the Player ends.
        on_quit: To be called with a sentence if a client asks for the end of the Player.
        lend: Has a port lent under a name; see `serve`.
        url: Where this host reaches the endpoint for calls.
        directory: Where relative paths of the configuration begin.
        areas: Folders whose files clients of the Bank may fetch, by name.
        check_control: To be called before something is changed for a client that can have no
            control; raises NotInControlError, with a sentence, if somebody has, or commands need it.
        access: At which addresses keys are demanded, and the keys of this host; None: nowhere.
    """

    name: str
    bank: str
    config: EndpointConfig
    bind: str
    log: BankLog
    on_end: Callable[[str], None]
    on_quit: Callable[[str], None]
    lend: Callable[[str, Callable[[int], Any]], Any]
    url: str
    directory: Path
    areas: Mapping[str, Path]
    check_control: Callable[[], None] = lambda: None
    access: Access | None = None

    def serve(self, port: int | str, at: Callable[[int], T]) -> T:
        """Serve at a port of the endpoint's table, a `player.tables.PortOrService`; what `at` returns.

        Args:
            port: A number; `FIRST-LAST`: the first of these that is free; or `service:NAME`: a
                port is lent under that name for as long as the Player lives.
            at: Takes the port; raises OSError (EADDRINUSE) if it is taken, and then gets another
                one, if there is one.

        Raises:
            ServiceError: The port manager of this host lends none.
            PortTakenError: The port, or each of the range, is taken.
            OSError: As of `at`.
        """

        def serve(number: int) -> T:
            try:
                return at(number)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise PortTakenError(tcp_url(self.bind, number), number) from error
                raise

        if isinstance(port, int):
            return serve(port)
        if is_range(port):
            return first_free(read_range(port), serve)
        found: T = self.lend(port, serve)
        return found


class SiteEndpoint(Endpoint):
    """Base of the endpoints that are found by name.

    Constructor, `open` and `close` are each called in a thread of their own; one that does not
    return ends the Player, or, at its end, is left. What an endpoint calls of the Bank runs in the
    endpoint's threads, at the same time as all other calls: nothing queues it. So an endpoint bounds how
    many peers it serves and how often each of them may ask, and what the Bank does for them is safe
    in several threads.

    Args:
        context: What the host tells. The constructor takes the address: it raises OSError, or a
            `zmqjsonproxy.errors.RefusedError` with a sentence, if it cannot be had.
    """

    def __init__(self, context: EndpointContext) -> None:
        self.context = context
        self.log = context.log

    @classmethod
    def diagnose(cls, config: EndpointConfig, bank: str) -> list[Finding]:
        """Return what would keep the endpoint from working on this host, for `player doctor`;
        changes nothing.

        Args:
            config: Its table.
            bank: Name of its Bank.
        """
        return []

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the pydantic model of the endpoint's table."""
        return EndpointConfig
