"""XML of command documents: a header, and the elements below the body. No document types.

Without a document type there are no entities but the five standard ones, internal or external.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from gateways.difx.errors import DocumentError
from groundwork.truncation import cut

__all__ = ["MAX_DOCUMENT_BYTES", "Element", "XmlDocument", "escape", "read_xml"]

MAX_DOCUMENT_BYTES = 65_536

_ROOT = "difxMessage"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile("[<>&\"'\t\n\r]")
_NAMED = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&apos;"}


@dataclass(frozen=True, slots=True)
class Element:
    """An element below the body, at any depth.

    Attributes:
        text: Its characters, without those of elements inside it; white space is kept.
    """

    name: str
    attributes: dict[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """A document as it was read.

    Attributes:
        header: Elements of the header.
        body: Elements below the body, wrappers among them, in the order of their ends.
    """

    header: tuple[Element, ...]
    body: tuple[Element, ...]


def read_xml(data: bytes, *, limit: int = MAX_DOCUMENT_BYTES) -> XmlDocument:
    """Read a document.

    Raises:
        DocumentError: It is longer than `limit` bytes, no UTF-8, no well-formed XML, has a document
            type, or is no `difxMessage`.
    """
    parts = _Parts()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = parts.start
    parser.EndElementHandler = parts.end
    parser.CharacterDataHandler = parts.characters
    try:
        parser.Parse(_checked_text(data, limit), True)
    except expat.ExpatError as error:
        raise DocumentError(
            f"the document is no well-formed XML: {expat.ErrorString(error.code)}, line"
            f" {error.lineno}, column {error.offset}"
        ) from None
    if parts.root != _ROOT:
        raise DocumentError(f"the document is a <{cut(parts.root)}>, not a <{_ROOT}>")
    return XmlDocument(tuple(parts.found["header"]), tuple(parts.found["body"]))


def escape(value: str) -> str:
    """Return a text as it stands inside an element or an attribute.

    Raises:
        DocumentError: It has a character that no XML document can have.
    """
    forbidden = _FORBIDDEN.search(value)
    if forbidden is not None:
        raise DocumentError(
            f"{cut(value)!r} has the character U+{ord(forbidden[0]):04X}, which no document can have"
        )
    return _ESCAPED.sub(lambda found: _NAMED.get(found[0], f"&#{ord(found[0])};"), value)


def _checked_text(data: bytes, limit: int) -> str:
    """Return the text of a document that expat may see.

    The parser is given text, so that no declaration and no byte order mark changes its encoding
    behind the search for a document type: its handlers cannot stop it, once it is inside of one.
    """
    if len(data) > limit:
        raise DocumentError(
            f"the document has {len(data)} bytes, more than the {limit} of max_document"
        )
    try:
        document = data.decode()
    except UnicodeDecodeError as error:
        raise DocumentError(f"byte {error.start} of the document is no UTF-8") from None
    if "\0" in document:
        raise DocumentError(f"byte {data.index(0)} of the document is NUL")
    if "<!DOCTYPE" in document:
        raise DocumentError("the document has a document type: neither it nor entities are read")
    return document


@dataclass(slots=True)
class _Parts:
    """Handlers of the parser: header and body as they come, in any order."""

    root: str = ""
    path: list[str] = field(default_factory=list)
    open: list[tuple[dict[str, str], list[str]]] = field(default_factory=list)
    found: dict[str, list[Element]] = field(default_factory=lambda: {"header": [], "body": []})

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.path:
            self.root = name
        self.path.append(name)
        self.open.append((attributes, []))

    def characters(self, data: str) -> None:
        self.open[-1][1].append(data)

    def end(self, name: str) -> None:
        attributes, texts = self.open.pop()
        self.path.pop()
        if len(self.path) > 1 and self.path[1] in self.found:
            self.found[self.path[1]].append(Element(name, attributes, "".join(texts)))
