"""XML messages of a DiFX network: one compact document per datagram, at most 8000 bytes.

The script client takes the first child of `difxMessage` as the header and the last as the body, so
nothing stands between elements. Bodies are in `messagebodies`; a body is encoded once, and each
receiver's sequence number is put in later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateways.difx.errors import DocumentError
from gateways.difx.protocol.xmltexts import XmlDocument, read_xml

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MAX_NAME_BYTES",
    "Datagram",
    "EncodedMessage",
    "MessageHeader",
    "MessageType",
    "Node",
    "ReadMessage",
    "encode_message",
    "look_into",
    "read_message",
    "shortened",
    "xml_text",
]

MAX_MESSAGE_BYTES = 8000
MAX_NAME_BYTES = 31
"""Of `from` and `identifier`."""
_MAX_DATAGRAM_BYTES = 10_240
_SEQUENCE_BYTES = len("<seqNumber>4294967295</seqNumber>")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_LEFT_OUT = " [...]"
_NO_TEXT = re.compile("[\ud800-\udfff\ufffe\uffff]")
_FINAL_STATE = re.compile(rb"<state>\s*(Done|MpiDone|Crashed|Terminated)\s*</state>")
_FOUND = {
    name: re.compile(rb"<%b>\s*([^<]*?)\s*</%b>" % (name.encode(), name.encode()))
    for name in ("type", "from", "identifier")
}
_SPECIAL = re.compile("[<>&\"'\x00-\x1f]")
_CONTROL = re.compile("[\x00-\x1f]")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&apos;"}


class MessageType(StrEnum):
    """Types of messages; any other is unknown."""

    LOAD = "DifxLoadMessage"
    ALERT = "DifxAlertMessage"
    MARK6_STATUS = "Mark6StatusMessage"
    MARK6_SLOT_STATUS = "Mark6SlotStatusMessage"
    MARK5_STATUS = "Mark5StatusMessage"
    STATUS = "DifxStatusMessage"
    INFO = "DifxInfoMessage"
    DATASTREAM = "DifxDatastreamMessage"
    COMMAND = "DifxCommand"
    PARAMETER = "DifxParameter"
    START = "DifxStart"
    STOP = "DifxStop"
    MARK5_VERSION = "Mark5VersionMessage"
    MARK5_CONDITION = "Mark5ConditionMessage"
    TRANSIENT = "DifxTransientMessage"
    SMART = "DifxSmartMessage"
    MARK5_DRIVE_STATS = "Mark5DriveStatsMessage"
    DIAGNOSTIC = "DifxDiagnosticMessage"
    FILE_TRANSFER = "DifxFileTransfer"
    FILE_OPERATION = "DifxFileOperation"
    VEX2DIFX_RUN = "DifxVex2DifxRun"
    MACHINES_DEFINITION = "DifxMachinesDefinition"
    GET_DIRECTORY = "DifxGetDirectory"
    MK5_CONTROL = "DifxMk5Control"
    MARK5_COPY = "DifxMark5Copy"
    VSIS = "DifxVsis"
    MARK6_ACTIVITY = "Mark6ActivityMessage"


@dataclass(frozen=True, slots=True)
class Node:
    """An element of a body as it is written.

    Attributes:
        name: Of the element.
        text: Its characters, if it has no children.
        children: In order.
        attributes: Name -> value.
        may_be_cut: It is for people, and may be shortened so that the document is not too long.
    """

    name: str
    text: str = ""
    children: tuple[Node, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    may_be_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHeader:
    """Header of a message.

    Attributes:
        sender: `from`: the node under which clients file it.
        type: A `MessageType`, or a text that is none.
        identifier: Job name of messages about jobs, else the program.
        mpi_id: -1: no process.
        to: Nodes, of commands only.
    """

    sender: str
    type: str
    identifier: str = ""
    mpi_id: int = -1
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """A message as it travels, but for its sequence number.

    Attributes:
        header: Of the message.
        is_final: It tells the final state of a job: no policy leaves it out.
    """

    header: MessageHeader
    before: bytes
    behind: bytes
    is_final: bool = False

    def numbered(self, sequence: int) -> bytes:
        """Return the document with a sequence number."""
        return b"%b%d%b" % (self.before, sequence & 0xFFFFFFFF, self.behind)

    @property
    def has_number(self) -> bool:
        """It gets a number of the connection on which it goes out."""
        return True

    @property
    def is_status(self) -> bool:
        """It tells a state, which a newer one of the same sender and type makes obsolete."""
        return self.header.type in STATES


@dataclass(frozen=True, slots=True)
class Datagram:
    """A message as it came from a network, which goes on as it is.

    Attributes:
        header: As far as it was found; the type is empty if there is none.
        is_final: It tells the final state of a job.
    """

    header: MessageHeader
    data: bytes
    is_final: bool = False

    @property
    def has_number(self) -> bool:
        """It has that of its sender."""
        return False

    @property
    def is_status(self) -> bool:
        """See EncodedMessage."""
        return self.header.type in STATES

    def numbered(self, _sequence: int) -> bytes:
        """Return the datagram."""
        return self.data


STATES = frozenset(
    {
        MessageType.LOAD,
        MessageType.STATUS,
        MessageType.MARK5_STATUS,
        MessageType.MARK6_STATUS,
        MessageType.MARK6_SLOT_STATUS,
        MessageType.SMART,
        MessageType.DIAGNOSTIC,
    }
)
"""Types that tell a state."""


def xml_text(value: str) -> str:
    """Return a text as it stands in an element: entities, control characters as bracketed numbers."""
    clean = _NO_TEXT.sub("?", value)
    return _SPECIAL.sub(lambda one: _ENTITIES.get(one[0], f"[{ord(one[0])}]"), clean)


def shortened(name: str) -> str:
    """Return a name as the clients' structures hold it, at most 31 bytes."""
    clean = _CONTROL.sub(lambda one: f"[{ord(one[0])}]", _NO_TEXT.sub("?", name)).encode()
    return clean[:MAX_NAME_BYTES].decode(errors="ignore")


