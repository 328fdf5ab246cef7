"""Display memory in a System V segment: made, found by others, removed, left behind."""

from __future__ import annotations

import re
import secrets
import string
import subprocess
import sys

import pytest
import sysv_ipc

from histogrammer.display.segmentmemory import SegmentMemory
from histogrammer.display.segments import Segment, key_number
from histogrammer.errors import DisplayMemoryError

MIB = 1 << 20
LEAVE = """
import os
from histogrammer.display.segmentmemory import SegmentMemory
print(SegmentMemory(4096).key, flush=True)
os._exit(9)
"""


def number_of(key: str) -> int:
    """Return the key_t of four characters: their bytes as they are in memory."""
    return int.from_bytes(key.encode(), sys.byteorder)


def is_there(key: str) -> bool:
    """Look for a segment as a foreign program does."""
    try:
        sysv_ipc.SharedMemory(number_of(key)).detach()
    except sysv_ipc.ExistentialError:
        return False
    return True


def test_a_foreign_program_finds_it_by_its_four_characters_and_it_is_removed() -> None:
    with SegmentMemory(2 * MIB) as memory:
        assert re.fullmatch("[0-9A-Za-z]{4}", memory.key)
        assert key_number(memory.key) == number_of(memory.key)
        memory.header["types"][3] = 4
        memory.channels[5] = 7
        assert len(memory.channels) == 2 * MIB // 4
        foreign = sysv_ipc.SharedMemory(number_of(memory.key))
        assert foreign.size >= 5_600_000 + 2 * MIB
        assert foreign.mode & 0o077 == 0
        assert foreign.read(4, 2_680_012) == (4).to_bytes(4, sys.byteorder)
        assert foreign.read(4, 5_600_020) == (7).to_bytes(4, sys.byteorder)
        assert not any(foreign.read(2_680_000))
        foreign.detach()
    assert not is_there(memory.key)
    memory.close()


def test_what_a_dead_owner_left_is_removed_and_what_others_have_is_not() -> None:
    left = subprocess.run(
        [sys.executable, "-c", LEAVE], capture_output=True, text=True, check=False
    )
    assert left.returncode == 9, left.stderr
    dead = left.stdout.strip()
    key = "".join(secrets.choice(string.punctuation) for _ in range(4))
    foreign = Segment.make(key, 5_700_000)  # of a program that has no marks
    try:
        with SegmentMemory(4096) as one, SegmentMemory(4096) as other:
            assert not is_there(dead)
            assert is_there(one.key)
            assert is_there(other.key)
            assert is_there(key)
    finally:
        foreign.remove()


def test_no_room_is_a_sentence() -> None:
    with pytest.raises(DisplayMemoryError, match=r"as a System V segment: .*--shm-mbytes"):
        SegmentMemory(1 << 62)


@pytest.mark.parametrize("key", ["", "abc", "abcde", "äbcd", "file:/x"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="it has four characters"):
        key_number(key)
