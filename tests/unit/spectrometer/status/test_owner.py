"""One owner for each shared name: taken, told, given up; dead owners, other users, and what others
put in the way."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pwd
import subprocess
import threading
from contextlib import AbstractContextManager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from support.memory import holding
from support.threads import in_threads

from spectrometer.status.errors import StatusLockFileError, StatusOwnedError
from spectrometer.status.owner import Ownership, SharedName, is_below, owner_of

KEY, OTHER = SharedName.of_key(0x01001840), SharedName.of_semaphore("/vegas_status")
NOBODY = 65534
HOLD = """
import sys
from pathlib import Path
from spectrometer.status.owner import Ownership, SharedName
ownership = Ownership([SharedName.of_key(int(sys.argv[1]))], "Bank BANKA", Path(sys.argv[2]))
ownership.take()
print("held", flush=True)
sys.stdin.read()
"""


def another(folder: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run a process that owns the key; SIGKILL at the end."""
    return holding(HOLD, str(0x01001840), str(folder))


def owner(folder: Path, *names: SharedName) -> Ownership:
    return Ownership(names or [KEY], "Bank BANKB", folder)


def test_a_second_owner_is_refused_with_who_holds_it(tmp_path: Path) -> None:
    with another(tmp_path) as process, contextlib.closing(owner(tmp_path, OTHER, KEY)) as mine:
        with pytest.raises(StatusOwnedError) as refused:
            mine.take()
        user = pwd.getpwuid(os.geteuid()).pw_name
        assert str(refused.value).startswith(
            f"key 0x01001840 is owned by Bank BANKA (process {process.pid}, user {user}, since 20"
        )
        assert owner_of(KEY, tmp_path) == refused.value.owner
        assert owner_of(OTHER, tmp_path) is None  # all of the names, or none
        with pytest.raises(StatusOwnedError):
            owner(tmp_path).take()  # and again in another object
    mine.take()
    with contextlib.closing(mine), pytest.raises(StatusOwnedError, match="Bank BANKB"):
        owner(tmp_path, OTHER).take()  # nor twice in one process
    assert list(tmp_path.iterdir()) == []


def test_names_of_a_killed_owner_are_free_at_once(tmp_path: Path) -> None:
    for _ in range(2):
        with another(tmp_path) as process:
            process.kill()
            process.wait()
            with contextlib.closing(owner(tmp_path)) as mine:
                assert owner_of(KEY, tmp_path) is None
                mine.take()
                found = owner_of(KEY, tmp_path)
                assert found is not None
                assert (found.holder, found.pid) == ("Bank BANKB", os.getpid())


def test_an_owner_that_ends_is_waited_for(tmp_path: Path) -> None:
    first, second = owner(tmp_path), owner(tmp_path)
    first.take()
    first.announce_end()
    thread = threading.Thread(target=second.take)
    thread.start()
    thread.join(1.0)  # longer than somebody who looks is waited for
    assert thread.is_alive()
    first.close()
    thread.join()
    with contextlib.closing(second), pytest.raises(StatusOwnedError):
        first.take()


def test_of_many_who_want_a_name_one_has_it_at_any_time(tmp_path: Path) -> None:
    inside: list[int] = []
    faults: list[str] = []

    def live() -> None:
        for _ in range(20):
            mine = owner(tmp_path)
            try:
                mine.take()
            except StatusOwnedError:
                continue
            with contextlib.closing(mine):
                inside.append(1)
                if len(inside) > 1:
                    faults.append("two owners")
                inside.pop()

    in_threads(*[live] * 3)
    assert faults == []
    assert list(tmp_path.iterdir()) == []


def test_looking_hinders_nobody(tmp_path: Path) -> None:
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            owner_of(KEY, tmp_path)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(50):
            with contextlib.closing(owner(tmp_path)) as mine:
                mine.take()
    finally:
        ended.set()
        thread.join()


def test_lock_files_that_somebody_removes_are_made_anew_unless_another_has_become_the_owner(
    tmp_path: Path,
) -> None:
    with contextlib.closing(owner(tmp_path, OTHER, KEY)) as mine:
        mine.take()
        assert mine.keep() == []
        (tmp_path / KEY.file).unlink()
        assert owner_of(KEY, tmp_path) is None
        assert mine.keep() == [KEY.what]
        found = owner_of(KEY, tmp_path)
        assert found is not None
        assert found.holder == "Bank BANKB"
        (tmp_path / KEY.file).unlink()
        with another(tmp_path), pytest.raises(StatusOwnedError, match="Bank BANKA"):
            mine.keep()
        assert mine.keep() == [KEY.what]
        assert mine.is_taken
    assert not mine.is_taken
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_does_not_keep_what_its_dead_parent_owned(tmp_path: Path) -> None:
    with contextlib.closing(owner(tmp_path)) as mine:
        mine.take()
        child = multiprocessing.get_context("fork").Process(target=threading.Event().wait)
        child.start()
        try:
            mine.close()
            mine.take()  # the child has nothing open
        finally:
            child.kill()
            child.join()


