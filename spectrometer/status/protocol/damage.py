"""Damage in the bytes of a status memory, and the same memory put right. Bytes in, bytes out.

Damage is what the programs that share the memory cannot have written: no END, bytes that are no
text, cards without a keyword or a value, a keyword twice. What follows END is undefined, and
therefore never damage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spectrometer.status.protocol.cards import BLANK, CARD_BYTES, END, find_end, read_card

__all__ = ["Damage", "find_damage", "mended"]

NO_TEXT, NO_KEYWORD, NO_VALUE = "bytes that are no text", "no keyword", "no value"
SHOWN_BYTES = 16
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}\Z")
_WITHOUT_VALUE = ("COMMENT", "HISTORY")


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong with a run of cards."""

    offset: int
    """Byte at which it begins."""
    cards: int
    """How many cards on end; 0: something is missing there."""
    what: str
    found: bytes = b""
    """The first bytes of it."""

    def __str__(self) -> str:
        number = self.offset // CARD_BYTES
        last = number + self.cards - 1
        where = f"card {number}" if self.cards < 2 else f"cards {number} to {last}"
        found = f": {_shown(self.found)}" if self.found else ""
        return f"{where} (byte {self.offset}): {self.what}{found}"


def _shown(raw: bytes) -> str:
    begin = raw[:SHOWN_BYTES]
    dots = "..." if len(raw) > SHOWN_BYTES else ""
    if begin.isascii() and begin.decode("ascii").isprintable():
        return repr(begin.decode("ascii") + dots)
    return begin.hex(" ") + dots


def _fault(raw: bytes) -> str:
    """Return what keeps 80 bytes from being a card; empty if nothing does. NULs may stand for
    blanks, as C leaves them."""
    text = raw.replace(b"\0", b" ")
    if not text.isascii() or not text.decode("ascii").isprintable():
        return NO_TEXT
    keyword = text[:8].decode("ascii").rstrip()
    if not keyword:
        return "" if text == BLANK else NO_KEYWORD
    if not _KEYWORD.match(keyword):
        return NO_KEYWORD
    return "" if keyword in _WITHOUT_VALUE or text[8:9] == b"=" else NO_VALUE


def _cards(image: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    end = find_end(image)
    stop = len(image) if end is None else end
    for offset in range(0, stop - CARD_BYTES + 1, CARD_BYTES):
        yield offset, bytes(image[offset : offset + CARD_BYTES])


def find_damage(image: bytes | bytearray) -> list[Damage]:
    """Return all that is wrong, in the order of the bytes; like cards on end are told as one."""
    found: list[Damage] = []
    seen: set[str] = set()
    used = 0
    for offset, raw in _cards(image):
        what = _fault(raw)
        used = offset + CARD_BYTES if any(raw) else used
        card = None if what else read_card(raw)
        if card is not None:
            what = (
                f"{card.keyword} for the second time, which nobody reads"
                if card.keyword in seen
                else ""
            )
            seen.add(card.keyword)
        if not what:
            continue
        last = found[-1] if found else None
        if (
            last is not None
            and last.what == what
            and last.offset + last.cards * CARD_BYTES == offset
        ):
            found[-1] = Damage(last.offset, last.cards + 1, what, last.found)
        else:
            found.append(Damage(offset, 1, what, raw))
    if find_end(image) is None:
        found.append(Damage(used, 0, "no END card from here on"))
    return found


def mended(image: bytes | bytearray) -> bytes:
    """Return a memory of the same size with END and with every card that is whole, the first of
    each keyword."""
    cards: list[bytes] = []
    seen: set[str] = set()
    for _, raw in _cards(image):
        card = read_card(raw)
        if _fault(raw) or card is None or card.keyword in seen:
            continue
        seen.add(card.keyword)
        cards.append(raw.replace(b"\0", b" "))
    whole = b"".join(cards[: len(image) // CARD_BYTES - 1]) or BLANK
    return (whole + END).ljust(len(image), b"\0")
