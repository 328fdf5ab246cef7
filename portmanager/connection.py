"""One connection of the port manager's server: bytes in, replies out in the same order, nothing
without bounds."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import cast

from portmanager.owners import owner_of_connection
from portmanager.portallocations import HeldAllocation, PortAllocations
from portmanager.protocol.lines import (
    LONGEST_LINE,
    NO_FREE_PORTS,
    BadRequest,
    Gimme,
    LineSplitter,
    List,
    LongLineError,
    StatusRequest,
    fault_of_name,
    read_request,
    write_fail,
    write_listing,
    write_ok,
)

__all__ = ["ClientConnection"]

TURN_S = 0.001
"""Then the other connections have their turn, however much there is to do for this one."""
REPLIES_AT_A_TIME = 65536
"""Bytes; then they are handed to the system, which tells whether the peer takes them."""
UNREAD_REPLIES = 262144
"""Bytes that wait for a peer that does not read; then no further request of it is looked at."""
LAST_WORD_S = 2.0
"""How long a peer may take to read why it is thrown out."""
_UNKNOWN, _NOBODY_KNOWS = -1, -2


class ClientConnection(asyncio.Protocol):
    """A connection, and the ports that live as long as it does."""

    __slots__ = (
        "_blocked",
        "_busy",
        "_ending",
        "_lines",
        "_scheduled",
        "_uid",
        "address",
        "allocations",
        "grants",
        "port",
        "transport",
    )

    def __init__(self, allocations: PortAllocations) -> None:
        self.allocations = allocations
        self.address, self.port = "", 0
        self.grants: list[HeldAllocation] = []
        self._lines = LineSplitter()
        self._busy = False  # requests wait for their turn
        self._scheduled = False  # `_go_on` is on its way
        self._blocked = False  # the peer does not read its replies
        self._ending = False  # it is thrown out, and what it sends is not looked at
        self._uid = _UNKNOWN

    # --- what asyncio says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, or refuse it."""
        self.transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        if name is None:  # reset before it was accepted
            self.allocations.note(logging.DEBUG, "a connection was gone before it was accepted")
            self.transport.abort()
        else:
            self.address, self.port = name[:2]
            self._admit()

    def _admit(self) -> None:
        allocations = self.allocations
        if not allocations.admit(self):
            allocations.note(
                logging.WARNING,
                "a connection from %s is refused: %d are open already",
                self.address,
                len(allocations.connections),
            )
            self._ending = True
            self.transport.write(write_fail("Too many connections"))
            self.transport.close()
            return
        self.transport.set_write_buffer_limits(high=UNREAD_REPLIES)
        allocations.note(logging.DEBUG, "Connection accepted from %s", self.address)
        if not allocations.any_user and allocations.is_local(self.address):
            self._learn_user()

    def _learn_user(self) -> None:
        """Look at no request before it is known who asks: the name of a user, once for each."""
        uid = self.uid
        if uid is None or uid in self.allocations.users:
            return
        self.transport.pause_reading()
        learned = asyncio.get_running_loop().run_in_executor(None, self.allocations.learn_user, uid)
        learned.add_done_callback(lambda _: self.transport.resume_reading())

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if self._ending:
            return
        self._lines.feed(data)
        if not self._busy:
            self._work()

    def pause_writing(self) -> None:
        """Stop: the peer does not read."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Go on: the peer reads again."""
        self._blocked = False
        if self._busy:
            self._come_back()

    def eof_received(self) -> bool:
        """Close: a half-closed connection is an ended one.

        What was asked before has been answered, as nothing is read while requests wait for their
        turn.
        """
        self._finish()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection held, however it ended."""
        self._end()
        self.allocations.leave(self)

    # --- requests

    def _work(self) -> None:
        """Answer some of the requests that have arrived; come back for the rest."""
        was_busy, self._busy = self._busy, False
        held = len(self.grants)
        replies: list[bytes] = []
        size = 0
        until = time.monotonic() + TURN_S
        while not self._blocked and not self._ending:
            try:
                line = self._lines.next_line()
            except LongLineError:
                self._throw_out(replies, f"Request is longer than {LONGEST_LINE} bytes")
                break
            if line is None:
                break
            if (reply := self._answer(line, replies)) is None:
                break
            replies.append(reply)
            size += len(reply)
            if size >= REPLIES_AT_A_TIME:
                self.transport.write(b"".join(replies))
                replies, size = [], 0
            if time.monotonic() >= until:
                self._busy = True
                break
        if replies and not self._ending:
            self.transport.write(b"".join(replies))
        self._busy = (self._busy or self._blocked) and not self._ending
        if self._busy:
            if not was_busy:
                self.transport.pause_reading()
            if not self._blocked:
                self._come_back()
        elif was_busy and not self._ending:
            self.transport.resume_reading()
        if len(self.grants) > held:  # now that the replies are on their way
            if self._uid == _UNKNOWN:
                self._look_for_owner()
            self.allocations.look_ahead()

    def _come_back(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._scheduled = False
        if self._busy and not self._blocked:
            self._work()

    def _answer(self, line: bytes, before: list[bytes]) -> bytes | None:
        """Return the reply to one request; None: it has cost the peer its connection."""
        allocations = self.allocations
        request = read_request(line)
        match request:
            case Gimme() if not allocations.is_local(self.address):
                # The original shows the name of the peer, for which it stops until a name server
                # has answered.
                reason = f"{self.address} ({self.address}) : Only local applications get ports"
                allocations.note(
                    logging.WARNING,
                    "a port is refused to %s, which is another computer",
                    self.address,
                )
            case Gimme(service, user):
                return self._gimme(request, service, user)
            case List() | StatusRequest() if not allocations.may_list(self.address):
                reason = (
                    f"{self.address} ({self.address}) : Only the computers that may list get lists"
                )
                allocations.note(logging.WARNING, "the list is refused to %s", self.address)
            case List():
                return allocations.ledger.listing()
            case StatusRequest():
                return write_listing([allocations.state()])
            case BadRequest(reason):
                shown = ascii(reason[:200].removeprefix("Invalid request "))[1:-1]
                allocations.note(
                    logging.WARNING, "%s issued an illegal request: %s", self.address, shown
                )
        self._throw_out(before, reason)
        return None

    def _gimme(self, request: Gimme, service: str, user: str) -> bytes:
        if fault := fault_of_name(service):
            fault = f"service name {fault}"
        elif fault := fault_of_name(
            user, may_be_empty=True
        ):  # the original's clients may send none
            fault = f"user name {fault}"
        elif refusal := self.allocations.refusal(request, self, len(self.grants)):
            fault = refusal
        elif grant := self.allocations.lend(request, self):
            self.grants.append(grant)
            return write_ok(grant.lent.port)
        else:
            fault = NO_FREE_PORTS
        self.allocations.note(
            logging.WARNING,
            "Unable to allocate a port for %s run by %s because: %s",
            ascii(service[:80])[1:-1],
            ascii(user[:80])[1:-1],
            fault,
        )
        return write_fail(fault)

    @property
    def uid(self) -> int | None:
        """The user behind the connection, as the system says; None: it does not."""
        if self._uid == _UNKNOWN and not self._ending:
            self._look_for_owner()
        return None if self._uid < 0 else self._uid

    def _look_for_owner(self) -> None:
        found = owner_of_connection(
            (self.address, self.port), self.transport.get_extra_info("sockname")[:2]
        )
        self._uid = _NOBODY_KNOWS if found is None else found

    # --- ends

    def _throw_out(self, before: list[bytes], reason: str) -> None:
        """Say why, end the sending direction, release everything; the peer gets a moment to read
        it.

        Closing at once would be a reset if the peer has sent more, and a reset takes the reply away
        from it.
        """
        self.transport.write(b"".join((*before, write_fail(reason))))
        self._finish()
        self.transport.write_eof()
        self.transport.resume_reading()

    def _finish(self) -> None:
        """Release everything; the transport sends what is left and closes."""
        self._end()
        asyncio.get_running_loop().call_later(LAST_WORD_S, self.transport.abort)

    def _end(self) -> None:
        self._ending = True
        self._lines.clear()
        grants, self.grants = self.grants, []
        self.allocations.release(grants)

    def abort(self) -> None:
        """End the connection now."""
        self.transport.abort()
