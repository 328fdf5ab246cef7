"""The status memory: a System V segment of cards and a POSIX semaphore. Knows locks, not the
meaning of keys.

The semaphore is the original's, for foreign programs; it does not know its holder, so one who dies
with it blocks everybody. Our own programs therefore take a file lock on the semaphore's file first,
which the kernel releases with its holder. Only one of us at a time waits for the semaphore. If it
stays taken, and none but ours are attached to the memory, its holder is dead and the semaphore is
taken over at once; otherwise after the time limit, which no healthy holder needs. A warning says
so.

A memory that somebody has damaged is never changed without being asked: reading gives what can be
read, writing raises StatusDamagedError where there is no END, `repair` puts it right.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import posix_ipc
import sysv_ipc

from groundwork.closing import Closing
from spectrometer.status.errors import StatusAttachError, StatusDamagedError, StatusLockError
from spectrometer.status.holders import foreign_users
from spectrometer.status.keys import STATUS_BYTES, VEGAS_KEY, VEGAS_SEMAPHORE
from spectrometer.status.protocol.cards import (
    Value,
    empty_image,
    find_end,
    plan_update,
    read_cards,
    without,
)
from spectrometer.status.protocol.damage import Damage, find_damage, mended
from spectrometer.status.protocol.originaltexts import as_original
from spectrometer.status.semaphore import fault_of, open_semaphore, semaphore_path
from zmqjsonproxy.waiting import WouldWaitError, may_wait

log = logging.getLogger(__name__)

_POLL_S = 0.0005
_ATTEMPTS = 5
# Linux's SHM_DEST: the segment has no key any more, and goes with the last who is attached
_REMOVED = 0o1000
_NOTICE_S = 0.05  # a healthy program holds the semaphore for a millisecond


class StatusBuffer(Closing):
    """Attached status memory; usable from several threads and processes.

    Args:
        key: System V key of the segment.
        semaphore: Name of the POSIX semaphore, beginning with `/`.
        create: Create what does not exist; otherwise StatusAttachError.
        keep: Of an owner: called before what somebody has removed is made anew, with what was in
            it; raises StatusMemoryError if it must not be. None: those that another has made are
            attached.
        lock_timeout_s: How long to wait for a lock, seconds.

    Raises:
        StatusAttachError: No such memory, no right to it, or one of another size.
    """

    def __init__(
        self,
        key: int = VEGAS_KEY,
        semaphore: str = VEGAS_SEMAPHORE,
        *,
        create: bool = True,
        keep: Callable[[], object] | None = None,
        lock_timeout_s: float = 2.0,
    ) -> None:
        self.key, self.semaphore, self.lock_timeout_s = key, semaphore, lock_timeout_s
        self._keep, self._is_open, self._restored = keep, False, b""
        self.recoveries = 0
        """How often this object took over a semaphore that nobody released."""
        self._numbers: dict[
            str, object
        ] = {}  # that this object has written and not removed, by key
        self._thread_lock = threading.Lock()
        self._closed = True
        for _ in range(_ATTEMPTS):
            self._attach(create)
            try:
                with self._locked():
                    if not self._lost():
                        self._begin()
                        self._is_open = True
                        return
            except BaseException:
                self.close()
                raise
            self.close()
        raise StatusAttachError(f"key {key:#010x}", "it is removed again and again")

    def _attach(self, create: bool) -> None:
        memory = _attach_memory(self.key, create)
        try:
            semaphore = open_semaphore(self.semaphore, create)
            lock_file = os.open(
                semaphore_path(self.semaphore), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except OSError as error:
            memory.detach()
            raise StatusAttachError(f"semaphore {self.semaphore}", str(error)) from error
        except StatusAttachError:
            memory.detach()
            raise
        self._memory, self._semaphore, self._lock_file, self._closed = (
            memory,
            semaphore,
            lock_file,
            False,
        )

    def _lost(self) -> str:
        """Return in words what somebody has removed or spoilt since it was attached; empty:
        nothing."""
        words = ["segment"] if self._memory.mode & _REMOVED else []
        found = os.fstat(self._lock_file)
        words += ["semaphore"] if found.st_nlink == 0 or fault_of(found) else []
        return " and ".join(words)

    def _attach_again(self, lost: str) -> None:
        """Attach what the names stand for now; the thread's lock is held. StatusMemoryError:
        nothing, or not ours."""
        memory, semaphore, lock_file = self._memory, self._semaphore, self._lock_file
        if self._keep is not None:
            self._keep()
        self._attach(self._keep is not None)
        image = bytes(memory.read(STATUS_BYTES))
        # Written if the new one is empty. One that was removed before that was done has nothing.
        self._restored = image if any(image) else self._restored or empty_image(STATUS_BYTES)
        memory.detach()
        semaphore.close()
        os.close(lock_file)
        done = "attached again" if self._keep is None else "made anew with what was in it"
        log.warning(
            "status memory %s: another program has removed its %s (systemd-logind does that when a user logs out: "
            "RemoveIPC); %s",
            self.semaphore,
            lost,
            done,
        )

    def __repr__(self) -> str:
        return f"StatusBuffer(key={self.key:#010x}, semaphore={self.semaphore!r})"

    def snapshot(self) -> bytes:
        """All bytes of the segment, taken under the lock."""
        with self._locked():
            return bytes(self._memory.read(STATUS_BYTES))

    def read(self) -> dict[str, Value]:
        """All values in the order of their cards; quoted ones are text, the others int or float."""
        return read_cards(self.snapshot())

    def get(self, key: str, default: Value | None = None) -> Value | None:
        """The value of one key."""
        return self.read().get(key.upper(), default)

    def read_as_original(self) -> dict[str, Value]:
        """All values as a Player of the original gave them: numbers that this object has written
        are texts."""
        with self._locked():
            image, numbers = bytes(self._memory.read(STATUS_BYTES)), dict(self._numbers)
        return as_original(read_cards(image), numbers)

    def update(self, values: Mapping[str, object], reserve: int = 0) -> None:
        """Write some values, card by card under one lock; other cards are not touched.

        Args:
            values: By key.
            reserve: Cards that new keys have to leave free.

        Raises:
            CardError: A value has no card, or there is no room; then nothing is written.
        """
        if not values:
            return
        with self._locked():
            for offset, card in plan_update(self._image(), values, reserve):
                self._memory.write(card, offset)
            for key, value in values.items():
                self._numbers.pop(key.upper(), None)
                if not isinstance(value, str):
                    self._numbers[key.upper()] = value

    def remove(self, keys: Iterable[str]) -> None:
        """Take keys out; those that are not there are passed over."""
        keys = [key.upper() for key in keys]
        with self._locked():
            self._memory.write(without(self._image(), keys))
            for key in keys:
                self._numbers.pop(key, None)

    def clear(self) -> None:
        """Make the memory empty, as a new one is; damage that is lost with it is told in the
        log."""
        with self._locked():
            for damage in find_damage(self._memory.read(STATUS_BYTES)):
                log.warning("status memory %s: cleared while damaged: %s", self.semaphore, damage)
            self._memory.write(empty_image(STATUS_BYTES))
            self._numbers.clear()

    def damage(self) -> list[Damage]:
        """Return what is wrong with the memory; empty if nothing is."""
        return find_damage(self.snapshot())

    def repair(self) -> list[Damage]:
        """Put a damaged memory right: END, and every card that is whole; what was wrong.

        Without damage nothing is changed. Take a `snapshot` before, to keep what is taken out.
        """
        with self._locked():
            image = bytes(self._memory.read(STATUS_BYTES))
            found = find_damage(image)
            if found:
                self._memory.write(mended(image))
        for damage in found:
            log.warning("status memory %s: put right: %s", self.semaphore, damage)
        return found

    def _begin(self) -> None:
        """Make a memory of a new segment, which is all zeros; the lock is held."""
        image = bytes(self._memory.read(STATUS_BYTES))
        restored, self._restored = self._restored, b""
        if not any(image):
            self._memory.write(restored or empty_image(STATUS_BYTES))
            return
        for damage in find_damage(image):
            log.warning(
                "status memory %s is damaged, and left as it is: %s", self.semaphore, damage
            )

    def _image(self) -> bytes:
        """All bytes for a change, the lock is held; StatusDamagedError if there is no END."""
        image = bytes(self._memory.read(STATUS_BYTES))
        if find_end(image) is None:
            raise StatusDamagedError(self.semaphore, find_damage(image))
        return image

    def close(self) -> None:
        """Detach; the memory stays for the others. May be called twice."""
        with self._thread_lock:
            if self._closed:
                return
            self._closed = True
            self._memory.detach()
            self._semaphore.close()
            os.close(self._lock_file)

    def unlink_unless_used(self) -> bool:
        """Detach, and remove segment and semaphore if nobody else uses them; whether they were
        removed.

        One of ours that attaches meanwhile waits for the lock, sees that what it attached is gone,
        and makes it anew.

        Raises:
            StatusAttachError: They belong to another user, and stay.
        """
        is_alone = False
        try:
            with contextlib.suppress(StatusLockError, StatusAttachError), self._locked():
                is_alone = self._memory.number_attached == 1
                if is_alone:
                    self._unlink()
        except (sysv_ipc.PermissionsError, posix_ipc.PermissionsError) as error:
            raise StatusAttachError(
                f"key {self.key:#010x}", "not removed, another user has made it"
            ) from error
        finally:
            self.close()
        return is_alone

    def unlink(self) -> None:
        """Remove segment and semaphore for everybody, whoever uses them, and detach."""
        self._unlink()
        self.close()

    def _unlink(self) -> None:
        with contextlib.suppress(sysv_ipc.ExistentialError):
            self._memory.remove()
        with contextlib.suppress(posix_ipc.ExistentialError):
            posix_ipc.unlink_semaphore(self.semaphore)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the memory; WouldWaitError where that takes waiting and this thread must not."""
        deadline = time.monotonic() + self.lock_timeout_s
        if not self._thread_lock.acquire(blocking=False):
            self._before_waiting()
            if not self._thread_lock.acquire(timeout=self.lock_timeout_s):
                raise StatusLockError(self.semaphore, self.lock_timeout_s)
        try:
            if self._closed:
                raise StatusAttachError(f"key {self.key:#010x}", "this object is closed")
            if self._is_open and (lost := self._lost()):
                self._before_waiting()
                self._attach_again(lost)
            self._lock_among_ours(deadline)
            try:
                self._take_semaphore()
                try:
                    if self._restored:
                        self._begin()
                    yield
                finally:
                    if (
                        self._semaphore.value == 0
                    ):  # else somebody released what we hold, e.g. a clearing C tool
                        self._semaphore.release()
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)
        finally:
            self._thread_lock.release()

    @staticmethod
    def _before_waiting() -> None:
        if not may_wait():
            raise WouldWaitError

    def _lock_among_ours(self, deadline: float) -> None:
        # A recovery by another of us may take its whole time limit; allow for that before giving
        # up.
        deadline += self.lock_timeout_s
        while True:
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self._before_waiting()
                if time.monotonic() > deadline:
                    raise StatusLockError(self.semaphore, 2 * self.lock_timeout_s) from None
                time.sleep(_POLL_S)

    def _take_semaphore(self) -> None:
        notice = min(_NOTICE_S, self.lock_timeout_s)
        if self._acquire(0):
            return
        self._before_waiting()
        if self._acquire(notice):
            return
        for _ in range(2):  # one who took it while we looked is seen at the second look
            users = foreign_users(
                self.key, self._memory.number_attached, str(semaphore_path(self.semaphore))
            )
            if users:
                break
            if self._acquire(0):
                return
        if not users:
            self._take_over("its holder died: none but ours are attached")
        elif not self._acquire(max(self.lock_timeout_s - notice, 0)):
            limit = f"{self.lock_timeout_s:g} s"
            self._take_over(
                f"locked for more than {limit}, its holder is dead or hangs; attached: {users}"
            )

    def _acquire(self, timeout_s: float) -> bool:
        try:
            self._semaphore.acquire(timeout_s)
        except posix_ipc.BusyError:
            return False
        return True

    def _take_over(self, why: str) -> None:
        """Hold a semaphore that nobody will release; whatever its holder left half done is told."""
        self.recoveries += 1
        log.warning("status memory %s: %s; lock taken over", self.semaphore, why)
        for damage in find_damage(self._memory.read(STATUS_BYTES)):
            log.warning(
                "status memory %s is damaged, and left as it is: %s", self.semaphore, damage
            )


def _attach_memory(key: int, create: bool) -> sysv_ipc.SharedMemory:
    what = f"key {key:#010x}"
    flags = sysv_ipc.IPC_CREAT if create else 0
    try:
        memory = sysv_ipc.SharedMemory(key, flags, mode=0o666, size=STATUS_BYTES if create else 0)
    except sysv_ipc.ExistentialError as error:
        raise StatusAttachError(what, "no such segment") from error
    except sysv_ipc.PermissionsError as error:
        raise StatusAttachError(what, "no permission") from error
    except (sysv_ipc.Error, ValueError, OSError, MemoryError) as error:
        raise StatusAttachError(what, f"{error} (expected {STATUS_BYTES} bytes)") from error
    if memory.size != STATUS_BYTES:
        found = memory.size
        memory.detach()
        raise StatusAttachError(
            what, f"a segment of {found} bytes is there; expected {STATUS_BYTES}"
        )
    return memory
