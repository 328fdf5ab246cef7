"""Display memories opened by key, and by what a server tells of them."""

from __future__ import annotations

import mmap
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import posix_ipc
import pytest

from histogrammer import display
from histogrammer.axes import Axis
from histogrammer.display import MemoryState, reader
from histogrammer.display.binder import Binder
from histogrammer.display.filememory import FileMemory
from histogrammer.display.memory import DisplayMemory
from histogrammer.display.protocol.directory import MirrorEntry
from histogrammer.display.segmentmemory import SegmentMemory
from histogrammer.display.source import MemorySource
from histogrammer.errors import DisplayMemoryError
from histogrammer.spectra import KINDS

LEAVE = """
import os, sys
from pathlib import Path
from histogrammer.display.filememory import FileMemory
print(FileMemory(Path(sys.argv[1]), 1).key, flush=True)
os._exit(9)
"""


def show(memory: DisplayMemory) -> None:
    binder = Binder(memory.header, memory.channels)
    binder.bind("h", KINDS["1"].define("h", [["a"]], [Axis(0, 5, 5)]))
    binder.refresh({"h": np.arange(7.0)})


@pytest.mark.parametrize("kind", ["file", "segment", "named segment"])
def test_spectra_are_views_that_follow_the_memory(kind: str, tmp_path: Path) -> None:
    made = FileMemory(tmp_path, 1) if kind == "file" else SegmentMemory(4096)
    key = f"sysv:{made.key}" if kind == "named segment" else made.key
    with made as memory, display.open(key) as seen:
        assert list(seen) == []
        show(memory)
        spectrum = seen["h"]
        assert spectrum.counts.tolist() == [1, 2, 3, 4, 5]
        memory.channels[1] = 77
        assert spectrum.counts[0] == 77
        with pytest.raises(ValueError, match="read-only"):
            spectrum.cells[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            seen.header["types"] = 0
        with pytest.raises(KeyError):
            seen["other"]
        assert seen.state is MemoryState.LIVE
        assert "1 spectra, live" in repr(seen)
    assert seen.state is MemoryState.GONE
    assert spectrum.counts.tolist() == [77, 2, 3, 4, 5]


def test_a_memory_whose_owner_was_killed_is_gone(tmp_path: Path) -> None:
    words = [sys.executable, "-c", LEAVE, str(tmp_path)]
    left = subprocess.run(words, capture_output=True, text=True, check=False)
    with display.open(left.stdout.strip()) as seen:
        assert seen.state is MemoryState.GONE


@pytest.mark.parametrize("key", ["file:/none", "posix:/no-such-memory", "abc", "sysv:", "~~~~"])
def test_what_is_not_there_is_an_error(key: str) -> None:
    with pytest.raises(DisplayMemoryError, match=f"display memory {key}: "):
        display.open(key)


def test_shared_memory_of_posix_is_read_by_its_name() -> None:
    made = posix_ipc.SharedMemory(None, posix_ipc.O_CREX, size=5_600_000 + 4096)
    try:
        with mmap.mmap(made.fd, 0) as mapped:
            mapped[1_360_000:1_360_002] = b"h\0"
            mapped[2_680_000:2_680_004] = struct.pack("=I", 4)
            mapped[0:8] = struct.pack("=2I", 3, 1)
            mapped[5_600_004:5_600_008] = struct.pack("=I", 7)
            with display.open(f"posix:{made.name}") as seen:
                assert seen["h"].counts.tolist() == [7]
                assert (seen.key, seen.state) == (f"posix:{made.name}", MemoryState.LIVE)
    finally:
        made.close_fd()
        made.unlink()
    assert seen.state is MemoryState.GONE


def test_a_file_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "short"
    for size in (0, 100):
        path.write_bytes(bytes(size))
        with pytest.raises(DisplayMemoryError, match="short: "):
            display.open(f"file:{path}")


def source(key: str, *mirrors: MirrorEntry, is_local: bool = False) -> MemorySource:
    return MemorySource(
        host="daq1",
        port=8000,
        key=key,
        channel_bytes=4096,
        mirrors=mirrors,
        here="192.0.2.7",
        is_local=is_local,
    )


def test_a_server_elsewhere_is_read_by_the_copy_of_this_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SegmentMemory(4096) as memory:
        show(memory)
        mine = MirrorEntry("192.0.2.7", memory.key)
        gone, other = MirrorEntry("192.0.2.7", "~~~~"), MirrorEntry("192.0.2.8", memory.key)

        def tell(told: MemorySource) -> None:
            monkeypatch.setattr(reader, "ask_source", lambda _url: told)

        tell(source("file:/none", other, gone, mine))
        assert list(display.open("http://daq1:8000")) == ["h"]
        tell(source(memory.key, is_local=True))
        assert display.open("http://daq1:8000").key == memory.key
        tell(source(memory.key, other))  # the key is one of the server's host
        with pytest.raises(DisplayMemoryError, match="`mirror --host daq1 --restport 8000` keeps"):
            display.open("http://daq1:8000")
