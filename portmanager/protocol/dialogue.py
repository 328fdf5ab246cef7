"""A client's side of a connection: what to send, what the replies mean, which ports it holds. No
socket, no clock.

A question is a generator: it yields bytes to send, is sent the whole `Reply`, and returns the
answer. `client.py` and `aio.py` drive it, each with a socket of its own kind.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from portmanager.allocation import Allocation
from portmanager.errors import (
    NotOneServiceError,
    PortManagerRefusedError,
    ReplyError,
    SearchKeyError,
)
from portmanager.protocol.lines import (
    LIST,
    NO_FREE_PORTS,
    STATUS,
    LineSplitter,
    LongLineError,
    check_name,
    decode,
    is_torn,
    needs_quoting,
    read_allocation,
    read_fail,
    read_ok,
    write_gimme,
)

__all__ = ["DUPLICATE", "Dialogue", "Question", "Reply", "only_one", "selected"]

DUPLICATE = "Duplicate port allocation attempted"
"""What the Rust server says of a second (service, user), and for some ms after the first has
gone."""
LONGEST_REPLY_LINE = 1 << 20
MAX_ROWS = 200_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply.

    Attributes:
        head: Its first line.
        rows: The lines that follow, if it answers LIST or STATUS.
        quoted: Whether the lines are Tcl lists: the original server's; else words, the Rust
            server's.
    """

    head: str
    rows: tuple[str, ...]
    quoted: bool


Question = Generator[bytes, Reply, T]


