"""Folders that are removed with all that is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundwork.trees import remove_tree

DEEP = 1100
"""More than Python's stack has room for."""


@pytest.fixture
def folder(tmp_path: Path) -> int:
    return os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)


def make_deep(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)


def test_a_folder_is_removed_however_deep_it_is(tmp_path: Path, folder: int) -> None:
    make_deep(tmp_path)
    (tmp_path / "d" / "beside").mkdir()
    (tmp_path / "stays").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    remove_tree("d", folder)
    assert os.listdir(tmp_path) == ["stays"]
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(folder)


def test_links_in_it_are_removed_and_not_followed(tmp_path: Path, folder: int) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("kept")
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "sub" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    remove_tree("d", folder)
    assert sorted(os.listdir(tmp_path)) == ["link", "other"]
    with pytest.raises(OSError, match="link"):
        remove_tree("link", folder)
    assert (tmp_path / "other" / "file").read_text() == "kept"
    os.close(folder)
