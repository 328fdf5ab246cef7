"""Addresses of port managers, and of services under their names, as texts. No sockets; looks
nothing up.

HOST, HOST:PORT                                 a port manager
portmanager://HOST[:PORT][?user=U][&beginswith=B]   the services of one, of a user, with names that begin so
service:NAME[@HOST[:PORT]]                      a service
service://HOST[:PORT]/NAME[?user=U]             the same, in the form of a URL: names are percent-encoded
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import parse_qsl, quote, unquote

from portmanager.errors import BadNameError
from portmanager.protocol.lines import DEFAULT_PORT, check_name

__all__ = [
    "LOCAL",
    "ManagerAddress",
    "ServiceAddress",
    "ServicesAddress",
    "is_service",
    "own_service",
]

_MANAGER = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%[0-9A-Za-z_.-]+)?)\]|(?P<host>[^:/@?\[\]\s]+))(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class ManagerAddress:
    """Where a port manager listens."""

    host: str = "localhost"
    port: int = DEFAULT_PORT

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `HOST` or `HOST:PORT`; an IPv6 address stands in brackets.

        Raises:
            ValueError: Neither.
        """
        match = _MANAGER.fullmatch(text)
        if match is None or not 0 < int(match["port"] or DEFAULT_PORT) < 65536:
            raise ValueError(
                f"{text!r} is no address of a port manager; write HOST or HOST:PORT, as localhost:30000"
            )
        return cls(match["six"] or match["host"], int(match["port"] or DEFAULT_PORT))

    def tcp_url(self, port: int) -> str:
        """Return `tcp://host:port` of a service there: ports are lent to programs of the same host
        only."""
        return f"tcp://{self._host}:{port}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{self._host}:{self.port}"


LOCAL = ManagerAddress()


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """A service at a port manager; `user` None: whoever runs it, if it is only one."""

    service: str
    manager: ManagerAddress = LOCAL
    user: str | None = None

    @classmethod
    def read(cls, text: str, manager: ManagerAddress = LOCAL) -> Self:
        """Read `service:NAME`, `service:NAME@HOST` or `service://HOST/NAME`.

        Args:
            text: It.
            manager: For a text that names none.

        Raises:
            ValueError: No such text, or the name cannot be one.
        """
        if text.startswith("service://"):
            where, found, rest = text.removeprefix("service://").partition("/")
            name, _, query = rest.partition("?")
            if not found or not name:
                raise ValueError(f"{text!r} is not service://HOST/NAME")
            options = _options(text, query, ("user",))
            made = cls(unquote(name), ManagerAddress.read(where), options.get("user"))
        elif text.startswith("service:"):
            name, at, where = text.removeprefix("service:").rpartition("@")
            made = cls(name, ManagerAddress.read(where)) if at else cls(where, manager)
        else:
            raise ValueError(
                f"{text!r} is not service:NAME, service:NAME@HOST or service://HOST/NAME"
            )
        check_name("service", made.service)
        return made

    @property
    def url(self) -> str:
        """`service://HOST:PORT/NAME`, with the user if there is one."""
        whose = "" if self.user is None else f"?user={quote(self.user, safe='')}"
        return f"service://{self.manager}/{quote(self.service, safe='')}{whose}"

    def of(self, user: str | None) -> Self:
        """Return the same of a user, unless it says one itself."""
        return self if self.user is not None else replace(self, user=user)


@dataclass(frozen=True, slots=True)
class ServicesAddress:
    """Services at a port manager: those whose names begin so; of one user, or of all."""

    manager: ManagerAddress = LOCAL
    user: str | None = None
    beginswith: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `portmanager://HOST[:PORT][?user=U&beginswith=B]`, without the scheme, too.

        Raises:
            ValueError: No such text.
        """
        where, _, query = text.removeprefix("portmanager://").partition("?")
        options = _options(text, query, ("user", "beginswith"))
        return cls(
            ManagerAddress.read(where.removesuffix("/")),
            options.get("user"),
            options.get("beginswith", ""),
        )


def is_service(text: object) -> bool:
    """Tell whether a value names a service, rightly or not."""
    return isinstance(text, str) and text.startswith("service:")


def own_service(text: str, name: str) -> str:
    """Return the name of a service as a configuration says it for one of many programs.

    Args:
        text: `service:NAME`, in which `{bank}` stands for the program's own name; `service:` is
            that name alone.
        name: The program's own name.

    Raises:
        ValueError: No such text, or the name cannot be one. At which port manager is said
            elsewhere, so no `@`.
    """
    service = text.removeprefix("service:")
    if service == text or "@" in service or service.startswith("//"):
        raise ValueError(
            f"{text!r} is not service:NAME; a port is lent by the port manager of the program's own host"
        )
    service = service.replace("{bank}", name) or name
    check_name("service", service)
    return service


def _options(text: str, query: str, known: tuple[str, ...]) -> dict[str, str]:
    try:
        options = (
            dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
        )
    except ValueError:
        raise ValueError(
            f"{text!r}: what stands after the question mark is not KEY=VALUE"
        ) from None
    for key, value in options.items():
        if key not in known:
            raise ValueError(f"{text!r}: unknown key {key!r}; there are {', '.join(known)}")
        if not value:
            raise ValueError(f"{text!r}: {key} is empty")
        try:
            check_name(key, value)
        except BadNameError as error:
            raise ValueError(f"{text!r}: {error}") from None
    return options
