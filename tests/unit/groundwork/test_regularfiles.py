"""Regular files are opened at the path that is given, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundwork.regularfiles import NotRegularError, open_folder, open_regular, real_path


def test_a_file_is_opened_where_it_truly_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("folder")
    found = real_path(tmp_path / "link" / "file")
    assert found == real_path(tmp_path) / "folder" / "file"
    descriptor = open_regular(found)
    assert os.read(descriptor, 9) == b"x"
    os.close(descriptor)
    folder = open_folder(found.parent)
    assert os.listdir(folder) == ["file"]
    os.close(folder)


def test_no_link_on_the_way_is_followed_and_nothing_stays_open(tmp_path: Path) -> None:
    here = real_path(tmp_path)
    (here / "folder").mkdir()
    (here / "folder" / "file").write_bytes(b"x")
    (here / "link").symlink_to("folder")
    (here / "to file").symlink_to("folder/file")
    os.mkfifo(here / "fifo")
    before = len(os.listdir("/proc/self/fd"))
    for path, says in (
        (here / "link" / "file", "Not a directory|Too many levels"),
        (here / "to file", "is no regular file"),
        (here / "fifo", "is no regular file"),
        (here / "folder", "is no regular file"),
        (here / "none", "No such file"),
        (Path("/dev/null"), "is no regular file"),
        (Path("/"), "No such file"),
    ):
        with pytest.raises(NotRegularError, match=says):
            open_regular(path)
    with pytest.raises(NotRegularError):
        open_folder(here / "link")
    with pytest.raises(NotRegularError, match="is no path of a file"):
        real_path(Path("a\0b"))
    assert len(os.listdir("/proc/self/fd")) == before
