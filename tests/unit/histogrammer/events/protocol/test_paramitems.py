"""Items of parameters as bytes, in both directions, and hostile ones."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ringfiles import definitions, event

from histogrammer.errors import RingItemError
from histogrammer.events.protocol import paramitems as par
from histogrammer.events.protocol.paramitems import (
    ParameterData,
    ParameterNames,
    Variable,
    Variables,
    write_events,
)
from histogrammer.events.protocol.ringitems import RingItem, read_item, write_item

DEFINITIONS = (
    "1e 00 00 00 00 80 00 00 04 00 00 00 02 00 00 00 01 00 00 00 65 31 00 02 00 00 00 64 65 00"
)
VARIABLE = (
    "3d 00 00 00 01 80 00 00 04 00 00 00 01 00 00 00 00 00 00 00 00 00 04 40 6b 65 56"
    + " 00" * 29
    + " 67 61 69 6e 00"
)
EVENT = (
    "30 00 00 00 02 80 00 00 04 00 00 00 07 00 00 00 00 00 00 00 02 00 00 00 01 00 00 00"
    " 00 00 00 00 00 20 59 40 02 00 00 00 00 00 00 00 00 00 08 c0"
)
CONTENTS: list[tuple[str, Any, Callable[..., Any], Callable[..., RingItem]]] = [
    (
        DEFINITIONS,
        ParameterNames(((1, "e1"), (2, "de"))),
        par.read_definitions,
        par.write_definitions,
    ),
    (
        VARIABLE,
        Variables((Variable("gain", 2.5, "keV"),)),
        par.read_variables,
        par.write_variables,
    ),
    (
        EVENT,
        ParameterData(7, ((1, 100.5), (2, -3.0))),
        par.read_parameter_data,
        par.write_parameter_data,
    ),
    (
        "10 00 00 00 00 80 00 00 04 00 00 00 00 00 00 00",
        ParameterNames(()),
        par.read_definitions,
        par.write_definitions,
    ),
    (
        "18 00 00 00 02 80 00 00 04 00 00 00 ff ff ff ff ff ff ff ff 00 00 00 00",
        ParameterData(2**64 - 1, ()),
        par.read_parameter_data,
        par.write_parameter_data,
    ),
]


@pytest.mark.parametrize(("text", "known", "read", "write"), CONTENTS)
def test_contents_read_and_write(
    text: str, known: object, read: Callable[..., object], write: Callable[..., RingItem]
) -> None:
    raw = bytes.fromhex(text)
    assert read(read_item(raw)) == known
    assert write_item(write(known)) == raw


@pytest.mark.parametrize(("text", "known", "read", "write"), CONTENTS)
def test_contents_that_are_cut_are_refused_at_any_byte(
    text: str, known: object, read: Callable[..., object], write: Callable[..., RingItem]
) -> None:
    item = read_item(bytes.fromhex(text))
    for length in range(len(item.payload)):
        with pytest.raises(RingItemError, match="byte 9"):
            read(RingItem(item.type, item.payload[:length], offset=9))


@pytest.mark.parametrize(
    ("read", "payload"),
    [
        (par.read_definitions, struct.pack("<II", 1, 7) + b"name without an end"),
        (par.read_definitions, struct.pack("<I", 0xFFFFFFFF)),
        (par.read_definitions, struct.pack("<I", 3) + 2 * (bytes(4) + b"ab\0")),
        (par.read_variables, struct.pack("<Id", 1, 0.5) + b"keV" + bytes(29) + b"gain"),
        (par.read_variables, struct.pack("<I", 0xFFFFFFFF) + bytes(100)),
        (par.read_parameter_data, struct.pack("<QI", 1, 2) + bytes(23)),
        (par.read_parameter_data, struct.pack("<QI", 1, 0xFFFFFFFF)),
    ],
)
def test_more_than_the_item_holds_is_refused(read: Callable[..., object], payload: bytes) -> None:
    with pytest.raises(RingItemError):
        read(RingItem(32768, payload))


names = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)
ids = st.integers(0, 2**32 - 1)


@given(st.lists(st.tuples(ids, names), max_size=5))
def test_names_with_any_characters_come_back(pairs: list[tuple[int, str]]) -> None:
    known = ParameterNames(tuple(pairs))
    raw = write_item(par.write_definitions(known))
    assert raw == definitions(pairs)
    assert par.read_definitions(read_item(raw)) == known


def test_name_that_is_no_utf8_differs_from_others() -> None:
    payload = struct.pack("<I", 2) + bytes(4) + b"\xb5\0" + bytes(4) + b"\xb6\0"
    found = par.read_definitions(RingItem(32768, payload))
    assert found.names == ((0, r"\xb5"), (0, r"\xb6"))


def test_units_that_are_too_long_are_refused() -> None:
    with pytest.raises(ValueError, match="room for 32"):
        par.write_variables(Variables((Variable("x", 1.0, "u" * 33),)))


@given(st.lists(st.lists(st.tuples(ids, st.floats()), max_size=4), max_size=5))
def test_many_events_are_written_as_one_by_one(events: list[list[tuple[int, float]]]) -> None:
    flat = [pair for each in events for pair in each]
    raw = write_events(
        np.arange(len(events)),
        [len(each) for each in events],
        [number for number, _value in flat],
        [value for _number, value in flat],
    )
    assert raw == b"".join(event(trigger, each) for trigger, each in enumerate(events))
