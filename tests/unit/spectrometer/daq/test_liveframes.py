"""Live frames in shared memory: none is ever torn, whatever becomes of their writer."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.live_writer import BYTES, frame, is_whole
from support.player_run import ROOT

from spectrometer.daq.errors import LiveFramesError
from spectrometer.daq.liveframes import MAX_BYTES, FrameWriter, LiveFrameReader, remove_leftover
from spectrometer.daq.protocol.liveframes import (
    FRAMES,
    FrameMemory,
    LiveSpectrum,
    Writer,
    memory_bytes,
    write_writer,
)

LIVES = 20


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Path of a memory; in `/dev/shm`, as ever."""
    made = Path("/dev/shm") / f"test-spectra-{os.getpid()}-{random.getrandbits(40):x}"
    yield made
    made.unlink(missing_ok=True)


@pytest.fixture
def reader(path: Path) -> Iterator[LiveFrameReader]:
    made = LiveFrameReader(path)
    yield made
    made.close()


def test_each_frame_comes_once_and_the_newest_first(path: Path, reader: LiveFrameReader) -> None:
    assert reader.next() is None
    writer = FrameWriter(path, BYTES)
    assert reader.next() is None
    for number in range(1, FRAMES + 2):
        writer.write(frame(number))
        found = reader.next()
        assert found is not None
        assert (found.integration, found.rows) == (number, ["XX", "YY"])
        assert is_whole(found)
        assert not found.data.flags.writeable
        assert reader.next() is None
    for number in range(6, 9):
        writer.write(frame(number))
    found = reader.next()
    assert found is not None
    assert found.integration == 8
    writer.close()
    writer.close()
    assert reader.next() is None
    assert not path.exists()


def test_a_reader_follows_to_the_next_memory(path: Path, reader: LiveFrameReader) -> None:
    with ExitStack() as stack:
        for channels in (16, 64):
            writer = FrameWriter(path, 4 * channels)
            stack.callback(writer.close)
            data = np.arange(channels, dtype=np.float32).reshape(1, -1)
            told = {"rows": ["XX"], "x_starts": [0.0], "x_delta": 1.0, "time": 0.0}
            writer.write(LiveSpectrum(**told, integration=0, data=data))  # type: ignore[arg-type]  # a table
            found = reader.next()
            assert found is not None
            assert found.data.shape == (1, channels)
        stack.pop_all().close()
    assert not path.exists()


def test_a_frame_that_is_being_written_is_not_read(path: Path, reader: LiveFrameReader) -> None:
    writer = FrameWriter(path, BYTES)
    for number in (1, 2):
        writer.write(frame(number))
    with path.open("r+b") as file:
        size = (path.stat().st_size - 4096) // FRAMES
        file.seek(4096 + 2 * size)
        file.write((6).to_bytes(8, "little"))  # the first number of the frame after the next
    assert reader.next() is None
    with path.open("r+b") as file:
        file.seek(4096 + 2 * size)
        file.write((2).to_bytes(8, "little"))
    found = reader.next()
    assert found is not None
    assert found.integration == 2
    writer.close()


def test_a_frame_of_which_another_one_is_begun_meanwhile_is_not_read() -> None:
    memory = _memory()
    frames = FrameMemory(memory)
    for number in range(1, 6):
        frames.write(number, frame(number))
    assert frames.newest() == 5
    assert frames.read(1) is None  # of the same place
    found = frames.read(5)
    assert found is not None
    assert is_whole(found)


@pytest.mark.parametrize("barrier", [nullcontext(), None])
def test_where_the_order_of_stores_is_not_kept_a_checksum_finds_other_data(
    barrier: AbstractContextManager[object] | None,
) -> None:
    memory = _memory()
    FrameMemory(memory, barrier).write(2, frame(2))
    reader = FrameMemory(memory, barrier)
    assert reader.read(2) is not None
    place = 4096 + 2 * ((len(memory) - 4096) // FRAMES)
    memory[place + 4096] ^= 1  # its numbers stay
    assert (reader.read(2) is None) is (barrier is None)


def test_where_the_order_of_stores_is_not_kept_numbers_alone_make_no_frame() -> None:
    memory = _memory()
    place = 4096 + 2 * ((len(memory) - 4096) // FRAMES)
    memory[place : place + 16] = 2 * (2).to_bytes(8, "little")  # seen before all else of the frame
    assert FrameMemory(memory).read(2) is None
    FrameMemory(memory, nullcontext()).write(2, frame(2))
    assert FrameMemory(memory).read(2) is None


def test_a_memory_that_comes_while_the_last_one_is_looked_at_gives_its_frames_once(
    path: Path, reader: LiveFrameReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    FrameWriter(path, BYTES)
    look, writers = os.stat, list[FrameWriter]()

    def slow_look(*args: Any, **kwargs: Any) -> os.stat_result:
        found = look(*args, **kwargs)
        if not writers:
            writers.append(FrameWriter(path, BYTES))
            writers[0].write(frame(7))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", slow_look)
        found = reader.next()
    assert found is not None
    assert found.integration == 7
    assert reader.next() is None
    writers[0].close()


def test_a_memory_that_cannot_be_opened_now_is_read_later(
    path: Path, reader: LiveFrameReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = FrameWriter(path, BYTES)
    writer.write(frame(1))

    def no_more(*_args: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", no_more)
        assert reader.next() is None
    assert reader.next() is not None
    writer.close()


def _memory() -> memoryview:
    memory = memoryview(bytearray(memory_bytes(BYTES)))
    write_writer(memory, BYTES, Writer(1, 1))
    return memory


def test_a_killed_writer_leaves_no_torn_frame_and_its_memory_is_replaced(
    path: Path, reader: LiveFrameReader
) -> None:
    command = [sys.executable, "-m", "support.live_writer", str(path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _life in range(LIVES):
            print(file=process.stdin, flush=True)
            writer = int(process.stdout.readline())
            with pytest.raises(LiveFramesError, match=f"belongs to process {writer}; end it first"):
                FrameWriter(path, BYTES)
            assert not remove_leftover(path)
            seen, wanted = 0, random.randint(1, 20)
            while seen < wanted:
                if (found := reader.next()) is not None:
                    seen += 1
                    assert is_whole(found)
            os.kill(writer, signal.SIGKILL)
            assert process.stdout.readline() == "ended\n"
            if (found := reader.next()) is not None:
                assert is_whole(found)
        process.stdin.close()
    assert remove_leftover(path)
    assert not path.exists()


def test_without_room_a_sentence_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LiveFramesError, match=r"no live spectra: a spectrum has .* fewer channels"):
        FrameWriter(path, MAX_BYTES + 1)

    def is_full(*_args: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", is_full)
    with pytest.raises(
        LiveFramesError, match=r"no live spectra: /dev/shm has no room for \d+ bytes"
    ):
        FrameWriter(path, BYTES)
    assert not path.exists()
    assert not path.with_name(f"{path.name}.new").exists()


def test_a_memory_that_is_none_is_passed_over(path: Path, reader: LiveFrameReader) -> None:
    path.write_bytes(b"DPFRAME2" + bytes(100))
    assert reader.next() is None
    with pytest.raises(ValueError, match="no memory of live frames"):
        FrameMemory(memoryview(bytearray(8192)))
    FrameWriter(path, BYTES).close()  # nobody owns it
    assert not path.exists()


def test_a_frame_without_room_is_refused(path: Path) -> None:
    writer = FrameWriter(path, 16)
    with pytest.raises(ValueError, match="has no room"):
        writer.write(frame(1))
    writer.close()
