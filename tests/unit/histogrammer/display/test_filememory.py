"""The file of the display memory: made, found by others, removed, left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from histogrammer.display.filememory import FileMemory
from histogrammer.errors import DisplayMemoryError

MIB = 1 << 20
LEAVE = """
import os, sys
from pathlib import Path
from histogrammer.display.filememory import FileMemory
memory = FileMemory(Path(sys.argv[1]), 1)
print(memory.path, flush=True)
os._exit(9)
"""


def test_its_file_is_in_the_folder_has_its_space_and_is_removed(tmp_path: Path) -> None:
    with FileMemory(tmp_path, 2) as memory:
        (file,) = tmp_path.iterdir()
        assert memory.key == f"file:{file}"
        assert file.name[:4] == ".tmp"
        assert len(file.name) == 10
        found = file.stat()
        assert found.st_size == 5_600_000 + 2 * MIB
        assert found.st_blocks * 512 >= found.st_size
        assert found.st_mode & 0o077 == 0
        assert len(memory.channels) == 2 * MIB // 4
    assert list(tmp_path.iterdir()) == []
    memory.close()


def test_others_see_what_is_written(tmp_path: Path) -> None:
    with FileMemory(tmp_path, 1) as memory:
        memory.header["types"][3] = 4
        memory.channels[5] = 7
        raw = memory.path.read_bytes()
        assert raw[2_680_012:2_680_016] == (4).to_bytes(4, sys.byteorder)
        assert raw[5_600_020:5_600_024] == (7).to_bytes(4, sys.byteorder)
        assert not any(raw[:2_680_012])


def test_no_space_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _start: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DisplayMemoryError, match=r"2 MiB in .*No space left on device.*7697152"):
        FileMemory(tmp_path, 2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DisplayMemoryError, match="No such file or directory"):
        FileMemory(tmp_path / "none")


@pytest.mark.parametrize("megabytes", [0, -1, 16385])
def test_sizes_that_offsets_cannot_tell_are_refused(tmp_path: Path, megabytes: int) -> None:
    with pytest.raises(DisplayMemoryError, match="1 to 16384"):
        FileMemory(tmp_path, megabytes)


def test_what_a_dead_owner_left_is_removed_and_what_others_have_is_not(tmp_path: Path) -> None:
    left = subprocess.run(
        [sys.executable, "-c", LEAVE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert left.returncode == 9, left.stderr
    dead = Path(left.stdout.strip())
    assert dead.exists()
    foreign = tmp_path / ".tmpAbC123"
    foreign.write_bytes(b"of another program")
    held = tmp_path / ".tmpXyZ789"
    held.write_bytes(dead.read_bytes())
    with held.open("rb") as file, FileMemory(tmp_path, 1) as mine:
        assert not dead.exists()
        assert not held.exists()
        held.write_bytes(mine.path.read_bytes())
    del file
    with held.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with FileMemory(tmp_path, 1) as one, FileMemory(tmp_path, 1) as other:
            assert {foreign, held, one.path, other.path} == set(tmp_path.iterdir())
    assert {foreign, held} == set(tmp_path.iterdir())


def test_another_file_under_its_name_is_not_removed(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path, 1)
    memory.path.unlink()
    memory.path.write_text("another's")
    memory.close()
    assert memory.path.read_text() == "another's"
