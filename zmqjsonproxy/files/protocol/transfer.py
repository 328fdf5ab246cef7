"""State of a transfer: what is asked for next, what was taken, where a broken one is resumed, and what
differs in the end. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from zmqjsonproxy.files.protocol.identity import Change, FileIdentity, changed
from zmqjsonproxy.files.protocol.ranges import ByteRange

__all__ = ["DIGEST_BYTES", "PartNote", "Transfer", "differing", "resumed_at", "stretch_of"]

DIGEST_BYTES = 32
"""Of a checksum, sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartNote:
    """Description of the bytes of a part file.

    Attributes:
        name: `AREA/PATH`.
        file: The file, as it was when they were begun.
        first: Offset of the first of them in the file.
        size: How many there will be.
        to_end: They are to go on to the end of the file.
    """

    name: str
    file: FileIdentity
    first: int
    size: int
    to_end: bool

    @property
    def stretch(self) -> ByteRange:
        """Their place in the file."""
        return ByteRange(self.first, self.size)

    def describe(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return asdict(self) | {"file": list(self.file)}

    @classmethod
    def read(cls, value: object) -> PartNote:
        """Read one; ValueError: it is none."""
        known = dict(value) if isinstance(value, dict) else {}
        numbers = [known.get("first"), known.get("size")]
        if (
            known.keys() != {"name", "file", "first", "size", "to_end"}
            or not isinstance(known["name"], str)
            or not all(type(number) is int and number >= 0 for number in numbers)
            or type(known["to_end"]) is not bool
        ):
            raise ValueError("no note of a part file")
        return cls(**(known | {"file": FileIdentity.read(known["file"])}))


def stretch_of(part: tuple[int, int | None] | None, size: int) -> ByteRange:
    """Return which bytes of a file of `size` bytes are wanted.

    Args:
        part: First and last byte; None for the last one: to the end; None: the whole.
        size: Of the file.

    Raises:
        ValueError: The file has none of them.
    """
    first, last = part or (0, None)
    end = size if last is None else min(last + 1, size)
    if first < 0 or end < first or (first == end and part is not None):
        raise ValueError(
            f"bytes {first} to {'the end' if last is None else last} are wanted, and the file has {size}"
        )
    return ByteRange(first, end - first)


def resumed_at(note: PartNote | None, length: int, wanted: PartNote) -> int:
    """Return how many bytes of a part file are the first of what is wanted; 0: none.

    Args:
        note: What the part file is said to hold.
        length: Bytes in it.
        wanted: What is fetched now, with the file as it is now.
    """
    if (
        note is None
        or (note.name, note.first, note.to_end) != (wanted.name, wanted.first, wanted.to_end)
        or (not note.to_end and note.size != wanted.size)
        or changed(note.file, wanted.file) is Change.OTHER
        or length > note.size
    ):
        return 0
    return length


@dataclass(slots=True)
class Transfer:
    """One stretch of a file, asked for and taken in its order.

    Attributes:
        stretch: All of it.
        taken: Offset behind what was taken.
        asked: Offset behind what was asked for.
    """

    stretch: ByteRange
    taken: int
    asked: int = 0

    def __post_init__(self) -> None:
        self.asked = self.taken

    @property
    def is_done(self) -> bool:
        """All was taken."""
        return self.taken >= self.stretch.end

    def ask(self, most: int) -> ByteRange | None:
        """Return what to ask for next, at most so many bytes; None: all was asked for."""
        size = min(most, self.stretch.end - self.asked)
        if size <= 0:
            return None
        found = ByteRange(self.asked, size)
        self.asked = found.end
        return found

    def ask_again(self) -> None:
        """Ask anew for what was not taken."""
        self.asked = self.taken

    def take(self, answered: ByteRange) -> None:
        """Take an answer; ValueError: it is not what comes next."""
        if answered.first != self.taken or answered.end > self.asked:
            raise ValueError(
                f"bytes from {answered.first} to {answered.end} came, and those from {self.taken} were due"
            )
        self.taken = answered.end


def differing(ours: bytes, theirs: bytes, found: Sequence[ByteRange]) -> list[ByteRange]:
    """Return the blocks whose checksums differ.

    Args:
        ours: Checksums, one behind the other.
        theirs: The same.
        found: The blocks.

    Raises:
        ValueError: There are more or fewer checksums than blocks.
    """
    if not len(ours) == len(theirs) == DIGEST_BYTES * len(found):
        raise ValueError(f"{len(theirs)} bytes of checksums came for {len(found)} blocks")
    at = range(0, len(ours), DIGEST_BYTES)
    return [
        block
        for block, n in zip(found, at, strict=True)
        if ours[n : n + DIGEST_BYTES] != theirs[n : n + DIGEST_BYTES]
    ]
