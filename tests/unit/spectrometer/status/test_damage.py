"""Damaged memories: all that is wrong is told with its place, and all that is whole stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spectrometer.status.protocol.cards import (
    empty_image,
    find_end,
    read_cards,
    write_card,
    write_cards,
)
from spectrometer.status.protocol.damage import find_damage, mended

SIZE = 40 * 80
KEYWORDS = st.from_regex(r"[A-Z][A-Z0-9_-]{0,7}", fullmatch=True).filter(
    lambda key: key not in ("END", "COMMENT", "HISTORY")
)
VALUES = st.one_of(st.integers(-(2**31), 2**31), st.text("abc XYZ/.'", max_size=20).map(str.rstrip))


def test_a_memory_whose_end_was_overwritten_keeps_its_whole_cards() -> None:
    image = bytearray(write_cards({"A": 1, "B": "two", "C": 3}).ljust(20 * 80, b"\0"))
    image[3 * 80 : 4 * 80] = b"\xff\x01=rubbish" * 8  # END
    image[80:90] = b"B\0      \xe4="
    image[5 * 80 : 6 * 80] = write_card("A", 9)
    assert find_end(image) is None
    whole = mended(image)
    assert len(whole) == len(image)
    assert read_cards(whole) == {"A": 1, "C": 3}
    assert find_end(mended(b"\xff" * 800)) == 80


def image_of(values: dict[str, object]) -> bytearray:
    return bytearray(write_cards(values).ljust(SIZE, b"\0"))


def told(image: bytes | bytearray) -> list[str]:
    return [str(damage) for damage in find_damage(image)]


def test_damage_is_told_with_its_place_and_its_bytes() -> None:
    image = image_of({"A": 1, "B": 2, "C": 3, "D": 4, "E": 5})
    assert told(image) == []
    image[80:240] = b"\xa5" * 160
    image[3 * 80 : 3 * 80 + 10] = b"what is it"
    assert told(image) == [
        "cards 1 to 2 (byte 80): bytes that are no text: a5 a5 a5 a5 a5 a5 a5 a5 a5 a5 a5 a5 a5 a5 a5 a5...",
        "card 3 (byte 240): no keyword: 'what is it      ...'",
    ]
    image[5 * 80 : 5 * 80 + 3] = b"XYZ"  # END
    image[4 * 80 : 5 * 80] = write_card("A", 7)
    assert told(image)[2:] == [
        "card 4 (byte 320): A for the second time, which nobody reads: 'A       =       ...'",
        "card 5 (byte 400): no value: 'XYZ             ...'",
        "card 6 (byte 480): no END card from here on",
    ]


def test_what_programs_write_is_no_damage() -> None:
    for image in (
        empty_image(SIZE),
        image_of({"A": 1}),
        (b"COMMENT what somebody says".ljust(80) + b"END").ljust(SIZE, b"\0"),
        (b"NCHAN   =                 1024".ljust(80, b"\0") + b" " * 80 + b"END ").ljust(
            SIZE, b"\xff"
        ),
    ):
        assert told(image) == []


@given(st.dictionaries(KEYWORDS, VALUES, max_size=20))
def test_a_memory_that_is_whole_is_kept_value_for_value(values: dict[str, object]) -> None:
    image = image_of(values)
    assert find_damage(image) == []
    assert read_cards(mended(image)) == read_cards(image)


@given(
    st.dictionaries(KEYWORDS, VALUES, max_size=20),
    st.integers(0, SIZE - 1),
    st.binary(min_size=1, max_size=400),
)
def test_whatever_is_written_over_it_can_be_put_right(
    values: dict[str, object], at: int, noise: bytes
) -> None:
    image = image_of(values)
    before = read_cards(image)
    image[at : at + len(noise)] = noise
    image = image[:SIZE]
    whole = mended(image)
    assert len(whole) == SIZE
    assert find_damage(whole) == []
    assert find_end(whole) is not None
    if find_damage(image) == [] and find_end(image) is not None:
        assert read_cards(whole) == read_cards(image)
    touched = {
        key for n, key in enumerate(before) if n * 80 < at + len(noise) and at < (n + 1) * 80
    }
    end = find_end(image)
    if end is None or end >= len(before) * 80:  # a forged END ends the memory for everybody
        kept = read_cards(whole)
        forged = set(read_cards(noise[(-at) % 80 :])) | {b for b in kept if b not in before}
        assert {
            k: v for k, v in before.items() if k not in touched | forged
        }.items() <= kept.items()
