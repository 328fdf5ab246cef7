"""The status memory as other processes see it: foreign programs, dying ones, and many at once."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import posix_ipc
import pytest
import sysv_ipc
from support.memory import HOLD, foreign, free_key, private_status
from support.player_run import poll

from spectrometer.status import (
    StatusAttachError,
    StatusBuffer,
    StatusDamagedError,
    StatusLockError,
    StatusOwnedError,
)
from zmqjsonproxy.waiting import WouldWaitError, not_waiting

ROOT = Path(__file__).parents[2]


@pytest.fixture
def status() -> Iterator[StatusBuffer]:
    with private_status(lock_timeout_s=0.3) as buffer:
        yield buffer


def test_foreign_program_sees_the_bytes_of_the_reference(status: StatusBuffer) -> None:
    memory = sysv_ipc.SharedMemory(status.key, 0, size=0)
    try:
        assert memory.size == 184320
        assert memory.read(184320) == (b" " * 80 + b"END").ljust(184320, b"\0")
        status.update({"NCHAN": "1024", "DAQNINT": 7, "EXPOSURE": 0.5})
        assert memory.read(320) == (
            b"NCHAN   = '1024    '".ljust(80)
            + b"DAQNINT =                    7".ljust(80)
            + b"EXPOSURE=                  0.5".ljust(80)
            + b"END".ljust(80)
        )
        memory.write(b"GPUSTAT = 'waiting '".ljust(80) + b"END".ljust(80), 240)
        assert status.read() == {
            "NCHAN": "1024",
            "DAQNINT": 7,
            "EXPOSURE": 0.5,
            "GPUSTAT": "waiting",
        }
        status.remove(["DAQNINT"])
        assert b"DAQNINT" not in memory.read(320)
        status.clear()
        assert status.read() == {}
    finally:
        memory.detach()


def test_semaphore_is_free_and_open_to_all(status: StatusBuffer) -> None:
    semaphore = posix_ipc.Semaphore(status.semaphore)
    assert semaphore.value == 1
    semaphore.close()
    assert os.stat("/dev/shm/sem." + status.semaphore[1:]).st_mode & 0o777 == 0o666


def test_second_attachment_keeps_what_is_there(status: StatusBuffer) -> None:
    status.update({"A": 1})
    with StatusBuffer(status.key, status.semaphore, create=False) as other:
        assert other.get("A") == 1
    assert status.get("A") == 1


def test_a_memory_that_somebody_else_uses_is_not_removed(status: StatusBuffer) -> None:
    status.update({"A": 1})
    assert not StatusBuffer(status.key, status.semaphore).unlink_unless_used()
    with StatusBuffer(status.key, status.semaphore, create=False) as other:
        assert other.get("A") == 1
    key, semaphore = free_key(), f"{status.semaphore}_b"
    assert StatusBuffer(key, semaphore).unlink_unless_used()
    with pytest.raises(StatusAttachError, match="no such segment"):
        StatusBuffer(key, semaphore, create=False)
    assert not Path("/dev/shm/sem." + semaphore[1:]).exists()


def test_one_who_attaches_while_another_removes_has_a_memory_that_others_find() -> None:
    key, ended = free_key(), threading.Event()
    semaphore, faults = f"/test_status_{key:x}", []

    def live() -> None:
        while not ended.is_set():
            with StatusBuffer(key, semaphore) as mine:
                mine.update({"MINE": threading.get_ident()})
                try:
                    with StatusBuffer(key, semaphore, create=False) as found:
                        if found.get("MINE") != threading.get_ident():
                            faults.append("another memory")
                except StatusAttachError as error:
                    faults.append(str(error))

    thread = threading.Thread(target=live)
    thread.start()
    removed = 0
    while removed < 30:
        removed += StatusBuffer(key, semaphore).unlink_unless_used()
    ended.set()
    thread.join()
    assert faults == []
    StatusBuffer(key, semaphore).unlink()


def test_missing_or_wrong_memory_is_an_error_with_its_key(status: StatusBuffer) -> None:
    with pytest.raises(StatusAttachError, match="no such segment"):
        StatusBuffer(free_key(), status.semaphore, create=False)
    key = free_key()
    small = sysv_ipc.SharedMemory(key, sysv_ipc.IPC_CREX, size=4096)
    try:
        with pytest.raises(StatusAttachError, match="184320"):
            StatusBuffer(key, status.semaphore)
    finally:
        small.detach()
        small.remove()


def test_lock_of_a_dead_foreign_process_is_taken_over_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with private_status(
        lock_timeout_s=60.0
    ) as status:  # longer than the test may take: nothing is waited for
        with foreign(status):
            pass
        with caplog.at_level(logging.WARNING):
            status.update({"A": 1})
        assert "its holder died: none but ours are attached; lock taken over" in caplog.text
        assert status.get("A") == 1
        assert status.recoveries == 1


def test_lock_of_one_of_ours_that_was_killed_is_taken_over_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    code = (
        "import sys, time; from spectrometer.status import StatusBuffer\n"
        "b = StatusBuffer(int(sys.argv[2]), sys.argv[1])\n"
        "with b._locked():\n    print('held', flush=True); time.sleep(600)\n"
    )
    with (
        private_status(lock_timeout_s=60.0) as status,
        StatusBuffer(status.key, status.semaphore) as another,
    ):
        with foreign(status, code):
            pass
        another.update(
            {"A": 1}
        )  # others of ours have it open all the time: they are known not to hold it
        assert (status.get("A"), status.recoveries, another.recoveries) == (1, 0, 1)
        assert "lock taken over" in caplog.text


def test_lock_that_somebody_living_keeps_is_taken_over_after_the_time_limit(
    status: StatusBuffer, caplog: pytest.LogCaptureFixture
) -> None:
    with foreign(status) as process:
        begun = time.monotonic()
        status.update({"A": 1})
        assert time.monotonic() - begun >= 0.3
        assert (
            f"its holder is dead or hangs; attached: process {process.pid}; lock taken over"
            in caplog.text
        )
    status.update({"A": 2})
    assert status.recoveries == 1


def test_a_healthy_foreign_program_is_waited_for() -> None:
    with private_status(lock_timeout_s=60.0) as patient:
        with foreign(patient, HOLD + "time.sleep(0.15); semaphore.release(); time.sleep(600)"):
            patient.update({"A": 1})
            assert (patient.get("A"), patient.recoveries) == (1, 0)


def test_living_holder_of_our_own_is_reported(status: StatusBuffer) -> None:
    code = (
        "import sys; from spectrometer.status import StatusBuffer\n"
        f"b = StatusBuffer({status.key}, {status.semaphore!r})\n"
        "with b._locked():\n    print('locked', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(StatusLockError, match=status.semaphore):
            status.get("A")
        process.kill()
        process.wait()
    status.update({"A": 1})
    assert status.get("A") == 1


def test_a_thread_that_must_not_wait_for_a_lock_is_told_at_once_and_others_wait() -> None:
    with private_status(lock_timeout_s=3600.0) as status:
        status.update({"A": 1})
        with not_waiting():
            assert status.get("A") == 1
        with foreign(status) as holder, ThreadPoolExecutor() as pool:
            with not_waiting(), pytest.raises(WouldWaitError):
                status.get("A")
            waiting = pool.submit(status.get, "A")
            poll(lambda: status._thread_lock.locked(), "a thread that waits")
            with not_waiting(), pytest.raises(WouldWaitError):  # for the thread before, now
                status.update({"A": 2})
            assert not waiting.done()
            holder.kill()
            semaphore = posix_ipc.Semaphore(status.semaphore)
            semaphore.release()
            semaphore.close()
            assert waiting.result() == 1
        with (
            StatusBuffer(status.key, status.semaphore, lock_timeout_s=3600.0) as ours,
            ours._locked(),
        ):
            with not_waiting(), pytest.raises(WouldWaitError):  # one of ours holds the file's lock
                status.get("A")


def test_concurrent_writers_lose_nothing(status: StatusBuffer) -> None:
    code = (
        "import sys; from spectrometer.status import StatusBuffer\n"
        f"b = StatusBuffer({status.key}, {status.semaphore!r})\n"
        "for n in range(200): b.update({'K' + sys.argv[1]: n, f'K{sys.argv[1]}_{n % 20}': n})\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(n)], cwd=ROOT) for n in range(3)]

    def write() -> None:
        for number in range(200):
            status.update({"MINE": number})

    thread = threading.Thread(target=write)
    thread.start()
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    thread.join()
    values = status.read()
    assert values["MINE"] == 199
    assert all(values[f"K{n}"] == 199 for n in range(3))
    assert len(values) == 1 + 3 * 21
    assert status.recoveries == 0


def test_a_damaged_memory_is_told_and_put_right_when_asked(
    status: StatusBuffer, caplog: pytest.LogCaptureFixture
) -> None:
    status.update({"NCHAN": 1024, "EXPOSURE": 0.5})
    memory = sysv_ipc.SharedMemory(status.key, 0, size=0)
    try:
        memory.write(b"\xa5" * 1000, 80)  # EXPOSURE and END
        before = status.snapshot()
        with pytest.raises(
            StatusDamagedError, match=r"repair_status puts it right: cards 1 to 13 \(byte 80\)"
        ):
            status.update({"DAQNINT": 7})
        with pytest.raises(StatusDamagedError):
            status.remove(["NCHAN"])
        with StatusBuffer(
            status.key, status.semaphore
        ) as another:  # attaching erases nothing either
            assert [d.offset for d in another.damage()] == [80, 1120]
        assert "is damaged, and left as it is: cards 1 to 13 (byte 80)" in caplog.text
        assert status.snapshot() == before
        assert status.read()["NCHAN"] == 1024
        assert len(status.repair()) == 2
        assert "put right: cards 1 to 13" in caplog.text
        status.update({"DAQNINT": 7})
        assert status.read() == {"NCHAN": 1024, "DAQNINT": 7}
        assert (status.damage(), status.repair()) == ([], [])
        memory.write(b"\xa5" * 184320)
        assert status.repair()[0].cards == 2304
        assert status.read() == {}
        memory.write(b"\xa5" * 184320)
        status.clear()
        assert "cleared while damaged: cards 0 to 2303" in caplog.text
        assert status.read() == {}
    finally:
        memory.detach()


def test_writers_that_are_killed_at_any_moment_leave_a_memory_that_works(
    status: StatusBuffer,
) -> None:
    code = (
        "import sys; from spectrometer.status import StatusBuffer\n"
        "b = StatusBuffer(int(sys.argv[2]), sys.argv[1])\nprint('held', flush=True)\n"
        "while True: b.update({'N': 1, 'TEXT': 'abc'}); b.remove(['TEXT'])\n"
    )
    moments = random.Random(3)
    for _ in range(4):
        with foreign(status, code):
            time.sleep(moments.uniform(0, 0.02))
        status.update({"ALIVE": 1})
        assert status.read()["ALIVE"] == 1
        assert all(damage.cards for damage in status.damage())  # there is an END


def remove_all_of(status: StatusBuffer, *what: str) -> None:
    """Remove what systemd-logind removes of a user who logs out."""
    if "segment" in what:
        memory = sysv_ipc.SharedMemory(status.key, 0, size=0)
        memory.remove()
        memory.detach()
    if "semaphore" in what:
        posix_ipc.unlink_semaphore(status.semaphore)
    if "size" in what:
        os.truncate("/dev/shm/sem." + status.semaphore[1:], 0)


@pytest.mark.parametrize(
    "what", [("segment",), ("semaphore",), ("segment", "semaphore"), ("size",)]
)
def test_a_memory_that_is_removed_is_made_anew_by_its_owner_with_what_was_in_it(
    what: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    key = free_key()
    kept: list[str] = []
    status = StatusBuffer(key, f"/test_status_{key:x}", keep=lambda: kept.append("asked"))
    try:
        with StatusBuffer(key, status.semaphore) as program:  # as a data-taking program has it
            status.update({"OBSERVER": "me", "EXPOSURE": 0.5})
            remove_all_of(status, *what)
            if "segment" in what:
                with pytest.raises(StatusAttachError, match="no such s"):
                    program.update({"DAQNINT": 7})  # it makes nothing itself
            program_values = status.read()
            assert program_values == {"OBSERVER": "me", "EXPOSURE": 0.5}
            assert kept == ["asked"]
            program.update({"DAQNINT": 7})
            with StatusBuffer(key, status.semaphore, create=False) as foreign:
                assert (
                    foreign.read()
                    == status.read()
                    == {"OBSERVER": "me", "EXPOSURE": 0.5, "DAQNINT": 7}
                )
        gone = (
            " and ".join(word for word in ("segment", "semaphore") if word in what) or "semaphore"
        )
        assert f"another program has removed its {gone} (systemd-logind" in caplog.text
        assert "made anew with what was in it" in caplog.text
        assert status.unlink_unless_used()
    finally:
        status.close()
    with pytest.raises(StatusAttachError):
        StatusBuffer(key, status.semaphore, create=False)


def test_a_memory_removed_again_before_it_is_written_has_what_was_in_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = free_key()
    status = StatusBuffer(key, f"/test_status_{key:x}", keep=lambda: None)

    def fail() -> None:
        raise StatusLockError(status.semaphore, 0.0)

    try:
        status.update({"OBSERVER": "me"})
        remove_all_of(status, "segment")
        with monkeypatch.context() as patch, pytest.raises(StatusLockError):
            patch.setattr(status, "_take_semaphore", fail)
            status.read()
        remove_all_of(status, "semaphore")
        assert status.read() == {"OBSERVER": "me"}
        assert status.unlink_unless_used()
    finally:
        status.close()


def test_an_owner_that_is_none_any_more_makes_nothing_anew() -> None:
    key = free_key()

    def keep() -> None:
        raise StatusOwnedError("key", "Bank BANKB")

    with StatusBuffer(key, f"/test_status_{key:x}", keep=keep) as status:
        remove_all_of(status, "segment", "semaphore")
        with pytest.raises(StatusOwnedError, match="Bank BANKB"):
            status.update({"A": 1})
        with pytest.raises(StatusAttachError, match="no such segment"):
            StatusBuffer(key, status.semaphore, create=False)


@pytest.mark.parametrize("size", [0, 8, 31])
def test_a_file_that_is_no_semaphore_is_not_mapped(
    size: int, caplog: pytest.LogCaptureFixture
) -> None:
    key = free_key()
    semaphore = f"/test_status_{key:x}"
    file = Path("/dev/shm/sem." + semaphore[1:])
    with private_status() as other:  # the segment is there
        file.write_bytes(b"\0" * size)
        with pytest.raises(
            StatusAttachError, match=f"its file {file} has {size} bytes, expected 32"
        ):
            StatusBuffer(other.key, semaphore, create=False)
    status = StatusBuffer(key, semaphore)
    try:
        assert f"its file has {size} bytes, expected 32; made anew" in caplog.text
        status.update({"A": 1})
        assert file.stat().st_size == 32
    finally:
        status.unlink()


def test_what_is_in_the_way_of_a_semaphore_and_is_no_file_is_told() -> None:
    key = free_key()
    file = Path(f"/dev/shm/sem.test_status_{key:x}")
    file.mkdir()
    try:
        with pytest.raises(
            StatusAttachError, match=r"is no regular file, and cannot be removed \(Is a directory\)"
        ):
            StatusBuffer(key, f"/test_status_{key:x}")
    finally:
        file.rmdir()
        sysv_ipc.remove_shared_memory(sysv_ipc.SharedMemory(key, 0, size=0).id)
