"""Ranges of TCP ports as texts, of which a server takes the first that is free. Looks nothing up.

6667-6680                        a range
tcp://HOST:6667-6680             where to serve
ports://HOST:6667-6680/BANKA     one of several servers there, by its name
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from groundwork.addresses import split_url, tcp_url

__all__ = [
    "MAX_PORTS",
    "RANGE_FORM",
    "ServerInRange",
    "has_range",
    "is_range",
    "read_range",
    "split_ports",
]

MAX_PORTS = 100
"""Ports of a range: whoever looks for a server there asks all of them."""
RANGE_FORM = r"^[0-9]{1,5}-[0-9]{1,5}$"
_RANGE = re.compile(RANGE_FORM)


def is_range(value: object) -> bool:
    """Tell whether a value is written as a range, rightly or not."""
    return isinstance(value, str) and _RANGE.match(value) is not None


def has_range(url: str) -> bool:
    """Tell whether a URL ends with a range in the place of the port."""
    return is_range(url.rpartition(":")[2])


def read_range(text: str) -> range:
    """Read `FIRST-LAST`.

    Raises:
        ValueError: It is none, or has too many ports.
    """
    if not is_range(text):
        raise ValueError(f"{text!r} is no range of ports; write FIRST-LAST, as 6667-6680")
    first, last = map(int, text.split("-"))
    if not 0 < first <= last <= 65535:
        raise ValueError(f"{text!r}: ports go up, from 1 to 65535")
    if last - first >= MAX_PORTS:
        raise ValueError(f"{text!r}: a range has at most {MAX_PORTS} ports")
    return range(first, last + 1)


def split_ports(url: str) -> tuple[str, range]:
    """Return host and ports of `tcp://HOST:PORT` or `tcp://HOST:FIRST-LAST`; port 0 for `*`.

    Raises:
        ValueError: It is neither.
    """
    if has_range(url):
        beginning, _, ports = url.rpartition(":")
        return split_url(f"{beginning}:0")[0], read_range(ports)
    host, port = split_url(url)
    return host, range(port, port + 1)


@dataclass(frozen=True, slots=True)
class ServerInRange:
    """A server that is looked for by its name at the ports of a range.

    Attributes:
        host: Where it runs.
        ports: `FIRST-LAST`.
        name: As it says itself.
    """

    host: str
    ports: str
    name: str

    @classmethod
    def read(cls, url: str) -> Self:
        """Read `ports://HOST:FIRST-LAST/NAME`.

        Raises:
            ValueError: It is none.
        """
        where, _, name = url.removeprefix("ports://").partition("/")
        ports = where.rpartition(":")[2]
        if not url.startswith("ports://") or not name or not is_range(ports):
            raise ValueError(f"{url!r} is not ports://HOST:FIRST-LAST/NAME")
        return cls(split_ports(f"tcp://{where}")[0], ports, unquote(name))

    @property
    def url(self) -> str:
        """`ports://HOST:FIRST-LAST/NAME`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ports://{host}:{self.ports}/{quote(self.name, safe='')}"

    @property
    def addresses(self) -> list[str]:
        """Places where it may be, `tcp://HOST:PORT` each."""
        return [tcp_url(self.host, port) for port in read_range(self.ports)]