def encode_message(header: MessageHeader, body: Node, *, is_final: bool = False) -> EncodedMessage:
    """Encode a message; texts for people are cut if it would be longer than 8000 bytes.

    Raises:
        DocumentError: It is longer, whatever is cut.
    """
    before, behind = _document(header, body)
    over = len(before) + len(behind) + _SEQUENCE_BYTES - MAX_MESSAGE_BYTES
    if over > 0:
        before, behind = _document(header, _cut(body, over))
        over = len(before) + len(behind) + _SEQUENCE_BYTES - MAX_MESSAGE_BYTES
    if over > 0:
        raise DocumentError(
            f"a {header.type} of {header.sender} has {over} bytes above {MAX_MESSAGE_BYTES}"
        )
    return EncodedMessage(header, before, behind, is_final)


def _document(header: MessageHeader, body: Node) -> tuple[bytes, bytes]:
    """Return what stands before and behind the sequence number."""
    nodes = [
        Node("from", shortened(header.sender)),
        *(Node("to", shortened(to)) for to in header.to),
    ]
    nodes += [
        Node("mpiProcessId", str(header.mpi_id)),
        Node("identifier", shortened(header.identifier)),
        Node("type", header.type),
    ]
    head = _written(Node("header", children=tuple(nodes)))
    return (
        f"{_DECLARATION}<difxMessage>{head}<body><seqNumber>".encode(),
        f"</seqNumber>{_written(body)}</body></difxMessage>".encode(),
    )


def _written(node: Node) -> str:
    attributes = "".join(f' {name}="{xml_text(text)}"' for name, text in node.attributes.items())
    if attributes and not (node.text or node.children):
        return f"<{node.name}{attributes}/>"
    inside = "".join(map(_written, node.children)) if node.children else xml_text(node.text)
    return f"<{node.name}{attributes}>{inside}</{node.name}>"


def _cut(body: Node, over: int) -> Node:
    """Return a body whose longest text for people is shorter by at least so many bytes."""
    lengths = {
        place: len(xml_text(child.text).encode())
        for place, child in enumerate(body.children)
        if child.may_be_cut
    }
    if not lengths:
        return body
    place = max(lengths, key=lambda each: lengths[each])
    child = body.children[place]
    room = max(lengths[place] - over - len(_LEFT_OUT), 0)
    text, used = [], 0
    for one in child.text:
        used += len(xml_text(one).encode())
        if used > room:
            break
        text.append(one)
    shorter = replace(child, text="".join(text) + _LEFT_OUT)
    children = (*body.children[:place], shorter, *body.children[place + 1 :])
    return replace(body, children=children)


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message as it came.

    Attributes:
        header: Of the message.
        sequence: Its number; None: it has none.
        document: What is in it.
    """

    header: MessageHeader
    sequence: int | None
    document: XmlDocument


def read_message(datagram: bytes) -> ReadMessage:
    """Read a message of a network, with or without white space between elements.

    Raises:
        DocumentError: It is no message.
    """
    document = read_xml(datagram.rstrip(b"\0"), limit=_MAX_DATAGRAM_BYTES)
    told = {element.name: element.text.strip() for element in document.header}
    if not told.get("type"):
        raise DocumentError("a message has no type")
    header = MessageHeader(
        sender=told.get("from", ""),
        type=told["type"],
        identifier=told.get("identifier", ""),
        mpi_id=_whole(told.get("mpiProcessId", ""), -1) or 0,
        to=tuple(e.text.strip() for e in document.header if e.name == "to"),
    )
    sequences = [e.text for e in document.body if e.name == "seqNumber"]
    return ReadMessage(header, _whole(sequences[0] if sequences else "", None), document)


def look_into(data: bytes) -> Datagram:
    """Return a datagram with what its header says, which nobody has checked; any bytes will do."""
    found = {}
    for name, pattern in _FOUND.items():
        match = pattern.search(data)
        found[name] = match[1].decode(errors="replace") if match else ""
    header = MessageHeader(sender=found["from"], type=found["type"], identifier=found["identifier"])
    is_final = header.type == MessageType.STATUS and bool(_FINAL_STATE.search(data))
    return Datagram(header, data, is_final)


def _whole(text: str, default: int | None) -> int | None:
    try:
        return int(text)
    except ValueError:
        return default
