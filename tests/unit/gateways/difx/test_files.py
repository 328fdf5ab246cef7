"""Files inside the root folders: what is possible, what is refused, races, full disks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.full_disk import room_for

from gateways.difx.errors import FileFault, FileFaultError
from gateways.difx.files import DifxFiles
from gateways.difx.rootfolders import ONLY_ROOT, RootFolders

HANG_S = 60.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "scans"
    (made / "scan1").mkdir(parents=True)
    (made / "scan1" / "job.input").write_bytes(b"input")
    (tmp_path / "scans2").mkdir()
    (tmp_path / "scans2" / "secret").write_text("secret")
    return made


@pytest.fixture
def files(root: Path) -> DifxFiles:
    return DifxFiles(RootFolders({ONLY_ROOT: root}))


def fault(function: Callable[..., object], *args: object, **kwargs: object) -> FileFault:
    with pytest.raises(FileFaultError) as error:
        function(*args, **kwargs)
    return error.value.fault


def test_a_file_is_put_whole_and_got_back(files: DifxFiles, root: Path) -> None:
    data = bytes(range(256)) * 20
    assert files.put("/scan1/new", data) == len(data)
    assert files.get("/scan1/new", 10_000) == (root / "scan1" / "new").read_bytes() == data
    assert files.put("/empty", b"") == 0
    assert files.get("/empty", 0) == b""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/../scans2/secret", FileFault.OUTSIDE),
        ("/scan1/../../scans2/secret", FileFault.OUTSIDE),
        ("/link", FileFault.OUTSIDE),
        ("/folder/secret", FileFault.OUTSIDE),
        ("/scan1/nothing", FileFault.NOT_FOUND),
        ("/scan1", FileFault.IS_A_FOLDER),
        ("scan1/job.input", FileFault.NOT_ABSOLUTE),
        ("/fifo", FileFault.NOT_FOUND),
        ("/a\0b", FileFault.OTHER),
        ("/" + "a" * 300, FileFault.OTHER),
    ],
)
def test_what_is_elsewhere_or_no_file_is_refused(
    files: DifxFiles, root: Path, path: str, expected: FileFault
) -> None:
    (root / "link").symlink_to(root.parent / "scans2" / "secret")
    (root / "folder").symlink_to(root.parent / "scans2")
    os.mkfifo(root / "fifo")
    assert fault(files.get, path, 100) is expected


def test_no_change_leaves_the_root(files: DifxFiles, root: Path) -> None:
    (root / "folder").symlink_to(root.parent / "scans2")
    for change in (
        lambda: files.put("/folder/new", b"x"),
        lambda: files.mkdir("/folder/new"),
        lambda: files.touch("/folder/secret"),
        lambda: files.rm("/folder/secret"),
        lambda: files.cp("/folder/secret", "/stolen"),
        lambda: files.cp("/scan1/job.input", "/folder/stolen"),
        lambda: files.mv("/scan1/job.input", "/folder/moved"),
        lambda: files.mkdir("/../outside"),
    ):
        assert fault(change) is FileFault.OUTSIDE
    assert sorted(path.name for path in root.parent.iterdir()) == ["scans", "scans2"]
    assert [path.name for path in (root.parent / "scans2").iterdir()] == ["secret"]


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(
    files: DifxFiles, root: Path
) -> None:
    (root / "link").symlink_to(root.parent / "scans2" / "secret")
    files.put("/link", b"mine")
    assert not (root / "link").is_symlink()
    assert (root.parent / "scans2" / "secret").read_text() == "secret"


def test_a_root_may_itself_be_a_link(tmp_path: Path, root: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    files = DifxFiles(RootFolders({ONLY_ROOT: tmp_path / "link"}))
    assert files.get("/scan1/job.input", 100) == b"input"


@pytest.mark.parametrize("name", ["a;touch b", "$(touch b)", "`touch b`", "'\"", "a\nb", "-rf"])
def test_names_mean_nothing_to_a_shell(files: DifxFiles, root: Path, name: str) -> None:
    files.put(f"/{name}", b"x")
    files.mv(f"/{name}", f"/scan1/{name}")
    assert {path.name for path in (root / "scan1").iterdir()} == {"job.input", name}
    assert files.remove(f"/scan1/{name}")


def test_a_root_is_never_removed_or_moved(tmp_path: Path, root: Path) -> None:
    files = DifxFiles(RootFolders({ONLY_ROOT: root}))
    for path in ("/", "/.", "//", "/scan1/.."):
        assert fault(files.rm, path, "-rf") is FileFault.OTHER
        assert fault(files.mv, path, "/scan1") is FileFault.OTHER
    nested = DifxFiles(RootFolders({"all": tmp_path, "scans": root}))
    assert fault(nested.rm, "/all/scans", "-rf") is FileFault.OTHER
    assert fault(nested.rm, "/scans", "-rf") is FileFault.OTHER
    assert (root / "scan1").is_dir()


def test_several_roots_are_the_first_level(tmp_path: Path, root: Path) -> None:
    files = DifxFiles(RootFolders({"scans": root, "other": tmp_path / "scans2"}))
    assert [entry.path for entry in files.contents("/")] == ["/other", "/scans"]
    assert files.look("/").is_folder
    assert files.get("/other/secret", 100) == b"secret"
    assert fault(files.put, "/new", b"") is FileFault.NOT_FOUND
    assert fault(files.get, "/scans/../other/secret", 100) is FileFault.OUTSIDE
    files.mv("/other/secret", "/scans/")
    assert [entry.path for entry in files.find("/*/s*")] == ["/scans/scan1", "/scans/secret"]


def test_folders_are_made_with_those_above(files: DifxFiles, root: Path) -> None:
    files.mkdir("/a/b/c")
    files.mkdir("/a/b/c/")
    assert (root / "a" / "b" / "c").is_dir()
    assert fault(files.mkdir, "/scan1/job.input/x") is FileFault.NOT_A_FOLDER
    files.rmdir("/a/b/c")
    assert fault(files.rmdir, "/a") is FileFault.OTHER
    assert fault(files.put, "/nowhere/new", b"") is FileFault.NO_FOLDER


def test_wildcards_fit_names_of_any_component(files: DifxFiles) -> None:
    for path in ("/scan1/b.txt", "/scan1/.hidden", "/top"):
        files.touch(path)
    found = [entry.path for entry in files.find("/*/*")]
    assert found == ["/scan1/b.txt", "/scan1/job.input"]
    assert [entry.path for entry in files.find("/sc[a-c]n?/.h*")] == ["/scan1/.hidden"]
    assert [entry.is_folder for entry in files.find("/*")] == [True, False]
    assert files.find("/nothing*") == files.find("/nothing") == []


def test_rm_needs_r_for_folders_and_takes_wildcards_in_the_last_component(
    files: DifxFiles, root: Path
) -> None:
    assert fault(files.rm, "/scan1") is FileFault.IS_A_FOLDER
    assert fault(files.rm, "/*/job.input") is FileFault.OTHER
    assert fault(files.rm, "/nothing") is FileFault.NOT_FOUND
    assert fault(files.rm, "/scan1", "-rf; reboot") is FileFault.OTHER
    assert files.rm("/nothing", "-f") == 0
    files.touch("/scan1/job.calc")
    assert files.rm("/scan1/job.*") == 2
    (root / "scan1" / "out").symlink_to(root.parent / "scans2")
    assert files.rm("/scan1", "-rf") == 1
    assert (root.parent / "scans2" / "secret").exists()


def test_a_file_is_copied_with_its_rights_and_moved_into_a_folder(
    files: DifxFiles, root: Path
) -> None:
    (root / "scan1" / "job.input").chmod(0o750)
    files.cp("/scan1/job.input", "/copy")
    assert (root / "copy").stat().st_mode & 0o777 == 0o750
    files.mv("/copy", "/scan1")
    assert (root / "scan1" / "copy").read_bytes() == b"input"
    assert fault(files.cp, "/scan1", "/x") is FileFault.IS_A_FOLDER


def test_the_last_complete_one_of_twenty_uploads_wins(files: DifxFiles, root: Path) -> None:
    finished: list[int] = []
    lock, begin = threading.Lock(), threading.Barrier(20)

    def upload(number: int) -> None:
        with files.begin_upload("/scan1/job.input") as made:
            begin.wait(HANG_S)
            for _ in range(20):
                made.write(bytes([number]) * 1000)
            with lock:
                made.commit()
                finished.append(number)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert len(finished) == 20
    assert files.get("/scan1/job.input", 30_000) == bytes([finished[-1]]) * 20_000
    assert [path.name for path in (root / "scan1").iterdir()] == ["job.input"]


def test_an_upload_that_is_not_finished_leaves_the_old_file(files: DifxFiles, root: Path) -> None:
    with files.begin_upload("/scan1/job.input") as made:
        made.write(b"half")
    assert [path.read_bytes() for path in (root / "scan1").iterdir()] == [b"input"]


def test_a_disk_that_is_full_leaves_the_old_file(files: DifxFiles, root: Path) -> None:
    with room_for(1000):
        assert fault(files.put, "/scan1/job.input", b"x" * 2000) is FileFault.TOO_LARGE
    assert [path.read_bytes() for path in (root / "scan1").iterdir()] == [b"input"]


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(files: DifxFiles, root: Path) -> None:
    with files.begin_upload("/scan1/new") as made:
        (root / "scan1").rename(root / "moved")
        (root / "scan1").symlink_to(root.parent / "scans2")
        made.write(b"x")
        made.commit()
    assert not (root.parent / "scans2" / "new").exists()
    assert (root / "moved" / "new").read_bytes() == b"x"


def test_links_that_are_swapped_in_a_loop_never_lead_out(files: DifxFiles, root: Path) -> None:
    (root / "a").mkdir()
    (root / "a" / "secret").write_text("mine")
    (root / "b").symlink_to(root.parent / "scans2")
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for first, second in (("a", "t"), ("b", "a"), ("t", "b")):
                (root / first).rename(root / second)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(300):
            try:
                assert files.get("/a/secret", 100) == b"mine"
            except FileFaultError:
                pass
    finally:
        ended.set()
        swapping.join(HANG_S)


def test_deep_folders_are_made_and_removed_as_others(files: DifxFiles, root: Path) -> None:
    deep = "/deep" + "/d" * 300
    files.mkdir(deep)
    files.mkdir(f"{deep}/e/f")
    assert files.look(f"{deep}/e/f").is_folder
    assert files.rm("/deep", "-rf") == 1
    assert os.listdir(root) == ["scan1"]
