"""Data buffers in real System V memory: the original's layout, and what is left when they cannot be
had."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import sysv_ipc
from support.memory import free_key

from spectrometer.status.databuffers import (
    GUPPI_DATA_KEY,
    VEGAS_DATA_KEY,
    make_buffers,
    planned,
    remove_buffers,
)
from spectrometer.status.errors import DataBufferError

MIB = 1 << 20


def kernel(what: str) -> dict[int, list[str]]:
    """Key -> row of the kernel's table, `shm` or `sem`."""
    rows = (line.split() for line in Path(f"/proc/sysvipc/{what}").read_text().splitlines()[1:])
    return {int(row[0]): row for row in rows}


def test_the_originals_numbers_sizes_and_keys() -> None:
    vegas, guppi = planned("vegas", VEGAS_DATA_KEY), planned("guppi", GUPPI_DATA_KEY)
    assert [(b.key, b.kind, b.blocks, b.block_bytes, b.semaphores) for b in vegas] == [
        (0x00C62C70, 1, 32, 32 * MIB, 32),
        (0x00C62C71, 2, 32, 32 * MIB, 32),
        (0x00C62C72, 3, 24, 16 * MIB, 1024),
    ]
    assert [(b.key, b.blocks, b.block_bytes, b.semaphores) for b in guppi] == [
        (0x00C62C6A, 8, 128 * MIB, 8),
        (0x00C62C6B, 8, 256 * MIB, 8),
    ]
    assert guppi[0].total_bytes == 8192 + 8 * (184320 + 128 * MIB)
    assert vegas[2].total_bytes == 8192 + 24 * (184320 + 65536 + 16 * MIB)


@pytest.mark.parametrize("family", ["vegas", "guppi"])
def test_a_buffer_is_made_anew_free_and_with_empty_headers(family: str) -> None:
    buffers = planned(family, free_key(), 4, 65536, 0)
    try:
        make_buffers(buffers)
        first = sysv_ipc.SharedMemory(buffers[0].key, 0, size=0)
        first.write(b"old", 8192)
        make_buffers(buffers)
        first.detach()
        for buffer in buffers:
            memory = sysv_ipc.SharedMemory(buffer.key, 0, size=0)
            row = kernel("sem")[buffer.key]
            last = struct.unpack_from("<3i", memory.read(128), 112 if family == "vegas" else 88)
            assert last == (memory.id, int(row[1]), 4)
            assert memory.read(64).rstrip(b"\0").decode() == buffer.name
            assert int(row[3]) == buffer.semaphores
            for block in range(4):
                header = memory.read(184320, 8192 + block * 184320)
                assert header == b"END".ljust(80) + bytes(184320 - 80)
            assert memory.read(4 * 65536, 8192 + 4 * 184320) == bytes(4 * 65536)
            assert memory.mode == 0o666
            memory.detach()
    finally:
        remove_buffers(buffers)
    for buffer in buffers:
        assert buffer.key not in kernel("shm")
        assert buffer.key not in kernel("sem")
    remove_buffers(buffers)  # nothing there is nothing wrong


def test_a_buffer_that_cannot_be_had_is_told_and_none_is_left() -> None:
    buffers = planned("vegas", free_key(), 1024, 1 << 50)
    with pytest.raises(
        DataBufferError, match=r"gpu input .*1024 blocks of \d+ KiB.*data_buffers of the Bank"
    ):
        make_buffers(buffers)
    small = planned("vegas", buffers[0].key, 1, 1024)
    with pytest.raises(DataBufferError, match="data buffer cpu accumulator"):
        make_buffers([small[0], planned("vegas", buffers[0].key, 1024, 1 << 50)[1]])
    assert not {buffer.key for buffer in buffers} & kernel("shm").keys()
    assert not {buffer.key for buffer in buffers} & kernel("sem").keys()
