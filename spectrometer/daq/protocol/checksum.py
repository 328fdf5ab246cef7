"""Checksums of FITS units: sums of 32-bit words in ones' complement, and their text (FITS 4.0,
appendix J).

Bytes and numbers in, numbers and texts out; opens no file.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ALL_ONES", "add_words", "checksum_text"]

ALL_ONES = 0xFFFFFFFF
_PUNCTUATION = (*range(0x3A, 0x41), *range(0x5B, 0x61))
"""Between the digits and letters of ASCII: not to be in the text."""


def add_words(total: int, data: bytes, at: int = 0) -> int:
    """Add bytes to a sum.

    Args:
        total: The sum so far.
        data: Any number of bytes.
        at: Where they are in the unit: a word may begin in one call and end in the next.
    """
    before = at % 4
    words = np.frombuffer(bytes(before) + data + bytes(-(before + len(data)) % 4), ">u4")
    total += int(words.sum(dtype=np.uint64))
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def checksum_text(total: int) -> str:
    """Value of CHECKSUM for a unit whose words have this sum while CHECKSUM is sixteen zeros: the
    sum is -0 with it."""
    value = ALL_ONES - total
    text = bytearray(16)
    for place in range(4):
        quarter, rest = divmod(value >> (24 - 8 * place) & 0xFF, 4)
        characters = [quarter + rest + 0x30, quarter + 0x30, quarter + 0x30, quarter + 0x30]
        while any(character in _PUNCTUATION for character in characters):
            for one, other in ((0, 1), (2, 3)):
                if characters[one] in _PUNCTUATION or characters[other] in _PUNCTUATION:
                    characters[one] += 1
                    characters[other] -= 1
        for row, character in enumerate(characters):
            text[4 * row + place] = character
    return (text[-1:] + text[:-1]).decode("ascii")
