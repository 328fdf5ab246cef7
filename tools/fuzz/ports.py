"""Targets of the port manager, both sides of it."""

from __future__ import annotations

from portmanager.allocation import Allocation
from portmanager.errors import PortManagerError
from portmanager.protocol import lines, tcllist, urls
from portmanager.protocol.dialogue import Dialogue
from tools.fuzz.target import Target, pieces


def read_requests(data: bytes) -> None:
    """Read what a client sends, in pieces; whatever it is, there is an answer."""
    splitter = lines.LineSplitter()
    for piece in pieces(data):
        splitter.feed(piece)
        try:
            while (line := splitter.next_line()) is not None:
                request = lines.read_request(line)
                if isinstance(request, lines.Gimme) and not lines.fault_of_name(request.service):
                    lines.write_allocation(Allocation(1, request.service, request.user))
        except lines.LongLineError:
            return


def read_replies(data: bytes) -> None:
    """Read what a server sends, in pieces."""
    dialogue = Dialogue("test")
    dialogue.connected()
    dialogue.asks(lines.LIST if data[:1] < b"\x80" else lines.STATUS)
    for piece in pieces(data):
        if (reply := dialogue.receive(piece)) is not None:
            for row in reply.rows:
                lines.read_allocation(row, quoted=reply.quoted)
            return


def read_list(data: bytes) -> None:
    """Read a Tcl list, and what is written of it."""
    elements = tcllist.split_list(data.decode("utf-8", "surrogateescape"))
    assert tcllist.split_list(tcllist.join_list(elements)) == elements


def read_urls(data: bytes) -> None:
    """Read addresses of services; one that is read is written so that it is read again."""
    text = data.decode("utf-8", "replace")
    for read in (
        urls.ManagerAddress.read,
        urls.ServicesAddress.read,
        lambda one: urls.own_service(one, "BANKA"),
    ):
        try:
            read(text)
        except ValueError:
            pass
    address = urls.ServiceAddress.read(text)
    assert urls.ServiceAddress.read(address.url) == address


TARGETS = (
    Target(
        name="portmanager-requests",
        folder="portmanager/protocol",
        read=read_requests,
        samples=(b"\x3cGIMME {my service} graham\nLIST\n", b"\x01STATUS\r\n"),
    ),
    Target(
        name="portmanager-replies",
        folder="portmanager/protocol",
        read=read_replies,
        raises=(PortManagerError, ValueError),
        samples=(b"\x3cOK 2\r\n30001 A b\r\n30002 {a b} c\r\n", b"\x05FAIL {No free ports}\r\n"),
    ),
    Target(
        name="tcl-lists",
        folder="portmanager/protocol",
        read=read_list,
        raises=(ValueError,),
        samples=(b'a {b c} "d e" \\x41 \\{', b"{} {{}} {a\\\\}"),
    ),
    Target(
        name="service-urls",
        folder="portmanager/protocol",
        read=read_urls,
        raises=(ValueError,),
        samples=(b"service:BANKA@hpc1", b"service://hpc1:30000/BANKA?user=vegas"),
    ),
)