class Dialogue:
    """State of the talk with one server, and what was got from it.

    Attributes:
        server: Its address, for messages.
        quoted: Whether it takes Tcl lists; None until its first reply tells.
        lent: Ports that the connection holds, in the order in which they were lent.
        must_close: The server has refused something and ends the connection, so close it.
    """

    def __init__(self, server: str) -> None:
        self.server = server
        self.quoted: bool | None = None
        self.lent: list[Allocation] = []
        self.must_close = False
        self._start()

    def _start(self) -> None:
        self._lines = LineSplitter(LONGEST_REPLY_LINE, lone_cr=False)
        self._head: str | None = None
        self._rows: list[str] = []
        self._torn = ""
        self._awaited_rows = 0
        self._asked = b""

    def connected(self) -> None:
        """Begin a new connection: whatever was half received belonged to the old one."""
        self._start()
        self.must_close = False

    def disconnected(self) -> tuple[Allocation, ...]:
        """Take note that the connection is gone; returns the ports that went with it."""
        lost, self.lent = tuple(self.lent), []
        return lost

    def asks(self, request: bytes) -> None:
        """Take note of what is sent, as the length of a reply depends on it."""
        self._asked, self._head, self._rows, self._torn, self._awaited_rows = (
            request,
            None,
            [],
            "",
            0,
        )

    def receive(self, data: bytes) -> Reply | None:
        """Take bytes of the server; returns the reply once it is complete.

        Raises:
            ReplyError: These are not the words of a port manager, or nothing was asked.
        """
        if not self._asked:
            raise ReplyError(self.server, "silence", decode(data[:200]))
        self._lines.feed(data)
        try:
            while (line := self._lines.next_line()) is not None:
                if (reply := self._take(line)) is not None:
                    self._asked = b""
                    # The Rust server says an empty line after a refusal; anything else would pass
                    # for the next reply.
                    if self._lines.waiting and read_ok(reply.head) is not None:
                        raise ReplyError(self.server, "one reply", f"more after {reply.head}")
                    return reply
        except LongLineError as error:
            raise ReplyError(self.server, "lines of reasonable length", str(error)) from None
        return None

    def _take(self, line: bytes) -> Reply | None:
        text = decode(line.removesuffix(b"\r"))
        if self._head is None:
            self.quoted = line.endswith(b"\r")
            self._head = text
            number = read_ok(text)
            if number is None and read_fail(text) is None:
                raise ReplyError(self.server, "`OK number` or `FAIL reason`", text)
            if number is not None and self._asked in (LIST, STATUS):
                if number > MAX_ROWS:
                    raise ReplyError(self.server, f"at most {MAX_ROWS} lines", text)
                self._awaited_rows = number
        else:
            text = self._torn + text
            if self.quoted and self._asked == LIST and is_torn(text):
                self._torn = f"{text}\n"
                return None
            self._torn = ""
            self._rows.append(text)
        if len(self._rows) < self._awaited_rows:
            return None
        return Reply(self._head, tuple(self._rows), bool(self.quoted))

    def _number(self, reply: Reply) -> int:
        if (number := read_ok(reply.head)) is not None:
            return number
        reason = read_fail(reply.head) or reply.head
        # Servers close after every other refusal, and what they do not close is not worth guessing.
        self.must_close = reason != NO_FREE_PORTS
        raise PortManagerRefusedError(reason)

    def get_port(self, service: str, user: str, wish: int | None = None) -> Question[Allocation]:
        """Ask for a port.

        Args:
            service: Name of the service.
            user: Who runs it.
            wish: A port that the service had before; servers that know no wishes are not told.

        Raises:
            BadNameError: No name; nothing was sent.
            RefusedError: The server's words.
        """
        check_name("service", service)
        check_name("user", user)
        if self.quoted is None and (
            wish is not None or needs_quoting(service) or needs_quoting(user)
        ):
            yield from self.listing()
        plain = self.quoted is False
        if plain and (
            blank := next((name for name in (service, user) if len(name.split()) != 1), None)
        ):
            raise PortManagerRefusedError(
                f"{blank!r} has white space, and the server at {self.server} takes no such names"
            )
        reply = yield write_gimme(service, user, None if plain else wish, quoted=not plain)
        port = self._number(reply)
        if not 1 <= port <= 65535:
            raise ReplyError(self.server, "a port from 1 to 65535", reply.head)
        allocation = Allocation(port, service, user)
        self.lent.append(allocation)
        return allocation

    def listing(self) -> Question[list[Allocation]]:
        """Ask for all allocations, in the order of the server."""
        reply = yield LIST
        self._number(reply)
        try:
            return [read_allocation(row, quoted=reply.quoted) for row in reply.rows]
        except ValueError as error:
            raise ReplyError(self.server, "lines `port service user`", str(error)) from None

    def status(self) -> Question[str]:
        """Ask a server of this project for its state, as JSON."""
        reply = yield STATUS
        self._number(reply)
        return reply.rows[0] if reply.rows else "{}"


def selected(allocations: Iterable[Allocation], criteria: dict[str, Any]) -> list[Allocation]:
    """Return the allocations that meet all criteria; a value that is no text meets nothing.

    Args:
        allocations: Their order is kept.
        criteria: `service` (equal), `beginswith` (prefix of the service), `user` (equal).

    Raises:
        SearchKeyError: There is another criterion.
    """
    if unknown := set(criteria) - {"service", "beginswith", "user"}:
        raise SearchKeyError(sorted(unknown))
    found = list(allocations)
    if "service" in criteria:
        found = [one for one in found if one.service == criteria["service"]]
    if "beginswith" in criteria:
        prefix = criteria["beginswith"]
        found = [one for one in found if isinstance(prefix, str) and one.service.startswith(prefix)]
    if "user" in criteria:
        found = [one for one in found if one.user == criteria["user"]]
    return found


def only_one(
    allocations: Iterable[Allocation], service: str, user: str | None, server: str
) -> Allocation:
    """Return the one allocation of a service.

    Raises:
        NotOneServiceError: There is none, or there are several.
    """
    criteria = {"service": service} | ({} if user is None else {"user": user})
    found = selected(allocations, criteria)
    if len(found) != 1:
        wanted = f"service {service!r}" + ("" if user is None else f" of user {user!r}")
        raise NotOneServiceError(wanted, server, found)
    return found[0]
