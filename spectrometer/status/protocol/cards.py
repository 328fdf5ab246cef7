"""80-byte cards, as in the status memory and in GUPPI raw headers. Bytes in, values out; no memory,
no file: `spectrometer.status.buffer` writes them into the memory.

A card is a keyword of at most 8 characters, `= `, and a value: a quoted string (padded to 8
characters inside the quotes) or a number that ends at byte 29. A number that needs more than 20
characters begins at byte 10 and runs on (FITS free format): digits are never dropped, as C's `%f`
and `%g` would.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from spectrometer.status.errors import CardError

CARD_BYTES = 80
MAX_TEXT = 68
"""Characters between the quotes, a doubled quote counting as two."""
BLANK = b" " * CARD_BYTES
END = b"END".ljust(CARD_BYTES)

Value = str | int | float
"""What a card can hold."""

_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
_QUOTED = re.compile(r"\s*'((?:[^']|'')*)'\s*(?:/(.*))?", re.DOTALL)
_LOOKS_LIKE_END = re.compile(rb"END[ \0]")


@dataclass(frozen=True, slots=True)
class Card:
    """One card that has been read."""

    keyword: str
    value: Value
    comment: str = ""


def check_keyword(keyword: str) -> str:
    """Return the keyword in upper case; CardError if no card can carry it."""
    upper = keyword.upper()
    if not _KEYWORD.fullmatch(upper):
        raise CardError(keyword, "a keyword has 1 to 8 of A-Z, 0-9, '_' and '-'")
    if upper == "END":
        raise CardError(keyword, "this keyword ends the memory")
    return upper


def plain(text: str, instead: str = "?") -> str:
    """Return a text with another character for each that no card holds, and for quotes, which are
    doubled in one."""
    return "".join(c if c.isascii() and c.isprintable() and c != "'" else instead for c in text)


def write_value(keyword: str, value: object) -> str:
    """Write a value as it stands in a card from byte 10 on.

    Raises:
        CardError: The text is too long or not printable ASCII, or the type has no card.
    """
    item = getattr(value, "item", None)
    if item is not None and not isinstance(
        value, (str, int, float)
    ):  # numpy scalars, without numpy
        value = item()
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int):
        return f"{value:>20d}"
    if isinstance(value, float):
        if not math.isfinite(value):  # FITS has no such number; C's atof reads the text
            return _quote(keyword, repr(float(value)))
        digits = repr(float(value)).upper()
        if "." not in digits:
            digits = digits.replace("E", ".0E")
        return f"{digits:>20s}"
    if isinstance(value, str):
        return _quote(keyword, value)
    raise CardError(
        keyword, f"a value of type {type(value).__name__} has no card; expected text or a number"
    )


def _quote(keyword: str, text: str) -> str:
    if len(text) > 100 * MAX_TEXT:  # a stranger's may have any length
        raise CardError(
            keyword, f"a text of {len(text)} characters does not fit a card of {MAX_TEXT}"
        )
    if not text.isascii() or not text.isprintable():
        raise CardError(keyword, f"the text {text!r:.80} is not printable ASCII")
    inside = text.replace("'", "''")
    if len(inside) > MAX_TEXT:
        raise CardError(
            keyword,
            f"a text of {len(inside)} characters does not fit a card of {MAX_TEXT}: {text!r:.160}",
        )
    return f"'{inside:<8s}'"


def write_card(keyword: str, value: object, comment: str = "") -> bytes:
    """Write one card of 80 bytes; a comment is cut, or left out, where the value needs the room."""
    keyword = check_keyword(keyword)
    text = f"{keyword:<8s}= {write_value(keyword, value)}"
    if comment and len(text) + 3 < CARD_BYTES:
        text = f"{text:<30s} / {comment}"
    if len(text) > CARD_BYTES and not comment:
        raise CardError(keyword, f"a number of {len(text) - 10} digits does not fit a card")
    return text[:CARD_BYTES].ljust(CARD_BYTES).encode("ascii", "replace")


@lru_cache(
    maxsize=512
)  # of the cards of a status memory, some hundred, few change from one reading to the next
def read_card(card: bytes) -> Card | None:
    """Read one card.

    Returns:
        None for a card without a value (blank, COMMENT, rubbish). Quoted text stays text even if it
        is a number, as the Players of the original wrote all values so; see `read_number`.
    """
    text = card.decode("latin-1").replace("\0", " ")
    keyword = text[:8].rstrip()
    if text[8:9] != "=" or not keyword:
        return None
    rest = text[9:]
    quoted = _QUOTED.match(rest)
    if quoted is not None:
        return Card(keyword, quoted[1].replace("''", "'").rstrip(" "), (quoted[2] or "").strip())
    bare, _, comment = rest.partition("/")
    return Card(keyword, _number_or_text(bare.strip()), comment.strip())


def _number_or_text(text: str) -> Value:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text.replace("D", "E"))
    except ValueError:
        return text.removeprefix("'")  # a C writer that lost the closing quote


def read_number(keyword: str, value: object) -> float:
    """Take a value as a number whether it was quoted or not, as C readers do; CardError if it is
    none."""
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        number = _number_or_text(value.strip())
        if not isinstance(number, str):
            return number
    raise CardError(keyword, f"expected a number, found {value!r}")


def find_end(image: bytes | bytearray) -> int | None:
    """Offset of the END card, or None."""
    for match in _LOOKS_LIKE_END.finditer(image):
        if match.start() % CARD_BYTES == 0:
            return match.start()
    if image[-3:] == b"END" and (len(image) - 3) % CARD_BYTES == 0:
        return len(image) - 3
    return None


def iterate_cards(image: bytes | bytearray) -> Iterator[tuple[int, Card]]:
    """Walk over the cards with a value and their offsets, up to END or to the end of the bytes."""
    end = find_end(image)
    for offset in range(0, (len(image) if end is None else end) - CARD_BYTES + 1, CARD_BYTES):
        card = read_card(bytes(image[offset : offset + CARD_BYTES]))
        if card is not None:
            yield offset, card


def read_cards(image: bytes | bytearray) -> dict[str, Value]:
    """Read all cards up to END, in their order; the first of two equal keywords counts, as in C."""
    values: dict[str, Value] = {}
    for _, card in iterate_cards(image):
        values.setdefault(card.keyword, card.value)
    return values


def write_cards(values: Mapping[str, object]) -> bytes:
    """Write all values and END."""
    return b"".join(write_card(key, value) for key, value in values.items()) + END


def empty_image(size: int) -> bytes:
    """Bytes of an empty memory: a blank card, then END in three bytes, then zeros."""
    return (BLANK + b"END").ljust(size, b"\0")


def _keyword_at(image: bytes | bytearray, offset: int) -> str:
    return image[offset : offset + 8].decode("latin-1").rstrip(" \0")


def plan_update(
    image: bytes | bytearray, values: Mapping[str, object], reserve: int = 0
) -> list[tuple[int, bytes]]:
    """Return what to write where so that the memory holds `values`.

    A known key keeps its place and comment, a new one takes the first blank card, else END moves
    down first.

    Args:
        image: The whole memory.
        values: New values; every one is checked before anything is planned.
        reserve: Cards that new keys have to leave free for others.

    Raises:
        CardError: A key or a value has no card, or the memory is full, but for what is reserved.
    """
    total = len(image) // CARD_BYTES
    if len(values) > total:  # a stranger's may be any number
        raise CardError(
            "END", f"{len(values)} keys at once do not fit: the memory has {total} cards"
        )
    fresh = {check_keyword(key): value for key, value in values.items()}
    for key, value in fresh.items():
        write_card(key, value)
    end = find_end(image)
    if end is None:
        raise CardError("END", "the memory has no END card")
    places: dict[str, int] = {}
    blanks: list[int] = []
    for offset in range(0, end, CARD_BYTES):
        keyword = _keyword_at(image, offset)
        if keyword:
            places.setdefault(keyword, offset)
        else:
            blanks.append(offset)
    blanks.reverse()
    free = len(blanks) + (len(image) - end) // CARD_BYTES - 1
    patches: list[tuple[int, bytes]] = []
    for key, value in fresh.items():
        place = places.get(key)
        if place is not None:
            old = read_card(bytes(image[place : place + CARD_BYTES]))
            patches.append((place, write_card(key, value, old.comment if old else "")))
            continue
        if free <= reserve:
            kept = f", and {reserve} are kept for scans; set_mode empties it" if reserve else ""
            raise CardError(key, f"the memory is full: {total} cards{kept}")
        free -= 1
        if blanks:
            patches.append((blanks.pop(), write_card(key, value)))
        else:
            patches += [(end + CARD_BYTES, END), (end, write_card(key, value))]
            end += CARD_BYTES
    return patches


def without(image: bytes | bytearray, keywords: Iterable[str]) -> bytes:
    """Bytes up to and including END with some cards taken out and the others moved up."""
    gone = {key.upper() for key in keywords}
    end = find_end(image)
    if end is None:
        raise CardError("END", "the memory has no END card")
    offsets = range(0, end, CARD_BYTES)
    kept = [
        bytes(image[at : at + CARD_BYTES]) for at in offsets if _keyword_at(image, at) not in gone
    ]
    return b"".join(kept) + END