def _own_as(user: int, folder: Path, taken: Event, end: Event) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.umask(0o077)
    mine = owner(folder)
    mine.take()
    taken.set()
    end.wait()
    mine.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
def test_users_share_the_place_and_take_over_from_each_other(tmp_path: Path) -> None:
    for folder in list(tmp_path.parents)[:-2]:
        folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o1777)  # as /dev/shm
    fork = multiprocessing.get_context("fork")
    for user, is_killed in ((NOBODY, True), (1, True), (0, True), (1, False)):
        taken, end = fork.Event(), fork.Event()
        process = fork.Process(target=_own_as, args=(user, tmp_path, taken, end))
        process.start()
        try:
            assert taken.wait(30)
            with pytest.raises(StatusOwnedError, match=f"user {pwd.getpwuid(user).pw_name}, since"):
                owner(tmp_path).take()
        finally:
            process.kill() if is_killed else end.set()
            process.join()
        (left,) = tmp_path.iterdir()  # of the first that was killed
        assert left.stat().st_mode & 0o777 == 0o666
        assert owner_of(KEY, tmp_path) is None
    assert left.read_bytes() == b""  # one who may not remove it says at least that it is nobody's
    with contextlib.closing(owner(tmp_path)) as mine:
        mine.take()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "dangling link", "second name", "FIFO", "directory"])
def test_what_others_put_in_the_place_of_a_lock_file_is_neither_followed_nor_written(
    tmp_path: Path, kind: str
) -> None:
    place, victim = tmp_path / KEY.file, tmp_path / "victim"
    if kind != "dangling link":
        victim.write_text("precious")
    if "link" in kind:
        place.symlink_to(victim)
    elif kind == "second name":
        os.link(victim, place)
    elif kind == "FIFO":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(StatusLockFileError, match=f"remove it while no Player runs: rm {place}"):
        owner(tmp_path, OTHER, KEY).take()
    with contextlib.suppress(StatusLockFileError):  # a directory cannot be written, but read
        owner_of(KEY, tmp_path)
    assert not (tmp_path / OTHER.file).exists()
    assert not victim.exists() if kind == "dangling link" else victim.read_text() == "precious"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[" * 2000,
        b"3",
        b'{"holder": 3}',
        b'{"holder": "B", "user": "u", "since": "s"}',
        b'{"holder": "B", "user": "u", "since": "s", "pid": 1e999, "is_ending": false}',
    ],
)
def test_a_lock_file_with_anything_in_it_is_somebodys_all_the_same(
    tmp_path: Path, content: bytes
) -> None:
    with contextlib.closing(owner(tmp_path)) as mine:
        mine.take()
        (tmp_path / KEY.file).write_bytes(content)
        with pytest.raises(
            StatusOwnedError, match="is owned by a process that does not say who it is; end it"
        ):
            owner(tmp_path).take()
    (tmp_path / KEY.file).write_bytes(content)  # and without a lock it is nobody's
    assert owner_of(KEY, tmp_path) is None
    with contextlib.closing(owner(tmp_path)) as mine:
        mine.take()


def test_texts_of_others_are_shown_short_and_printable(tmp_path: Path) -> None:
    with contextlib.closing(Ownership([KEY], "Bank \x1b[31m" + "x" * 500, tmp_path)) as mine:
        mine.take()
        found = owner_of(KEY, tmp_path)
        assert found is not None
        assert found.holder == "Bank ?[31m" + "x" * 70


def test_an_ancestor_is_told_from_other_processes() -> None:
    assert is_below(os.getppid())
    assert not is_below(os.getpid())
    with subprocess.Popen(["sleep", "60"]) as child:
        assert not is_below(child.pid)
        child.kill()


def test_lock_files_are_where_the_semaphores_are() -> None:
    name = SharedName.of_fifo(Path(f"/tmp/vegas_daq_control_{os.getpid()}"))
    with contextlib.closing(Ownership([name], "test")) as mine:
        mine.take()
        assert Path(f"/dev/shm/dealer-player.fifo-vegas_daq_control_{os.getpid()}.lock").exists()
