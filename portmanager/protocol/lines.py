"""Requests and replies of the port manager, bytes to objects and back, in both dialects that
servers have.

The lines of the original server (Tcl) end in CR LF and are Tcl lists; those of its rewrite (Rust,
`portman`) end in LF and are words. Requests end in LF, CR LF or CR. Source: NSCLDAQ 12.0,
`DaqPortManager` and its clients.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from portmanager.allocation import Allocation
from portmanager.errors import BadNameError, NotAListError
from portmanager.protocol.tcllist import ends_in_braces, join_list, quote, split_list

__all__ = [
    "DEFAULT_PORT",
    "LIST",
    "LONGEST_LINE",
    "LONGEST_NAME",
    "NO_FREE_PORTS",
    "STATUS",
    "BadRequest",
    "Gimme",
    "LineSplitter",
    "List",
    "LongLineError",
    "Request",
    "StatusRequest",
    "check_name",
    "decode",
    "encode",
    "fault_of_name",
    "is_torn",
    "needs_quoting",
    "read_allocation",
    "read_fail",
    "read_ok",
    "read_request",
    "write_allocation",
    "write_fail",
    "write_gimme",
    "write_listing",
    "write_ok",
]

DEFAULT_PORT = 30000
LONGEST_LINE = 65536
"""Bytes of a request, without its end."""
LONGEST_NAME = 255
"""Characters of a service or user."""
LONGEST_ROW = 4096
"""Characters of a line of a listing that has newlines in its names; without, it may be longer."""
NO_FREE_PORTS = "no free ports"
LIST = b"LIST\n"
STATUS = b"STATUS\n"

_LINE_END = re.compile(rb"[\r\n]")
_LF = re.compile(rb"\n")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WISH = re.compile(r"port=([1-9][0-9]{0,4})", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_NOT_UTF8 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


class LongLineError(ValueError):
    """A line that is longer than what is taken."""


class LineSplitter:
    """Puts lines together from pieces of any size.

    Args:
        longest: Bytes of a line without its end; a longer one raises `LongLineError`.
        lone_cr: Whether CR alone ends a line, as in requests.
    """

    __slots__ = ("_buffer", "_end", "_searched", "_skip_lf", "longest")

    def __init__(self, longest: int = LONGEST_LINE, *, lone_cr: bool = True) -> None:
        self.longest = longest
        self._end = _LINE_END if lone_cr else _LF
        self._buffer = bytearray()
        self._searched = 0
        self._skip_lf = False

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._buffer += data

    def next_line(self) -> bytes | None:
        """Return the next line without its end; None: it has not arrived completely.

        Raises:
            LongLineError: The line is longer than `longest`, whether its end is there or not.
        """
        if self._skip_lf and self._buffer:
            self._skip_lf = False
            if self._buffer[0] == 0x0A:
                del self._buffer[0]
        found = self._end.search(self._buffer, self._searched)
        if found is None:
            self._searched = len(self._buffer)
            if self._searched > self.longest:
                raise LongLineError(f"line of more than {self.longest} bytes")
            return None
        at = found.start()
        if at > self.longest:
            raise LongLineError(f"line of more than {self.longest} bytes")
        line = bytes(self._buffer[:at])
        self._skip_lf = self._buffer[at] == 0x0D
        del found  # or the buffer could not be shortened
        del self._buffer[: at + 1]
        self._searched = 0
        return line

    @property
    def waiting(self) -> int:
        """Bytes that have arrived and are not yet taken as lines."""
        return len(self._buffer)

    def clear(self) -> None:
        """Forget what has arrived."""
        self._buffer.clear()
        self._searched = 0


def decode(line: bytes) -> str:
    """Return the text of a line: UTF-8; bytes that are no UTF-8 are ISO 8859-1, as Tcl has it."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "surrogateescape").translate(_NOT_UTF8)


def encode(text: str) -> bytes:
    """Return the bytes of a text."""
    return text.encode("utf-8", "replace")


def fault_of_name(name: str, *, may_be_empty: bool = False) -> str:
    """Return what keeps a text from being a name of a service or user, "" if nothing does; only
    blanks is empty."""
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if not name.isprintable() and (found := _CONTROL.search(name)):
        return f"has the control character U+{ord(found[0]):04X}"
    return "" if may_be_empty or name.strip() else "is empty"


