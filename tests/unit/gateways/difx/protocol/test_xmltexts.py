"""XML of documents: no document types, no entities but five."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.difx.errors import DocumentError
from gateways.difx.protocol.xmltexts import MAX_DOCUMENT_BYTES, Element, escape, read_xml

PLAIN = (
    "<difxMessage><header><type>T</type></header><body><a><path>{}</path></a></body></difxMessage>"
)


def _nested(levels: int) -> str:
    entities = ['<!ENTITY e0 "lol">']
    entities += [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels + 1)]
    return f"<!DOCTYPE difxMessage [{''.join(entities)}]>" + PLAIN.format(f"&e{levels};")


HOSTILE = {
    "nine levels of entities": _nested(9),
    "quadratic": f'<!DOCTYPE d [<!ENTITY a "{"x" * 20_000}">]>' + PLAIN.format("&a;" * 10_000),
    "an external file": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + PLAIN.format("&x;"),
    "an external subset": '<!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd">' + PLAIN.format("a"),
    "a document type alone": "<!DOCTYPE difxMessage>" + PLAIN.format("a"),
    "a parameter entity": '<!DOCTYPE d [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
}


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_document_type_is_refused(document: str) -> None:
    with pytest.raises(DocumentError, match="document type"):
        read_xml(document.encode(), limit=1 << 20)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
def test_a_document_type_is_not_hidden_by_an_encoding(encoding: str) -> None:
    with pytest.raises(DocumentError):
        read_xml(HOSTILE["nine levels of entities"].encode(encoding), limit=1 << 20)


def test_a_declared_encoding_changes_nothing() -> None:
    document = "<?xml version='1.0' encoding='{}'?>" + PLAIN.format("größe")
    for encoding in ("UTF-8", "ISO-8859-1", "UTF-16", "UTF-7", "no-such-encoding"):
        assert read_xml(document.format(encoding).encode()).body[0].text == "größe"


MALFORMED = {
    "an unclosed document": PLAIN.format("a").removesuffix("</difxMessage>"),
    "an unclosed element": PLAIN.format("<b>"),
    "a lone ampersand": PLAIN.format("a & b"),
    "an unknown entity": PLAIN.format("&nbsp;"),
    "no XML": "<a b c>",
    "nothing": "",
    "two documents": PLAIN.format("a") * 2,
    "a character that XML cannot have": PLAIN.format("&#0;"),
    "a bell": PLAIN.format("\a"),
}


@pytest.mark.parametrize("document", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_well_formed_is_refused(document: str) -> None:
    with pytest.raises(DocumentError, match=r"no well-formed XML: .+, line \d+, column \d+"):
        read_xml(document.encode())


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (PLAIN.format("\0").encode(), "is NUL"),
        (b"\xff\xfe" + PLAIN.encode(), "byte 0 of the document is no UTF-8"),
        (PLAIN.format("a").encode() + b"\0", "is NUL"),
        (b"<message><header/></message>", "<message>, not a <difxMessage>"),
    ],
)
def test_what_is_no_document_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        read_xml(document)


def test_a_document_is_as_long_as_the_limit_at_most() -> None:
    room = MAX_DOCUMENT_BYTES - len(PLAIN.format(""))
    for length in (room - 1, room):
        assert len(read_xml(PLAIN.format("x" * length).encode()).body[0].text) == length
    with pytest.raises(DocumentError, match=r"65537 bytes, more than the 65536 of max_document"):
        read_xml(PLAIN.format("x" * (room + 1)).encode())
    with pytest.raises(DocumentError, match="1048576 bytes"):
        read_xml(b"<" * (1 << 20))


def test_the_five_entities_and_numbers_of_characters_are_read() -> None:
    document = read_xml(PLAIN.format("&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#10;").encode())
    assert document.body[0].text == "<>&\"'AB\n"


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read_xml(b"\xef\xbb\xbf" + PLAIN.format("a").encode()).body[0].text == "a"


def test_elements_are_found_at_any_depth_with_attributes_and_texts() -> None:
    document = read_xml(
        b'<difxMessage>\n <body x="1"><w>\n <p node="n">a<q>b</q>c</p></w></body>\n'
        b"<header> <type>T</type> </header><other><type>no</type></other></difxMessage>\n"
    )
    assert document.header == (Element("type", {}, "T"),)
    assert document.body == (
        Element("q", {}, "b"),
        Element("p", {"node": "n"}, "ac"),
        Element("w", {}, "\n "),
    )


def test_a_document_type_inside_a_text_is_refused_as_well() -> None:
    with pytest.raises(DocumentError, match="document type"):
        read_xml(PLAIN.format("<![CDATA[<!DOCTYPE a>]]>").encode())


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
        | st.sampled_from("\t\n\r"),
        max_size=30,
    )
)
def test_an_escaped_text_is_read_as_it_was(value: str) -> None:
    assert read_xml(PLAIN.format(escape(value)).encode()).body[0].text == value


@given(st.binary(max_size=80))
def test_any_bytes_are_a_document_or_an_error(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        read_xml(data)


@pytest.mark.parametrize("value", ["\0", "\a", "\x1f", "\ud800", "\uffff"])
def test_characters_that_no_document_can_have_are_not_written(value: str) -> None:
    with pytest.raises(DocumentError, match=rf"U\+{ord(value):04X}"):
        escape(f"a{value}")
