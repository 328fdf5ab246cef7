"""Files of frames of a pipe: a `.jsonl` file, a `.npy` file, or a folder with one for each frame.

A `.npy` file has no numbers and times, so a file of lines is beside it: one for each frame, with
sequence number, time, axis and the updates lost before it, and one for each event. A `.jsonl` file
has the same lines, with the data in them. Files are whole after each frame, whatever ends the
program.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from commandline import json_text
from dealer.channelrecords import update_record
from groundwork.values import Function, JsonObject
from zmqjsonproxy.channels.updates import Update

__all__ = ["FrameFile", "FrameFileError", "open_frames"]

_HEADER_BYTES = 128
_MAGIC = b"\x93NUMPY\x01\x00"


class FrameFileError(Exception):
    """A file cannot be begun, or does not take a frame; the text says why."""


class FrameFile(Protocol):
    """Taker of frames."""

    def take(self, update: Update) -> None:
        """Write a frame; FrameFileError, OSError."""

    def note(self, record: JsonObject) -> None:
        """Write what is no frame; OSError."""

    def close(self) -> None:
        """Close it."""


def open_frames(path: Path) -> FrameFile:
    """Begin files, of the kind that the ending of a name says.

    Raises:
        FrameFileError: Something of that name is there, or the ending is another one.
        ModuleNotFoundError: numpy is not installed, which all but `.jsonl` needs.
        OSError: It cannot be written.
    """
    if path.suffix == ".jsonl":
        return _Lines(_new(path))
    import numpy as np  # before anything is made

    if path.suffix == ".npy":
        beside = _new(path.with_name(f"{path.name}.jsonl"))
        return _Stack(_new(path), _Lines(beside), np.ascontiguousarray)
    if path.suffix and not path.is_dir():
        raise FrameFileError(f"{path}: give a .npy or .jsonl file, or a folder")
    if path.is_dir() and any(path.iterdir()):
        raise FrameFileError(f"{path} is not empty; give another folder")
    path.mkdir(exist_ok=True)
    return _Folder(path, _Lines(path / "frames.jsonl"), np.save, np.ascontiguousarray)


def _new(path: Path) -> Path:
    if path.exists():
        raise FrameFileError(f"{path} is there already; give another name")
    return path


class _Lines:
    """An object of JSON in a line for each frame and each event."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("x", encoding="ascii", buffering=1)

    def take(self, update: Update) -> None:
        """Write a frame with its data."""
        self.note(_record(update) | {"data": update.value["data"]})

    def note(self, record: JsonObject) -> None:
        """Write a line."""
        self._file.write(json_text(record, None) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Stack:
    """A `.npy` file with an array of shape (frames, shape of a frame...), and lines beside it.

    Its header, of a size of its own, is written again with each frame.
    """

    def __init__(self, path: Path, lines: _Lines, as_array: Function) -> None:
        self._path, self._lines, self._as_array = path, lines, as_array
        self._file = path.open("xb")
        self._frames, self._kind = 0, ("", ())

    def take(self, update: Update) -> None:
        """Write a frame of the same shape and type as the others."""
        array = _array(self._as_array, update)
        kind = array.dtype.str, array.shape
        if self._frames == 0:
            self._kind = kind
        elif kind != self._kind:
            raise FrameFileError(
                f"{self._path}: frame {update.number} has type and shape {_shown(*kind)}, those before it "
                f"{_shown(*self._kind)}; give a folder or a .jsonl file"
            )
        self._file.seek(_HEADER_BYTES + self._frames * array.nbytes)
        self._file.write(array.data if array.size else b"")
        self._file.flush()
        self._frames += 1
        self._file.seek(0)
        self._file.write(_header(*kind, self._frames))
        self._file.flush()
        self._lines.note(_record(update))

    def note(self, record: JsonObject) -> None:
        """Write a line into the file beside it."""
        self._lines.note(record)

    def close(self) -> None:
        """Close both files; one without a frame is no array, and removed."""
        self._file.close()
        self._lines.close()
        if not self._frames:
            self._path.unlink(missing_ok=True)


class _Folder:
    """A `.npy` file for each frame, `00000001.npy`, and lines that name them."""

    def __init__(self, path: Path, lines: _Lines, save: Function, as_array: Function) -> None:
        self._path, self._lines, self._save, self._as_array = path, lines, save, as_array
        self._frames = 0

    def take(self, update: Update) -> None:
        """Write a frame into a file of its own."""
        array = _array(self._as_array, update)
        self._frames += 1
        name = f"{self._frames:08d}.npy"
        unfinished = self._path / f"{name}.part"
        try:
            with unfinished.open("wb") as file:
                self._save(file, array, allow_pickle=False)
            os.replace(unfinished, self._path / name)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        self._lines.note(_record(update) | {"file": name})

    def note(self, record: JsonObject) -> None:
        """Write a line."""
        self._lines.note(record)

    def close(self) -> None:
        """Close the file of lines."""
        self._lines.close()


def _record(update: Update) -> JsonObject:
    record = update_record(update)
    value = record.pop("value")
    assert isinstance(value, dict)
    return record | {name: value[name] for name in ("x_start", "x_delta")}


def _array(as_array: Function, update: Update) -> Any:
    array: Any = as_array(update.value["data"])
    if array.dtype.kind not in "biufc":
        raise FrameFileError(f"frame {update.number} of {update.name} holds no numbers")
    return array


def _shown(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype}{list(shape)}"


def _header(dtype: str, shape: tuple[int, ...], frames: int) -> bytes:
    """Return the header of a `.npy` file, version 1.0 of numpy's format, in _HEADER_BYTES."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {(frames, *shape)}, }}"
    size = _HEADER_BYTES - len(_MAGIC) - 2
    if len(text) >= size:
        raise FrameFileError(f"a frame of shape {list(shape)} has too many axes for a .npy file")
    return _MAGIC + size.to_bytes(2, "little") + text.ljust(size - 1).encode() + b"\n"
