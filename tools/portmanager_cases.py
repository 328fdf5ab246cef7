"""The cases of the port manager's protocol: what the original answers, and what our server answers
now, as a table.

`python tools/portmanager_cases.py` prints it. Each case has a server of its own on loopback. The
replies of the original are as recorded from and described of NSCLDAQ 12.0-022. Ports are shown as
if the pool were the original's.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from portmanager.binding import port_is_free
from portmanager.server import PortManagerSettings, Server

TOP = 31000
SIZE = 4
ENDS_WITHIN_S = 20.0


@dataclass(frozen=True)
class Case:
    """Words of a client, and the answers of the original.

    Attributes:
        what: In words.
        pieces: TCP segments.
        original: Its replies; None: none, ever.
        closes: Whether it then closes the connection.
        why: Reason for another answer of ours; "" if ours is to be the same, byte for byte.
        local: False: the client is on another computer.
    """

    what: str
    pieces: tuple[bytes, ...]
    original: bytes | None
    closes: bool = False
    why: str = field(default="", kw_only=True)
    local: bool = field(default=True, kw_only=True)


OK = b"OK 31000\r\n"
SEGMENTS = "put together from any segments"
CASES = (
    Case("a port", (b"GIMME foo bob\n",), OK),
    Case("CR LF ends a request", (b"GIMME foo bob\r\n",), OK),
    Case("CR ends a request", (b"GIMME foo bob\r",), OK),
    Case("blanks and tabs", (b" \tGIMME \t foo   bob \n",), OK),
    Case("verb in braces", (b"{GIMME} foo bob\n",), OK),
    Case("verb in quotes", (b'"LIST"\n',), b"OK 0\r\n"),
    Case("verb with backslashes", (b"\\LI\\x53T\n",), b"OK 0\r\n"),
    Case("surplus words", (b"GIMME a b c d\nLIST a b\n",), b"OK 31000\r\nOK 1\r\n31000 a b\r\n"),
    Case("no user", (b"GIMME a\nLIST\n",), b"OK 31000\r\nOK 1\r\n31000 a {}\r\n"),
    Case("neither service nor user", (b"GIMME\n",), OK, why="a service has a name"),
    Case("a service of blanks", (b"GIMME {  } u\n",), OK, why="a service has a name"),
    Case("no service is registered", (b"LIST\n",), b"OK 0\r\n"),
    Case(
        "two instances",
        (b"GIMME foo bob\nGIMME foo bob\nLIST\n",),
        b"OK 31000\r\nOK 30999\r\nOK 2\r\n30999 foo bob\r\n31000 foo_1 bob\r\n",
        why="the oldest keeps its name",
    ),
    Case(
        "a suffix like a real name",
        (b"GIMME foo u\nGIMME foo u\nGIMME foo_1 u\nLIST\n",),
        b"OK 31000\r\nOK 30999\r\nOK 30998\r\nOK 3\r\n30999 foo u\r\n31000 foo_1 u\r\n30998 foo_1 u\r\n",
        why="no two lines alike",
    ),
    Case(
        "two users",
        (b"GIMME foo bob\nGIMME foo alice\nLIST\n",),
        b"OK 31000\r\nOK 30999\r\nOK 2\r\n30999 foo alice\r\n31000 foo bob\r\n",
    ),
    Case(
        "names that need quoting",
        (b"GIMME {two words} alice\nGIMME a\\}b u\nGIMME {a[b} u\nLIST\n",),
        b"OK 31000\r\nOK 30999\r\nOK 30998\r\nOK 3\r\n31000 {two words} alice\r\n30999 a\\}b u\r\n30998 {a[b} u\r\n",
    ),
    Case(
        "UTF-8 and ISO 8859-1",
        (b"GIMME \xc3\xa9 u\nGIMME \xff u\nLIST\n",),
        b"OK 31000\r\nOK 30999\r\nOK 2\r\n31000 \xc3\xa9 u\r\n30999 \xc3\xbf u\r\n",
    ),
    Case(
        "pool empty, and the connection goes on",
        (b"GIMME a u\n" * SIZE + b"GIMME b u\nLIST extra\nGIMME b u\n",),
        b"OK 31000\r\nOK 30999\r\nOK 30998\r\nOK 30997\r\nFAIL {no free ports}\r\n"
        b"OK 4\r\n30997 a u\r\n30998 a_1 u\r\n30999 a_2 u\r\n31000 a_3 u\r\nFAIL {no free ports}\r\n",
        why="the oldest keeps its name",
    ),
    Case("nonsense", (b"hello there\n",), b"FAIL {Invalid request hello there}\r\n", closes=True),
    Case(
        "nonsense with a brace", (b"foo}\n",), b"FAIL Invalid\\ request\\ foo\\}\r\n", closes=True
    ),
    Case("an empty line", (b"\n",), b"FAIL {Invalid request }\r\n", closes=True),
    Case("verb in small letters", (b"list\n",), b"FAIL {Invalid request list}\r\n", closes=True),
    Case("a longer verb", (b"LISTX\n",), b"FAIL {Invalid request LISTX}\r\n", closes=True),
    Case(
        "nothing after nonsense",
        (b"bogus\nLIST\n",),
        b"FAIL {Invalid request bogus}\r\n",
        closes=True,
    ),
    Case(
        "another computer",
        (b"GIMME foo bob\n",),
        b"FAIL {192.0.2.7 (192.0.2.7) : Only local applications get ports}\r\n",
        closes=True,
        local=False,
    ),
    Case("another computer lists", (b"LIST\n",), b"OK 0\r\n", local=False),
    Case(
        "a request in two segments",
        (b"GIMME fo", b"o bob\n"),
        b"FAIL {Invalid request }\r\n",
        True,
        why=SEGMENTS,
    ),
    Case(
        "a brace is not closed", (b"GIMME {foo bob\n",), None, why="FAIL, as for every bad request"
    ),
    Case(
        "a quote is not closed", (b'GIMME "foo bob\n',), None, why="FAIL, as for every bad request"
    ),
    Case(
        "text behind a brace", (b"GIMME {foo}x bob\n",), None, why="FAIL, as for every bad request"
    ),
    Case(
        "a newline in a name", (b"GIMME a\\nb u\n",), OK, why="it would forge a line of the listing"
    ),
    Case("a tab in a name", (b"GIMME {a\tb} u\n",), OK, why="it would break the usage file"),
    Case("a NUL", (b"GIMME a\0b u\n",), OK, why="control characters are refused"),
    Case("a name of 300 characters", (b"GIMME " + b"n" * 300 + b" u\n",), OK, why="at most 255"),
)


def free_pool() -> int:
    """Return the highest of `SIZE` neighbouring ports that are free."""
    for top in range(29000, 20000, -SIZE):
        if all(port_is_free(port) for port in range(top - SIZE + 1, top + 1)):
            return top
    raise OSError("no free ports between 20000 and 29000")


async def answers(case: Case) -> tuple[bytes, bool]:
    """Return what our server answers, and whether it then closes the connection."""
    top = free_pool()
    server = Server(
        PortManagerSettings(
            listen=0, bind=("127.0.0.1",), peers=("0.0.0.0/0",), ports=(top - SIZE + 1, top)
        )
    )
    if not case.local:
        server.allocations.is_local = lambda address: False  # type: ignore[method-assign]
    await server.start()
    got, closed = b"", False
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in case.pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)  # a segment of its own
        async with asyncio.timeout(ENDS_WITHIN_S):
            if not case.why and not case.closes:
                got = await reader.readexactly(len(case.original or b""))
        try:
            async with asyncio.timeout(0.1):
                while more := await reader.read(65536):
                    got += more
                closed = True
        except TimeoutError:
            pass
        writer.close()
    finally:
        await server.stop()
    got = got.replace(b"127.0.0.1", b"192.0.2.7")
    return re.sub(rb"\b2\d{4}\b", lambda found: b"%d" % (TOP - top + int(found[0])), got), closed


def shown(data: bytes | None, closed: bool) -> str:
    """Return bytes for a cell of the table."""
    if data is None:
        return "nothing, ever"
    text = (
        repr(data)[2:-1] if len(data) <= 120 else f"{repr(data[:20])[2:-1]}... ({len(data)} bytes)"
    )
    text = text.replace("|", "\\|").replace("\\\\", "\\")
    return f"`{text}`" + (", closed" if closed else "")


def rows() -> list[tuple[Case, bytes, bool]]:
    """Return each case with our answer."""
    return [(case, *asyncio.run(answers(case))) for case in CASES]


def table(found: list[tuple[Case, bytes, bool]]) -> str:
    """Return the cases as a Markdown table."""
    lines = ["| case | sent | the original | ours | |", "|---|---|---|---|---|"]
    for case, got, closed in found:
        same = (got, closed) == (case.original, case.closes)
        sent = " then ".join(shown(piece, False) for piece in case.pieces)
        ours = "the same" if same else shown(got, closed)
        verdict = case.why or ("" if same else "**WRONG**")
        lines.append(
            f"| {case.what} | {sent} | {shown(case.original, case.closes)} | {ours} | {verdict} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    logging.disable()
    found = rows()
    print(table(found))
    wrong = [
        case.what
        for case, got, closed in found
        if not case.why and (got, closed) != (case.original, case.closes)
    ]
    if wrong:
        print(
            f"other answers than the original's, without a reason: {'; '.join(wrong)}",
            file=sys.stderr,
        )
    sys.exit(1 if wrong else 0)
