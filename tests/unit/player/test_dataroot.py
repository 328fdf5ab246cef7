"""The data root is on its own disk: what is refused, what is made, what is remembered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.player_run import ROOT

from player.config import state_dir
from player.dataroot import DataRoot, Mounts
from player.errors import DataRootError

NOTHING = Mounts(frozenset({Path("/")}), frozenset())


def mounts(*mounted: Path | str, listed: tuple[Path | str, ...] = ()) -> Mounts:
    return Mounts(frozenset({Path("/"), *map(Path, mounted)}), frozenset(map(Path, listed)))


def test_a_new_folder_is_made_and_one_that_is_there_is_taken(tmp_path: Path) -> None:
    for root in (tmp_path / "data", tmp_path / "a" / "b"):
        for _ in range(2):
            DataRoot(root, tmp_path / "state", NOTHING).open()
            assert root.is_dir()
    assert not (tmp_path / "state").exists()  # nothing is worth remembering on the host's only disk
    DataRoot(Path("/tmp")).open()  # the default, wherever that is mounted


@pytest.mark.parametrize("below", ["", "dibas", "a/b"])
def test_below_a_disk_of_fstab_that_is_not_mounted_nothing_is_made(
    tmp_path: Path, below: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with pytest.raises(
        DataRootError,
        match=f"is below {disk}, which /etc/fstab lists and which is not mounted; mount",
    ):
        DataRoot(disk / below, None, mounts(listed=(disk,))).open()
    assert list(disk.iterdir()) == []
    DataRoot(disk / below, None, mounts(disk, listed=(disk, tmp_path / "another", "/"))).open()
    assert (disk / below).is_dir()
    # One that is mounted below it, or above it, decides for itself.
    DataRoot(disk / "own", None, mounts(disk / "own", listed=(disk,))).open()
    with pytest.raises(DataRootError):
        DataRoot(disk / below, None, mounts(tmp_path, listed=(disk,))).open()


def test_a_link_does_not_hide_the_disk(tmp_path: Path) -> None:
    disk, link = tmp_path / "disk", tmp_path / "link"
    disk.mkdir()
    link.symlink_to(disk)
    with pytest.raises(DataRootError, match=f"data root {link} is below {disk}"):
        DataRoot(link, None, mounts(listed=(disk,))).open()


def test_a_disk_that_was_there_at_a_former_start_has_to_be_there(tmp_path: Path) -> None:
    disk, state = tmp_path / "disk", tmp_path / "state"
    root = disk / "dibas"
    DataRoot(root, state, mounts(disk)).open()
    (record,) = state.iterdir()
    assert record.read_text() == f"{disk}\n{root}\n"
    for _ in range(2):
        with pytest.raises(DataRootError) as refused:
            DataRoot(root, state, NOTHING).open()
        assert str(refused.value) == (
            f"data root {root} was on the file system mounted at {disk} at a former start, and that is not mounted; "
            f"mount {disk}, or remove {record} if the data belong elsewhere now"
        )
    os.rename(root, tmp_path / "away")
    with pytest.raises(DataRootError, match="former start"):
        DataRoot(root, state, NOTHING).open()
    assert not root.exists()
    DataRoot(root, state, mounts(disk)).open()
    DataRoot(tmp_path / "other", state, NOTHING).open()  # each has its own memory
    DataRoot(root, None, NOTHING).open()  # and without a place for it there is none
    record.unlink()
    DataRoot(root, state, NOTHING).open()


def test_a_disk_that_is_mounted_below_the_one_before_is_taken(tmp_path: Path) -> None:
    root, state = tmp_path / "disk" / "dibas", tmp_path / "state"
    DataRoot(root, state, mounts(tmp_path)).open()
    DataRoot(root, state, mounts(tmp_path, tmp_path / "disk")).open()
    with pytest.raises(DataRootError, match=f"mounted at {tmp_path / 'disk'} at"):
        DataRoot(root, state, mounts(tmp_path)).open()


@pytest.mark.parametrize("record", [b"", b"\xff\xfe", b"\0\n", b"relative/path\n", b"x" * 100_000])
def test_a_spoilt_memory_remembers_nothing(tmp_path: Path, record: bytes) -> None:
    state = tmp_path / "state"
    DataRoot(tmp_path / "data", state, mounts(tmp_path)).open()
    (file,) = state.iterdir()
    file.write_bytes(record)
    DataRoot(tmp_path / "data", state, NOTHING).open()


def test_an_empty_folder_where_disks_are_mounted_is_told_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.dataroot._FOR_DISKS", (tmp_path / "mnt",))
    disk = tmp_path / "mnt" / "disk"
    disk.mkdir(parents=True)
    for root in (disk / "dibas", disk / "a" / "b"):
        with pytest.raises(
            DataRootError,
            match=f"does not exist, and {disk}, where it would be made, is empty like",
        ):
            DataRoot(root, None, NOTHING).open()
    DataRoot(disk / "new", None, mounts(disk)).open()  # a new disk is empty, too
    DataRoot(disk / "dibas", None, NOTHING).open()  # no longer empty
    DataRoot(tmp_path / "mnt", None, NOTHING).open()
    os.rmdir(disk / "dibas")
    os.rmdir(disk / "new")
    disk.chmod(0o1777)  # for everybody, as /tmp is
    DataRoot(disk / "dibas", None, NOTHING).open()


def test_what_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "data", Path("/proc/data")):
        with pytest.raises(
            DataRootError, match=r"cannot be made \(.*\); make it, or set DIBAS_DATA or"
        ):
            DataRoot(root, None, NOTHING).open()


def test_tables_of_the_system_are_read(tmp_path: Path) -> None:
    (tmp_path / "fstab").write_text(
        "# /dev/sda1 /old ext4\n#/dev/sda2 /older ext4\nUUID=1 / ext4 defaults 0 1\n\nUUID=2\t/data\\040disk/ xfs\n"
        "/dev/sdb none swap sw\nnas:/pool /net/nas nfs noauto\nword\n"
    )
    (tmp_path / "mounts").write_text("tmpfs /run tmpfs rw 0 0\nsystemd-1 /net/nas autofs rw 0 0\n")
    found = Mounts.read(tmp_path / "mounts", tmp_path / "fstab")
    assert found.mounted == {Path("/"), Path("/run"), Path("/net/nas")}
    assert found.listed == {Path("/"), Path("/data disk"), Path("/net/nas")}
    assert found.missing(Path("/data disk/x")) == Path("/data disk")
    assert [found.missing(Path(path)) for path in ("/data", "/net/nas/x", "/old")] == [None] * 3
    assert Mounts.read(tmp_path / "none", tmp_path / "none") == NOTHING
    assert Path("/proc") in Mounts.read().mounted


SCRIPT = """
import os, subprocess, sys
from pathlib import Path
from player.dataroot import DataRoot
from player.errors import DataRootError
disk, state = Path(sys.argv[1]) / "my disk", Path(sys.argv[1]) / "state"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
DataRoot(disk / "dibas", state).open()
subprocess.run(["umount", disk], check=True)
try:
    DataRoot(disk / "dibas", state).open()
except DataRootError as error:
    print(error, os.listdir(disk))
subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
DataRoot(disk / "dibas", state).open()
"""


def test_a_real_disk_that_is_unmounted_is_missed(tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run(
            [*alone, "mount", "-t", "tmpfs", "none", "/mnt"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here")
    done = subprocess.run(
        [*alone, sys.executable, "-c", SCRIPT, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        f"was on the file system mounted at {tmp_path / 'my disk'} at a former start" in done.stdout
    )
    assert done.stdout.endswith(" []\n")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"STATE_DIRECTORY": "/var/lib/dealer-player:/x", "HOME": "/h"}, "/var/lib/dealer-player"),
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/dealer-player"),
        ({"HOME": "/h"}, "/h/.local/state/dealer-player"),
        ({}, None),
    ],
)
def test_the_place_for_what_outlives_a_player(
    environment: dict[str, str], found: str | None
) -> None:
    assert state_dir(environment) == (None if found is None else Path(found))
