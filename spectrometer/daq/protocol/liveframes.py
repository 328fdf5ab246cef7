"""Layout of a memory of live frames: a ring of a few frames, written by one process and read by any.

There is no lock that a dead process could keep. A frame begins with its number twice: the first is
written before it, the second behind it, so a frame that is being written, or whose writer died,
has two different ones. Its checksum shows what a processor may have stored in another order.

| where | what |
|---|---|
| page 0 | `_FILE`: magic, frames, bytes of a frame's place, process of the writer, its start |
| each place, page 0 | `_FRAME`: number, number, checksum, bytes of the text, bytes of the data; JSON text |
| each place, from page 1 on | the data, float32 |
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "FRAMES",
    "FloatArray",
    "FrameMemory",
    "Spectrum",
    "Writer",
    "memory_bytes",
    "read_writer",
    "write_writer",
]

FRAMES = 4
FloatArray = npt.NDArray[np.float32]
_PAGE = 4096
_MAGIC = b"DPFRAME1"
_FILE = struct.Struct("<8s4Q")
_FRAME, _FRAME_REST = struct.Struct("<2Q3I"), struct.Struct("<3I")
_NUMBERS = 2 * 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """Mean spectra of one integration.

    Attributes:
        rows: What the rows are: `XX`; with several sub-bands `XX of sub-band 0`.
        x_starts: Hz, of the first channel of each row.
        x_delta: Hz, from a channel to the next.
        time: Middle of the integration, UTC, unix seconds.
        integration: Its number in the scan, from 0 on.
        data: Shape (rows, channels), counts^2; NaN: not in the voltages.
    """

    rows: Sequence[str]
    x_starts: Sequence[float]
    x_delta: float
    time: float
    integration: int
    data: FloatArray

    def text(self) -> bytes:
        """Return all but the numbers of the data."""
        told = {
            "rows": list(self.rows),
            "x_starts": list(self.x_starts),
            "x_delta": self.x_delta,
            "time": self.time,
            "integration": self.integration,
            "shape": list(self.data.shape),
        }
        return json.dumps(told).encode()


def _read_spectrum(text: bytes, data: bytes) -> Spectrum:
    """Read a frame; its array cannot be changed."""
    told: dict[str, Any] = json.loads(text)
    shape = told.pop("shape")
    return Spectrum(**told, data=np.frombuffer(data, np.float32).reshape(shape))


@dataclass(frozen=True, slots=True)
class Writer:
    """Process that writes a memory.

    Attributes:
        pid: Its number.
        start: When it began, clock ticks since the machine's start: numbers are given again.
    """

    pid: int
    start: int


def _place_bytes(data_bytes: int) -> int:
    return _PAGE + -(-data_bytes // _PAGE) * _PAGE


def memory_bytes(data_bytes: int) -> int:
    """Return the size of a memory for frames of so many bytes."""
    return _PAGE + FRAMES * _place_bytes(data_bytes)


def write_writer(memory: memoryview, data_bytes: int, writer: Writer) -> None:
    """Write the head of a new memory, which is all zeros."""
    head = (_MAGIC, FRAMES, _place_bytes(data_bytes), writer.pid, writer.start)
    _FILE.pack_into(memory, 0, *head)


def read_writer(memory: memoryview | bytes) -> Writer | None:
    """Read whose memory it is; None: it is none."""
    if len(memory) < _FILE.size:
        return None
    magic, _, _, pid, start = _FILE.unpack_from(memory)
    return Writer(pid, start) if magic == _MAGIC else None


class FrameMemory:
    """Frames of a memory.

    Args:
        memory: All of it; begins at an address that 8 divides.

    Raises:
        ValueError: It is none.
    """

    def __init__(self, memory: memoryview) -> None:
        _, frames, place, _, _ = _FILE.unpack_from(memory) if read_writer(memory) else (0,) * 5
        if frames != FRAMES or place <= _PAGE or len(memory) < _PAGE + FRAMES * place:
            raise ValueError("this is no memory of live frames")
        self._memory, self.data_bytes = memory, place - _PAGE
        self._places = [_PAGE + number * place for number in range(FRAMES)]
        self._numbers = [np.frombuffer(memory, np.uint64, 2, at) for at in self._places]

    def write(self, number: int, spectrum: Spectrum) -> None:
        """Write a frame, whose number is one more than that of the last.

        Raises:
            ValueError: It has no room.
        """
        text, data = spectrum.text(), np.ascontiguousarray(spectrum.data, np.float32)
        if len(text) > _PAGE - _FRAME.size or data.nbytes > self.data_bytes:
            raise ValueError(f"a frame of {len(text)} and {data.nbytes} bytes has no room")
        raw = data.reshape(-1).view(np.uint8).data
        crc = zlib.crc32(raw, zlib.crc32(text))
        at, numbers = self._places[number % FRAMES], self._numbers[number % FRAMES]
        numbers[0] = number
        _FRAME_REST.pack_into(self._memory, at + _NUMBERS, crc, len(text), data.nbytes)
        self._memory[at + _FRAME.size : at + _FRAME.size + len(text)] = text
        self._memory[at + _PAGE : at + _PAGE + data.nbytes] = raw
        numbers[1] = number

    def newest(self) -> int:
        """Return the number of the newest frame that was whole; 0: there is none."""
        return max(int(second) if first == second else 0 for first, second in self._numbers)

    def read(self, number: int) -> Spectrum | None:
        """Read a frame; None: it is not there (any more), or being written."""
        at = self._places[number % FRAMES]
        begun, ended, crc, text_bytes, data_bytes = _FRAME.unpack_from(self._memory, at)
        if not begun == ended == number or data_bytes > self.data_bytes:
            return None
        if text_bytes > _PAGE - _FRAME.size:
            return None
        text = bytes(self._memory[at + _FRAME.size : at + _FRAME.size + text_bytes])
        data = bytes(self._memory[at + _PAGE : at + _PAGE + data_bytes])
        if self._numbers[number % FRAMES][0] != number or zlib.crc32(data, zlib.crc32(text)) != crc:
            return None
        return _read_spectrum(text, data)

    def release(self) -> None:
        """Hold the memory no longer."""
        self._numbers.clear()
        self._memory.release()
