"""The status memory as other processes see it: foreign programs, dying ones, and many at once."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import posix_ipc
import pytest
import sysv_ipc
from support.memory import free_key, private_status

from spectrometer.status import StatusAttachError, StatusBuffer, StatusLockError

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
        assert status.read() == {"NCHAN": "1024", "DAQNINT": 7, "EXPOSURE": 0.5, "GPUSTAT": "waiting"}
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


def test_lock_of_a_dead_foreign_process_is_taken_over(
    status: StatusBuffer, caplog: pytest.LogCaptureFixture
) -> None:
    acquire = f"posix_ipc.Semaphore({status.semaphore!r}).acquire()"
    code = f"import posix_ipc, os; {acquire}; os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    with caplog.at_level(logging.WARNING):
        status.update({"A": 1})
    assert "taken over" in caplog.text
    assert status.recoveries == 1
    assert status.get("A") == 1
    assert status.recoveries == 1


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


def test_a_memory_that_somebody_destroyed_can_be_written_again(
    status: StatusBuffer, caplog: pytest.LogCaptureFixture
) -> None:
    status.update({"NCHAN": 1024, "EXPOSURE": 0.5})
    memory = sysv_ipc.SharedMemory(status.key, 0, size=0)
    try:
        memory.write(b"\xa5" * 1000, 80)
        status.update({"DAQNINT": 7})
        assert status.read() == {"NCHAN": 1024, "DAQNINT": 7}
        assert "somebody overwrote its END" in caplog.text
        memory.write(b"\xa5" * 184320)
        status.remove(["NCHAN"])
        status.update({"A": 1})
        assert (status.read(), status.repairs) == ({"A": 1}, 2)
    finally:
        memory.detach()
