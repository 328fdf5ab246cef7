"""Files that are written by rename."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from groundwork.wholefiles import WholeFile, replace_file


@contextmanager
def whole_file(folder: Path, name: str) -> Iterator[WholeFile]:
    """A file in a folder that is open meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with WholeFile(descriptor, name) as file:
            yield file
    finally:
        os.close(descriptor)


def test_a_half_written_file_is_never_there(tmp_path: Path) -> None:
    (tmp_path / "ports.txt").mkdir()  # so that the rename fails
    with pytest.raises(OSError, match=r"ports\.txt"):
        replace_file(tmp_path / "ports.txt", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["ports.txt"]


def test_a_file_that_is_not_whole_has_no_name(tmp_path: Path) -> None:
    with whole_file(tmp_path, "file") as file:
        file.write(b"half")
        assert list(tmp_path.iterdir()) == []
        file.commit()
    assert (tmp_path / "file").read_bytes() == b"half"


def test_a_disk_without_nameless_files_gets_its_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, flags: int, *args: int, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return opened(path, flags, *args, dir_fd=dir_fd)

    opened = os.open
    monkeypatch.setattr(os, "open", refuse)
    with whole_file(tmp_path, "file") as file:
        file.write(b"half")
        (waiting,) = tmp_path.iterdir()
        assert waiting.name.startswith(".file.")
        file.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with whole_file(tmp_path, "other") as file:
        file.write(b"left")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
