"""Files and folders of keys on disk: modes from the first moment, and what is refused."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.wholefiles import WholeFile
from zmqjsonproxy.keys import KeyFileError
from zmqjsonproxy.keys.files import (
    MAX_BYTES,
    changing,
    make_folder,
    open_folder,
    read_private,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextlib.contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def write(path: Path, text: str) -> None:
    with changing(path.parent) as folder:
        write_private(folder, path, text)


def read(path: Path) -> str:
    folder = open_folder(path.parent)
    try:
        return read_private(folder, path)
    finally:
        os.close(folder)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_modes_are_right_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        make_folder(tmp_path / "keys")
        write(tmp_path / "keys" / "a.key", "text")
    assert mode(tmp_path / "keys") == 0o700
    assert mode(tmp_path / "keys" / "a.key") == 0o600
    assert read(tmp_path / "keys" / "a.key") == "text"


def test_mode_is_right_before_the_first_byte_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = WholeFile.write

    def watched(self: WholeFile, data: bytes) -> None:
        seen.append(stat.S_IMODE(os.fstat(self._file).st_mode))
        real(self, data)

    monkeypatch.setattr(WholeFile, "write", watched)
    make_folder(tmp_path / "keys")
    with umask(0):
        write(tmp_path / "keys" / "a.key", "secret")
    assert seen == [0o600]


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_file_that_others_may_use_is_refused_with_what_to_type(tmp_path: Path, wide: int) -> None:
    make_folder(tmp_path / "my keys")
    path = tmp_path / "my keys" / "a.key"
    write(path, "text")
    path.chmod(wide)
    with pytest.raises(KeyFileError) as caught:
        read(path)
    assert f"mode {wide:04o}" in str(caught.value)
    assert f"chmod 600 '{path}'" in caught.value.remedy


@pytest.mark.parametrize("wide", [0o750, 0o701, 0o755, 0o777])
def test_folder_that_others_may_use_is_refused_with_what_to_type(tmp_path: Path, wide: int) -> None:
    make_folder(tmp_path / "keys")
    (tmp_path / "keys").chmod(wide)
    for use in open_folder, make_folder:
        with pytest.raises(KeyFileError, match=f"type: chmod 700 {tmp_path / 'keys'}"):
            use(tmp_path / "keys")


@pytest.mark.parametrize(
    "what", ["link", "broken link", "fifo", "folder", "large", "bytes", "none"]
)
def test_what_is_no_file_of_keys_is_refused_at_once(tmp_path: Path, what: str) -> None:
    make_folder(tmp_path / "keys")
    path = tmp_path / "keys" / "a.key"
    match what:
        case "link":
            write(tmp_path / "keys" / "other", "text")
            path.symlink_to("other")
        case "broken link":
            path.symlink_to("nowhere")
        case "fifo":
            os.mkfifo(path, 0o600)
        case "folder":
            path.mkdir(0o700)
        case "large":
            write(path, "#" * (MAX_BYTES + 1))
        case "bytes":
            path.write_bytes(b"\xff\xfe")
            path.chmod(0o600)
    reason = {
        "link": "is a link",
        "broken link": "is a link",
        "fifo": "is no file",
        "folder": "is no file",
        "large": "too large",
        "bytes": "no text",
        "none": "cannot be read: No such file",
    }
    with pytest.raises(KeyFileError, match=reason[what]):
        read(path)


def test_folder_that_is_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(KeyFileError, match="cannot be read: Not a directory"):
        make_folder(tmp_path / "keys")
    with pytest.raises(KeyFileError, match="cannot be made"):
        make_folder(tmp_path / "keys" / "deeper" / "still")


def test_file_is_whole_or_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path / "keys")
    path = tmp_path / "keys" / "a.key"
    write(path, "before")

    def full(*_args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(KeyFileError, match="cannot be written: No space left"):
        write(path, "after")
    monkeypatch.undo()
    assert read(path) == "before"
    assert os.listdir(tmp_path / "keys") == ["a.key"]


def test_what_belongs_to_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(tmp_path / "keys")
    write(tmp_path / "keys" / "a.key", "text")
    if os.geteuid() == 0:  # whose files all trust
        os.chown(tmp_path / "keys", 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(KeyFileError, match="belongs to another user"):
        open_folder(tmp_path / "keys")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_what_root_writes_belongs_to_whose_folder_it_is(tmp_path: Path) -> None:
    (tmp_path / "of").mkdir(0o700)
    os.chown(tmp_path / "of", 12345, 54321)
    make_folder(tmp_path / "of" / "keys")
    write(tmp_path / "of" / "keys" / "a.key", "text")
    for path in (tmp_path / "of" / "keys", tmp_path / "of" / "keys" / "a.key"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_place_of_a_folder_is_not_followed_when_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(0o755)
    (tmp_path / "keys").symlink_to("other")
    with pytest.raises(KeyFileError, match="chmod 700"):
        make_folder(tmp_path / "keys")
    assert mode(tmp_path / "other") == 0o755
