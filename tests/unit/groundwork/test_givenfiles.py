"""Files that callers name."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from groundwork.givenfiles import GivenFileError, given_file, read_given


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (folder := tmp_path / "root").mkdir()
    (folder / "a.par").write_text("DM 1")
    (tmp_path / "b.par").write_text("DM 2")
    return folder


def test_a_file_below_a_root_is_read_by_whatever_name(root: Path) -> None:
    (root / "link").symlink_to(root / "a.par")
    (root / "sub").mkdir()
    for name in ("a.par", "link", "sub/../a.par"):
        assert read_given(root / name, [root / "none", root]) == b"DM 1"
    assert read_given(root / "a.par", ()) == b"DM 1"
    (other := root.parent / "other name of the root").symlink_to(root)
    assert read_given(other / "a.par", [root]) == read_given(root / "a.par", [other]) == b"DM 1"


def test_what_is_elsewhere_is_not(root: Path) -> None:
    (root / "link").symlink_to(root.parent / "b.par")
    (root / "folder").symlink_to(root.parent)
    outside = [
        root.parent / "b.par",
        root / "link",
        root / ".." / "b.par",
        root / "folder" / "b.par",
    ]
    for path in (*outside, Path("/etc/passwd")):
        with pytest.raises(
            GivenFileError,
            match=r"is not below the folders that files are read from, .*root; put it",
        ):
            read_given(path, [root])
    assert not Path(f"{root}2").exists()
    Path(f"{root}2").write_text("x")
    with pytest.raises(GivenFileError, match="is not below"):
        given_file(Path(f"{root}2"), [root])


def test_what_is_no_file_is_neither_waited_for_nor_read_without_end(root: Path) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(root / "socket"))
        for path, says in (
            (root / "fifo", "is no regular file"),
            (Path("/dev/zero"), "is no regular file"),
            (root, "is no regular file|Is a directory"),
            (root / "socket", "No such device|is no regular file"),
            (root / "none", "No such file"),
            (root / "a.par" / "x", "Not a directory"),
            (Path("a\0b"), "is no path of a file"),
            (root / ("x" * 300), "File name too long"),
        ):
            with pytest.raises(GivenFileError, match=says):
                read_given(path, ())


def test_links_that_go_round_are_told(root: Path) -> None:
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    with pytest.raises(GivenFileError):
        read_given(root / "a", ())


def test_a_file_that_is_too_large_or_grows_is_read_no_further(root: Path) -> None:
    (root / "large").write_bytes(b"x" * 101)
    assert read_given(root / "large", (), most=101) == b"x" * 101
    with pytest.raises(GivenFileError, match="has more than 100 bytes"):
        read_given(root / "large", (), most=100)
    ended = threading.Event()

    def grow() -> None:
        with (root / "grows").open("wb", buffering=0) as file:
            while not ended.is_set() and file.tell() < 2**26:
                file.write(b"x" * 4096)

    (root / "grows").touch()
    writer = threading.Thread(target=grow)
    writer.start()
    try:
        while (root / "grows").stat().st_size <= 10_000:
            pass
        with pytest.raises(GivenFileError, match="has more than 10000 bytes"):
            read_given(root / "grows", (), most=10_000)
    finally:
        ended.set()
        writer.join()
