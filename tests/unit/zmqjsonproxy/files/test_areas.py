"""Areas: what is in them is had, and nothing else."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.areas import Areas
from zmqjsonproxy.files.protocol.identity import FileIdentity
from zmqjsonproxy.files.protocol.ranges import BLOCK_BYTES
from zmqjsonproxy.files.served import ServedFiles
from zmqjsonproxy.waiting import WouldWaitError, not_waiting


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (folder := tmp_path / "data").mkdir()
    (folder / "a.fits").write_bytes(b"0123456789")
    (folder / "night1").mkdir()
    (folder / "night1" / "b.fits").write_bytes(b"b")
    (tmp_path / "data2").mkdir()
    (tmp_path / "data2" / "secret").write_bytes(b"s")
    return folder


@pytest.fixture
def files(root: Path) -> ServedFiles:
    (second := root.parent / "second").mkdir()
    (second / "a.fits").write_bytes(b"second")
    (second / "c.fits").write_bytes(b"c")
    return ServedFiles(Areas({"DATA": root, "MORE": second, "AWAY": root / "none"}, "BANKA"))


def content(files: ServedFiles, name: str) -> bytes:
    found = files.look_up(name)
    size = found["file"][3]
    (data,) = files.read(found["name"], found["file"], [[0, size]])["data"]
    return bytes(data)


def test_a_bare_name_is_looked_for_in_the_areas_in_their_order(files: ServedFiles) -> None:
    assert files.look_up("a.fits")["name"] == "DATA/a.fits"
    assert files.look_up("c.fits")["name"] == "MORE/c.fits"
    assert content(files, "MORE/a.fits") == b"second"
    assert content(files, "DATA/night1/b.fits") == b"b"
    with pytest.raises(RefusedError, match=r"^d: in DATA: No such file .*; in AWAY: No such file"):
        files.look_up("d")
    with pytest.raises(RefusedError, match="no area 'OTHER'; there are DATA, MORE, AWAY"):
        files.look_up("OTHER/a.fits")
    with pytest.raises(RefusedError, match=r"^BANKA serves no files; write some$"):
        ServedFiles(Areas({}, "BANKA", "; write some")).look_up("a")
    assert [area["fault"] for area in files.areas()] == ["", "", "No such file or directory"]


def test_links_are_followed_within_an_area_and_never_out_of_it(
    files: ServedFiles, root: Path
) -> None:
    (root / "in").symlink_to("night1")
    (root / "latest").symlink_to(root / "in" / "b.fits")
    (root / "out").symlink_to(root.parent / "data2")
    (root / "file").symlink_to("../data2/secret")
    (root / "round").symlink_to("round")
    assert content(files, "DATA/latest") == content(files, "DATA/in/b.fits") == b"b"
    for name in ("DATA/out/secret", "DATA/file"):
        with pytest.raises(RefusedError, match="leads out of the area DATA"):
            files.look_up(name)
    for name in ("DATA/../data2/secret", "../data2/secret", str(root.parent / "data2" / "secret")):
        with pytest.raises(RefusedError, match=r"has \.\. in it|is absolute"):
            files.look_up(name)
    with pytest.raises(RefusedError, match="links"):
        files.look_up("DATA/round")
    names = [entry["name"] for entry in files.listing("DATA")["entries"]]
    assert names == ["DATA/a.fits", "DATA/in/", "DATA/latest", "DATA/night1/"]
    (link := root.parent / "link").symlink_to(root)
    assert content(ServedFiles(Areas({"L": link})), "L/in/b.fits") == b"b"


def test_a_link_that_is_put_there_meanwhile_does_not_lead_out(
    files: ServedFiles, root: Path
) -> None:
    ended = threading.Event()
    (root / "real").mkdir()
    (root / "real" / "secret").write_bytes(b"mine")
    (root / "link").symlink_to(root.parent / "data2")
    (root / "real file").write_bytes(b"mine")
    (root / "link to file").symlink_to(root.parent / "data2" / "secret")

    ending = {"real": " file", "link": " to file"}

    def swap() -> None:
        while not ended.is_set():
            for one in ("real", "link"):
                for what, name in ((one, "sub"), (f"{one}{ending[one]}", "one")):
                    os.rename(root / what, root / name)
                    os.rename(root / name, root / what)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(600):
            with suppress(RefusedError):
                name = ("DATA/sub/secret", "DATA/one")[number % 2]
                assert content(files, name) == b"mine"
    finally:
        ended.set()
        swapping.join()


def test_what_is_no_regular_file_is_neither_opened_nor_waited_for(
    files: ServedFiles, root: Path
) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(root / "socket"))
        for name in ("DATA/fifo", "DATA/socket", "DATA/night1"):
            with pytest.raises(RefusedError, match=f"^{name}: is no regular file$"):
                files.look_up(name)
    with pytest.raises(RefusedError, match="has a NUL"):
        files.look_up("DATA/a\0")
    with pytest.raises(RefusedError, match="is no regular file"):
        ServedFiles(Areas({"DEV": Path("/dev")})).look_up("DEV/zero")


def test_an_area_is_listed_by_pattern_sorted_and_bounded(files: ServedFiles, root: Path) -> None:
    for number in range(5):
        (root / f"x{number}.raw").write_bytes(b"1234")
    (root / ".hidden").write_bytes(b"")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.raw")).write_bytes(b"")
    found = files.listing("DATA", "*.raw")
    assert [entry["name"] for entry in found["entries"]] == [f"DATA/x{n}.raw" for n in range(5)]
    assert (found["is_cut"], found["unnamed"], found["entries"][0]["size"]) == (False, 1, 4)
    cut = files.listing("DATA", "*.raw", 2)
    assert ([entry["name"] for entry in cut["entries"]], cut["is_cut"]) == (
        ["DATA/x0.raw", "DATA/x1.raw"],
        True,
    )
    assert [e["name"] for e in files.listing("DATA", "night*/*")["entries"]] == [
        "DATA/night1/b.fits"
    ]
    assert [e["name"] for e in files.listing("DATA", ".*")["entries"]] == ["DATA/.hidden"]
    assert files.listing("DATA", "none/*")["entries"] == []
    with pytest.raises(RefusedError, match="area AWAY cannot be listed: No such file"):
        files.listing("AWAY")
    for wrong in (("DATA", "../*"), ("DATA", "*", 0), ("DATA", "*", True), ("NONE", "*")):
        with pytest.raises(RefusedError):
            files.listing(*wrong)


def test_a_folder_of_very_many_names_is_looked_at_in_part(
    files: ServedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zmqjsonproxy.files.areas.MAX_LOOKED_AT", 1)
    found = files.listing("DATA")
    assert (len(found["entries"]), found["is_cut"]) == (1, True)


def test_every_request_names_the_file_and_another_one_is_refused(
    files: ServedFiles, root: Path
) -> None:
    found = files.look_up("DATA/a.fits")
    name, file = found["name"], found["file"]
    assert files.read(name, file, [[0, 2], [5, 3]], True) == {
        "ranges": [[0, 2], [5, 3]],
        "data": [b"01", b"567"],
        "digests": [hashlib.sha256(each).digest() for each in (b"01", b"567")],
        "file": file,
    }
    for ranges, says in (
        ([[0, 11]], "bytes 0 to 10 are asked for, and the file has 10"),
        ([[0, 1]] * 17, "17 ranges"),
        ([[-1, 1]], "a range is"),
    ):
        with pytest.raises(RefusedError, match=f"^DATA/a.fits: {says}"):
            files.read(name, file, ranges)
    with pytest.raises(RefusedError, match="device, inode"):
        files.read(name, [1, 2], [[0, 1]])
    with (root / "a.fits").open("ab") as growing:
        growing.write(b"more")
    now = files.read(name, file, [[0, 10]])["file"]
    assert now[:4] == [*file[:3], 14]
    with pytest.raises(RefusedError, match="and the file has 10"):
        files.read(name, file, [[0, 14]])
    (root / "new").write_bytes(b"another file")
    os.replace(root / "new", root / "a.fits")
    for refused in (
        lambda: files.read(name, file, [[0, 1]]),
        lambda: files.checksum(name, file, 0, 1),
    ):
        with pytest.raises(RefusedError, match="is not the file any more that it was"):
            refused()


def test_checksums_are_of_any_stretch_and_of_its_blocks(files: ServedFiles, root: Path) -> None:
    data = os.urandom(2 * BLOCK_BYTES + 5)
    (root / "large").write_bytes(data)
    file = files.look_up("large")["file"]
    found = files.checksum("DATA/large", file, 3, len(data) - 3, BLOCK_BYTES)
    assert found["sha256"] == hashlib.sha256(data[3:]).hexdigest()
    assert found["blocks"] == b"".join(
        hashlib.sha256(data[at : at + BLOCK_BYTES]).digest()
        for at in range(3, len(data), BLOCK_BYTES)
    )
    assert FileIdentity.read(found["file"]) == FileIdentity.read(file)
    assert files.checksum("large", file, 0, 0)["sha256"] == hashlib.sha256().hexdigest()
    for wrong in ((0, len(data) + 1, 0), (-1, 1, 0), (0, 1.0, 0), (0, len(data), 5)):
        with pytest.raises(RefusedError):
            files.checksum("DATA/large", file, *wrong)


def test_nothing_of_it_is_done_in_the_thread_of_a_socket(files: ServedFiles) -> None:
    file = files.look_up("a.fits")["file"]
    for ask in (
        files.areas,
        lambda: files.listing("DATA"),
        lambda: files.look_up("a.fits"),
        lambda: files.read("DATA/a.fits", file, [[0, 1]]),
    ):
        with not_waiting(), pytest.raises(WouldWaitError):
            ask()
