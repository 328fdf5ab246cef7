"""Layout of a memory of live frames: a ring of a few frames, written by one process and read by any.

There is no lock that a dead process could keep. A frame begins with its number twice: the first is
written before it, the second behind it, so a frame that is being written, or whose writer died,
has two different ones. A reader looks at the second, copies the frame, and looks at the first: if
both are the number that it wants, no later frame had been begun when it had its copy.

That holds as long as both ends do these steps in this order. x86-64 keeps the order of stores and
that of loads; long copies may go past it there, so each step ends with a barrier, behind which
nothing is moved. Other processors promise less, and Python has no barrier for them: there the frame
has a checksum, which shows what was stored, or read, in another order.

| where | what |
|---|---|
| page 0 | `_FILE`: magic, frames, bytes of a frame's place, process of the writer, its start |
| page 0, from `_NEWEST_AT` on | number of the newest frame |
| each place, page 0 | `_FRAME`: number, number, how it is checked, checksum, bytes of the text, \
bytes of the data, time, integration; JSON text |
| each place, from page 1 on | the data, float32 |
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "FRAMES",
    "FloatArray",
    "FrameMemory",
    "LiveSpectrum",
    "Writer",
    "memory_bytes",
    "read_writer",
    "write_writer",
]

FRAMES = 4
FloatArray = npt.NDArray[np.float32]
_PAGE = 4096
_MAGIC = b"DPFRAME2"
_FILE = struct.Struct("<8s4Q")
_FRAME, _FRAME_REST = struct.Struct("<2Q4IdQ"), struct.Struct("<4IdQ")
_NUMBERS = 2 * 8
_NEWEST_AT = 64
_BY_NUMBERS, _BY_CHECKSUM = 0, 1


class LiveSpectrum(NamedTuple):
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
        """Return what is the same of most frames of a scan, but for the data."""
        told = {
            "rows": list(self.rows),
            "x_starts": list(self.x_starts),
            "x_delta": self.x_delta,
            "shape": list(self.data.shape),
        }
        return json.dumps(told).encode()


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


class _Place(NamedTuple):
    """Parts of the memory that a frame has.

    Attributes:
        at: Where it begins.
        numbers: First and second, each read and written at once.
        text: Room for the text.
        data: Room for the data.
    """

    at: int
    numbers: memoryview
    text: memoryview
    data: memoryview


class FrameMemory:
    """Frames of a memory.

    Args:
        memory: All of it; begins at an address that 8 divides.
        barrier: Ends each step when it is entered and left; None: there is none, and frames have a
            checksum when they are written, and are not read without one.

    Raises:
        ValueError: It is none.
    """

    def __init__(
        self, memory: memoryview, barrier: AbstractContextManager[object] | None = None
    ) -> None:
        _, frames, place, _, _ = _FILE.unpack_from(memory) if read_writer(memory) else (0,) * 5
        if frames != FRAMES or place <= _PAGE or len(memory) < _PAGE + FRAMES * place:
            raise ValueError("this is no memory of live frames")
        self._memory, self.data_bytes = memory, place - _PAGE
        self._check = _BY_CHECKSUM if barrier is None else _BY_NUMBERS
        self._step = nullcontext() if barrier is None else barrier
        self._newest = memory[_NEWEST_AT : _NEWEST_AT + 8].cast("Q")
        self._places = [self._place(_PAGE + number * place, place) for number in range(FRAMES)]
        self._told: tuple[Sequence[object], bytes] = (), b""  # of the last frame, and its text
        self._read_text = b""  # likewise
        self._read: tuple[Sequence[str], Sequence[float], float, Sequence[int]] = (), (), 0.0, ()

    def _place(self, at: int, size: int) -> _Place:
        memory = self._memory
        numbers = memory[at : at + _NUMBERS].cast("Q")
        return _Place(
            at, numbers, memory[at + _FRAME.size : at + _PAGE], memory[at + _PAGE : at + size]
        )

    def write(self, number: int, spectrum: LiveSpectrum) -> None:
        """Write a frame, whose number is one more than that of the last.

        Raises:
            ValueError: It has no room.
        """
        rows, x_starts, x_delta, time, integration, values = spectrum
        said = (*rows, *x_starts, x_delta, values.shape)
        if self._told[0] != said:
            self._told = said, spectrum.text()
        text, data = self._told[1], np.ascontiguousarray(values, np.float32)
        size, text_size = data.nbytes, len(text)
        if text_size > _PAGE - _FRAME.size or size > self.data_bytes:
            raise ValueError(f"a frame of {text_size} and {size} bytes has no room")
        raw, check, crc = data.data.cast("B"), self._check, 0
        rest = time, integration
        if check == _BY_CHECKSUM:
            crc = _checksum(raw, text, *rest)
        at, numbers, room_for_text, room = self._places[number % FRAMES]
        numbers[0] = number
        with self._step:
            pass
        _FRAME_REST.pack_into(self._memory, at + _NUMBERS, check, crc, text_size, size, *rest)
        room_for_text[:text_size] = text
        room[:size] = raw
        with self._step:
            pass
        numbers[1] = number
        self._newest[0] = number

    def newest(self) -> int:
        """Return the number of the newest frame that was written; 0: there is none."""
        return int(self._newest[0])

    def read(self, number: int) -> LiveSpectrum | None:
        """Read a frame; None: it is not there (any more), or being written."""
        at, numbers, room_for_text, room = self._places[number % FRAMES]
        if numbers[1] != number:
            return None
        with self._step:
            pass
        check, crc, text_size, size, time, integration = _FRAME_REST.unpack_from(
            self._memory, at + _NUMBERS
        )
        if text_size > len(room_for_text) or size > self.data_bytes:
            return None
        if self._check == _BY_CHECKSUM != check:  # it may be that of the frame before, or of none
            return None
        text, data = bytes(room_for_text[:text_size]), bytes(room[:size])
        with self._step:
            pass
        if numbers[0] != number:
            return None
        if check == _BY_CHECKSUM and _checksum(data, text, time, integration) != crc:
            return None
        if text != self._read_text:
            told: dict[str, Any] = json.loads(text)
            self._read = told["rows"], told["x_starts"], told["x_delta"], tuple(told["shape"])
            self._read_text = text
        rows, x_starts, x_delta, shape = self._read
        array = np.ndarray(shape, np.float32, data)
        return LiveSpectrum(rows, x_starts, x_delta, time, integration, array)

    def release(self) -> None:
        """Hold the memory no longer."""
        self._newest.release()
        for place in self._places:
            for part in place[1:]:
                part.release()
        self._memory.release()


def _checksum(data: memoryview | bytes, text: bytes, time: float, integration: int) -> int:
    return zlib.crc32(data, zlib.crc32(b"%b%a" % (text, (time, integration))))
