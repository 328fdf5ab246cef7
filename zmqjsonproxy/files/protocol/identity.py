"""Identity of a file: the same, written to since, or another one. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

__all__ = ["Change", "FileIdentity", "changed"]


class Change(Enum):
    """Difference between a file and what it was."""

    SAME = "same"
    WRITTEN = "written to since"
    OTHER = "another file"


class FileIdentity(NamedTuple):
    """State of a file at one moment.

    Attributes:
        device: Number of its file system.
        inode: Its number there.
        birth_ns: When it was made, ns since 1970; 0: its file system does not know.
        size: Bytes.
        mtime_ns: Last time that it was written to, ns since 1970, by the clock of its host.
    """

    device: int
    inode: int
    birth_ns: int
    size: int
    mtime_ns: int

    @classmethod
    def read(cls, value: object) -> FileIdentity:
        """Read one as it travels, a list of five numbers; ValueError: it is none."""
        if (
            not isinstance(value, Sequence)
            or isinstance(value, str)
            or len(value) != 5
            or not all(type(number) is int for number in value)
            or not 0 <= value[3] < 2**63
        ):
            raise ValueError(
                f"a file is named by [device, inode, birth_ns, size, mtime_ns] as it was found, not {str(value)[:80]}"
            )
        return cls(*value)


def changed(then: FileIdentity, now: FileIdentity) -> Change:
    """Tell what has become of a file.

    One that was written to has the same number and birth, no fewer bytes and no earlier time:
    clocks of file systems tick every few ms. Where births are not known, so has another one that got
    the number of a removed one; only a checksum of the whole tells these apart.
    """
    if then == now:
        return Change.SAME
    is_same_file = then[:3] == now[:3]
    if is_same_file and now.size >= then.size and now.mtime_ns >= then.mtime_ns:
        return Change.WRITTEN
    return Change.OTHER