def check_name(what: str, name: str) -> str:
    """Return the name of a service or user.

    Raises:
        TypeError: It is no text.
        BadNameError: No server could register it, or others could not list it.
    """
    if not isinstance(name, str):
        raise TypeError(f"the {what} is a str, not {type(name).__name__}")
    if fault := fault_of_name(name):
        raise BadNameError(what, name, fault)
    return name


def needs_quoting(name: str) -> bool:
    """Tell whether servers of the two dialects would take a name differently."""
    return quote(name) != name or bool(re.search(r"[\\{}\"\s]", name, re.ASCII))


# --- requests


@dataclass(frozen=True, slots=True)
class Gimme:
    """The request for a port; `wish` is a port that the service had before and would like again,
    None: any."""

    service: str
    user: str
    wish: int | None = None


@dataclass(frozen=True, slots=True)
class List:
    """The request for all allocations."""


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """The request for the state of the server, as JSON; original servers do not know it."""


@dataclass(frozen=True, slots=True)
class BadRequest:
    """Anything else; `reason` is what the reply says."""

    reason: str


Request = Gimme | List | StatusRequest | BadRequest


def read_request(line: bytes) -> Request:
    """Return what a line asks for. Missing elements are empty, surplus ones are ignored."""
    text = decode(line)
    try:
        match split_list(text):
            case ["GIMME", *names]:
                service, user, *more = (*names, "", "")[: max(2, len(names))]
                wish = next(
                    (int(found[1]) for word in more if (found := _WISH.fullmatch(word))), None
                )
                return Gimme(service, user, wish)
            case ["LIST", *_]:
                return List()
            case ["STATUS", *_]:
                return StatusRequest()
    except NotAListError as error:
        return BadRequest(f"Invalid request {text}: {error}")
    return BadRequest(f"Invalid request {text}")


def write_gimme(service: str, user: str, wish: int | None = None, *, quoted: bool = True) -> bytes:
    """Return the request for a port; `quoted`: as a Tcl list, else as words for the Rust server."""
    words = ["GIMME", service, user] + ([] if wish is None else [f"port={wish}"])
    return encode((join_list(words) if quoted else " ".join(words)) + "\n")


# --- replies


def write_ok(number: int) -> bytes:
    """Return `OK number`: a port, or how many lines follow."""
    return b"OK %d\r\n" % number


def write_fail(reason: str) -> bytes:
    """Return a refusal."""
    return encode(f"FAIL {quote(reason)}\r\n")


def write_allocation(allocation: Allocation) -> str:
    """Return a line of a listing, without its end."""
    return f"{allocation.port} {quote(allocation.service)} {quote(allocation.user)}"


def write_listing(lines: Iterable[str]) -> bytes:
    """Return a whole reply to LIST."""
    rows = list(lines)
    return encode("\r\n".join((f"OK {len(rows)}", *rows, "")))


def read_ok(text: str) -> int | None:
    """Return the number of `OK number`; None if the text is something else."""
    words = text.split()
    return (
        int(words[1])
        if len(words) == 2 and words[0] == "OK" and _NUMBER.fullmatch(words[1])
        else None
    )


def read_fail(text: str) -> str | None:
    """Return the reason of a refusal, never empty; None if the text is no refusal."""
    if text.split(maxsplit=1)[:1] != ["FAIL"]:
        return None
    rest = text.strip()[4:].strip()
    try:
        elements = split_list(text)
    except NotAListError:
        elements = []
    reason = elements[1] if len(elements) == 2 else rest.removeprefix("- ")
    return reason.strip() or "the port manager refused without saying why"


def is_torn(text: str) -> bool:
    """Tell whether a line of a listing ends in the middle of a name: the original writes a newline
    in one as it is."""
    return text[:1].isdigit() and len(text) <= LONGEST_ROW and ends_in_braces(text)


def read_allocation(text: str, *, quoted: bool = True) -> Allocation:
    """Return the allocation of a line of a listing; `quoted`: a Tcl list, else three words of the
    Rust server.

    Raises:
        ValueError: It is no such line.
    """
    words = text.split(" ")
    elements = words if not quoted and len(words) == 3 else split_list(text)
    if len(elements) != 3 or not _NUMBER.fullmatch(elements[0]):
        raise ValueError(f"{text!r} is not `port service user`")
    return Allocation(int(elements[0]), elements[1], elements[2])
