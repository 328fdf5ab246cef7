"""Targets of the histogrammer: ring items, REST requests, texts of its display memory."""

from __future__ import annotations

from histogrammer.display.protocol.layout import text_bytes
from histogrammer.errors import (
    HistogrammerError,
    MirrorProtocolError,
    QueryError,
    RingItemError,
)
from histogrammer.events.protocol import acquisitionitems, paramitems
from histogrammer.events.protocol.ringitems import read_item, write_item
from histogrammer.mirror.protocol.messages import MirrorMessageType, write_info, write_prefix
from histogrammer.mirror.protocol.serving import MirrorSession
from histogrammer.rest.protocol.bookings import read_booking
from histogrammer.rest.protocol.paths import read_path
from histogrammer.rest.protocol.query import Query, read_number, read_query
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.routes import read_values
from histogrammer.rest.protocol.values import RequestValues
from tools.fuzz.target import Target

ALL_TYPES = ("1", "2", "s", "m2", "g1", "g2", "gd", "b", "S")


def read_ring(data: bytes) -> None:
    """Read ring items one after the other; what is whole is written as it was."""
    at = 0
    while at < len(data):
        item = read_item(data, at)
        written = write_item(item)
        at += len(written)
        for version in (11, 12):
            for read in (
                lambda one, version=version: acquisitionitems.read_acquisition_item(one, version),
                paramitems.read_definitions,
                paramitems.read_variables,
                paramitems.read_parameter_data,
            ):
                try:
                    read(item)
                except RingItemError:
                    pass


def read_rest(data: bytes) -> None:
    """Read a request: path and query string."""
    raw_path, _, raw_query = data.partition(b"?")
    path = read_path(raw_path)
    query: Query = read_query(raw_query)
    route = ROUTES.get(path) if path is not None else None
    if route is not None:
        RequestValues(read_values(route, query))
    for text in query.all("value"):
        found = read_number(text)
        assert found is None or found == found


def read_spectrum(data: bytes) -> None:
    """Read the words of a spectrum that is created."""
    letters, parameters, axes, *_ = (data.decode("utf-8", "replace") + "\n\n").split("\n")
    read_booking(letters, parameters, axes, ALL_TYPES)


def write_text(data: bytes) -> None:
    """Write a text into the display memory: short, and whole characters of it."""
    text = data.decode("utf-8", "replace")
    written = text_bytes(text)
    assert len(written) <= 127
    assert text.startswith(written.decode())


def read_mirror(data: bytes) -> None:
    """Read what a mirror's client sends, in two pieces as in one."""
    whole = list(MirrorSession().receive(data))
    session, half = MirrorSession(), len(data) // 2
    assert [*session.receive(data[:half]), *session.receive(data[half:])] == whole


TARGETS = (
    Target(
        name="ring-items",
        folder="histogrammer/events/protocol",
        read=read_ring,
        raises=(RingItemError,),
        samples=(
            bytes.fromhex("0c0000000c00000000000000"),
            write_item(paramitems.write_parameter_data(paramitems.ParameterData(1, ((1, 2.0),)))),
        ),
    ),
    Target(
        name="rest",
        folder="histogrammer/rest/protocol",
        read=read_rest,
        raises=(QueryError, HistogrammerError),
        samples=(
            b"/spectcl/spectrum/list?filter=*",
            b"/spectcl/parameter/edit?name=a&low=1&high=2.5",
        ),
    ),
    Target(
        name="bookings",
        folder="histogrammer/rest/protocol",
        read=read_spectrum,
        raises=(HistogrammerError,),
        samples=(b"1\na\n{0 100 100}", b"m2\n{a b} {c d}\n{0 1 2} {0 1 2}"),
    ),
    Target(
        name="display-texts",
        folder="histogrammer/display/protocol",
        read=write_text,
        samples=("µ".encode() * 70,),
    ),
    Target(
        name="mirror",
        folder="histogrammer/mirror/protocol",
        read=read_mirror,
        raises=(MirrorProtocolError,),
        samples=(
            write_info("k3Zp") + write_prefix(MirrorMessageType.REQUEST_UPDATE, 0),
            write_prefix(MirrorMessageType.FULL_UPDATE, 0),
        ),
    ),
)
