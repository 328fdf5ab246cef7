"""The codec of cards against bytes of the reference and of a real Green Bank header."""

from __future__ import annotations

import re

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from support.recordings import recording

from spectrometer.status.errors import CardError
from spectrometer.status.keys import ftok, hashpipe_semaphore
from spectrometer.status.protocol.cards import (
    Card,
    Value,
    empty_image,
    find_end,
    plan_update,
    read_card,
    read_cards,
    read_number,
    without,
    write_card,
    write_cards,
)

CARDS = [
    (b"NCHAN   = '1024    '", Card("NCHAN", "1024")),
    (b"NCHAN   =                 1024", Card("NCHAN", 1024)),
    (b"TBIN    =                0.004", Card("TBIN", 0.004)),
    (b"OBSERVER= 'O''Neil '", Card("OBSERVER", "O'Neil")),
    (b"EXPOSURE=                  0.5 / seconds", Card("EXPOSURE", 0.5, "seconds")),
    (b"_SPHS_01=                  0.0", Card("_SPHS_01", 0.0)),
]


@pytest.mark.parametrize(("data", "card"), CARDS)
def test_card_reads_and_writes(data: bytes, card: Card) -> None:
    assert read_card(data.ljust(80)) == card
    assert write_card(card.keyword, card.value, card.comment) == data.ljust(80)


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=34)
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_any_value_comes_back_and_astropy_reads_the_same(value: Value) -> None:
    data = write_card("KEY", value)
    card = read_card(data)
    assert card is not None
    expected = value.rstrip(" ") if isinstance(value, str) else value
    assert card.value == expected
    assert type(card.value) is type(value)
    if not re.search(
        "' */", str(value)
    ):  # astropy takes a doubled quote before a slash for the end
        assert fits.Card.fromstring(data).value == expected


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("TOOLONGKEY", 1, "keyword"),
        ("A B", 1, "keyword"),
        ("END", 1, "ends"),
        ("A", "x" * 69, "69 characters"),
        ("A", "é", "ASCII"),
        ("A", None, "NoneType"),
        ("A", "a\nb", "ASCII"),
    ],
)
def test_what_no_card_holds_is_refused_by_name(key: str, value: object, text: str) -> None:
    with pytest.raises(CardError, match=text):
        write_card(key, value)


def test_new_key_takes_the_first_blank_card_then_moves_end() -> None:
    image = bytearray(empty_image(800))
    for offset, data in plan_update(image, {"A": 1, "B": 2}):
        image[offset : offset + 80] = data
    assert image[:240] == write_cards({"A": 1, "B": 2})


def test_comment_and_place_survive_an_update() -> None:
    image = write_card("A", 1, "first") + write_card("B", 2) + b"END".ljust(80)
    assert plan_update(image, {"A": 7}) == [(0, write_card("A", 7, "first"))]


def test_new_keys_leave_what_is_reserved_and_known_ones_need_no_room() -> None:
    image = bytearray(empty_image(20 * 80))  # 19 cards beside END, one of them blank

    def update(values: dict[str, Value], reserve: int = 0) -> None:
        for offset, card in plan_update(image, values, reserve):
            image[offset : offset + 80] = card

    taken: dict[str, Value] = {f"K{n}": n for n in range(7)}
    with pytest.raises(
        CardError, match="full: 20 cards, and 12 are kept for scans; set_mode empties it"
    ):
        update({**taken, "K8": 8}, 12)
    assert read_cards(image) == {}
    update(taken, 12)
    update({"K0": 5}, 12)
    with pytest.raises(CardError, match="kept for scans"):
        update({"NEW": 1}, 12)
    rest: dict[str, Value] = {f"R{n}": n for n in range(12)}
    update(rest)
    assert read_cards(image) == taken | {"K0": 5} | rest
    with pytest.raises(CardError, match=r"full: 20 cards$"):
        update({"NEW": 1})


def test_full_memory_is_refused_before_anything_is_written() -> None:
    image = write_cards({f"K{n}": n for n in range(9)})
    with pytest.raises(CardError, match="full: 10 cards"):
        plan_update(image, {"NEW": 1})


def test_more_keys_at_once_than_the_memory_has_cards_are_refused_before_each_is_looked_at() -> None:
    with pytest.raises(CardError, match="4 keys at once do not fit: the memory has 3 cards"):
        plan_update(empty_image(3 * 80), {"no keyword": object(), "B": 1, "C": 1, "D": 1})


def test_removed_cards_leave_no_hole() -> None:
    assert without(write_cards({"A": 1, "B": 2, "C": 3}), ["b", "X"]) == write_cards(
        {"A": 1, "C": 3}
    )


def test_real_header_of_quoted_numbers() -> None:
    data = recording("sample_vegas.raw").read_bytes()
    end = find_end(data)
    assert end is not None
    values = read_cards(data)
    assert values["OBSNCHAN"] == "32"
    assert values["BLOCSIZE"] == 132186112
    assert read_number("TBIN", values["TBIN"]) == 3.2e-07
    assert read_number("SCALE0", values["SCALE0"]) == 1.0
    assert values["OBSERVER"] == "Jean-Luc Margot"
    header = fits.Header.fromstring(data[:end].decode("ascii"))
    assert list(values) == list(header)
    assert [str(v) for v in values.values()] == [str(v) for v in header.values()]


def test_hashpipe_names_of_the_reference() -> None:
    assert ftok(0x803, 0x1A2B3C, 0x40) == 0x40032B3C
    assert ftok(0x803, 0x1A2B3C, 0x80) == -2147275972
    assert hashpipe_semaphore("/home/dibas", 2) == "/home_dibas_hashpipe_status_2"
