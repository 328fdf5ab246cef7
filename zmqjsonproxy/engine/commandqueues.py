"""Threads that carry calls out one after the other, clients in turn, from bounded queues. No
sockets, no dialect."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from zmqjsonproxy.caller import Caller
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Method, MethodKind

__all__ = ["SMALL", "Aborts", "CommandQueue", "CommandQueues", "QueuedCall"]

log = logging.getLogger(__name__)

SMALL = 10_000
"""Jobs of fewer bytes are bounded by their number only."""


@dataclass(slots=True, eq=False)
class QueuedCall:
    """Something to carry out in its turn.

    Attributes:
        run: Carries it out; never raises.
        operation: Set for long calls.
        client: Whose call it is.
        size: Bytes of memory that it takes while it waits, about.
    """

    run: Callable[[], None] = lambda: None
    operation: OperationHandle | None = None
    client: bytes = b""
    size: int = 0

    def carry_out(self) -> None:
        """Run it."""
        self.run()


@dataclass(frozen=True, slots=True)
class Aborts:
    """Outcome of asking operations to end.

    Attributes:
        count: How many were asked.
        hooks: Runs what they have left to be done for it; None: nothing.
    """

    count: int = 0
    hooks: threading.Thread | None = None


class CommandQueue:
    """One worker thread and its queue; the thread is started with the first job.

    Those of one client run in their order, those of several in turn: who has many waiting holds up
    nobody else.

    Args:
        name: Of the thread.
        size: Jobs of one client that may wait.
        most_bytes: Of one client's jobs that wait, but one may have more; of all twice as many, but
            for small ones.
    """

    def __init__(self, name: str, size: int, most_bytes: int = 16 * 2**20) -> None:
        self.name, self._size, self._most_bytes = name, size, most_bytes
        self._jobs: dict[bytes, deque[QueuedCall]] = {}  # by client, the one whose turn it is first
        self._bytes = 0
        self._lock = threading.Lock()
        self._wake = (
            threading.Lock()
        )  # released once for each wait; a Condition makes a lock for each of them
        self._wake.acquire()
        self._waits = False
        self._thread: threading.Thread | None = None
        self._running: QueuedCall | None = None
        self._left: dict[
            threading.Thread, QueuedCall
        ] = {}  # operations that go on beside the queue
        self._ended = False

    @property
    def waiting(self) -> int:
        """Number of jobs that wait."""
        return sum(map(len, list(self._jobs.values())))

    def takes(self, client: bytes, size: int) -> bool:
        """Tell whether a job of a client would be queued now."""
        with self._lock:
            return self._takes(client, size)

    def _takes(self, client: bytes, size: int) -> bool:
        mine = self._jobs.get(client)
        if self._ended:
            return False
        if mine is not None and len(mine) >= self._size:
            return False
        if size <= SMALL:
            return True
        own = sum(job.size for job in mine) if mine else 0
        return (
            not own or own + size <= self._most_bytes
        ) and self._bytes + size <= 2 * self._most_bytes

    def put(self, job: QueuedCall) -> bool:
        """Queue a job; False if the queue is full for its client, or the command queue has ended."""
        with self._lock:
            if not self._takes(job.client, job.size):
                return False
            if self._thread is None:
                self._start_thread()
            self._jobs.setdefault(job.client, deque()).append(job)
            self._bytes += job.size
            self._end_wait()
        return True

    def put_back(self, job: QueuedCall) -> bool:
        """Queue the job that is being carried out again, before the others of its client, which has
        its turn after other clients; False: the command queue has ended."""
        with self._lock:
            if not self._ended:
                self._jobs.setdefault(job.client, deque()).appendleft(job)
                self._bytes += job.size
            return not self._ended

    def _take_out(self, job: QueuedCall) -> bool:
        mine = self._jobs.get(job.client, deque())
        if job not in mine:
            return False
        mine.remove(job)
        if not mine:
            del self._jobs[job.client]
        self._bytes -= job.size
        return True

    def _next(self) -> QueuedCall | None:
        while self._jobs:
            client = next(iter(self._jobs))
            mine = self._jobs.pop(client)
            if not mine:  # a Ctrl-C came when a job was put, or taken out
                continue
            job = mine.popleft()
            self._bytes -= job.size
            if mine:
                self._jobs[client] = mine  # behind the others
            return job
        return None

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        thread.start()  # where the system has no more threads the next job tries again
        self._thread = thread

    def leave(self, operation: OperationHandle) -> None:
        """Let the next jobs run beside an operation, if it is the one that runs; from any
        thread."""
        with self._lock:
            thread, job = self._thread, self._running
            if thread is None or job is None or job.operation is not operation:
                return
            if self._jobs and not self._ended:
                self._start_thread()
            else:
                self._thread = None
            self._left[thread], self._running = job, None

    def _end_wait(self) -> None:
        if self._waits:
            self._waits = False
            self._wake.release()

    def abort_operations(
        self, reason: str, identity: str | None = None, *, by: str = "", method: str = ""
    ) -> Aborts:
        """Ask operations to end: the running one, and those that wait, which end without having
        begun. Returns at once.

        Hooks for that are a site's own code and may be slow: they run in a thread of their own, for
        the caller of this has others to answer.

        Args:
            reason: For those who ask what became of them.
            identity: This one only.
            by: Name of the client that wants it.
            method: Whose call it is for; empty: an abort.
        """

        def is_meant(job: QueuedCall | None) -> bool:
            operation = None if job is None else job.operation
            return operation is not None and identity in (None, operation.id)

        with self._lock:
            waiting = [job for mine in self._jobs.values() for job in mine if is_meant(job)]
            for job in waiting:
                self._take_out(job)
            running = [
                job.operation
                for job in (self._running, *self._left.values())
                if is_meant(job) and job is not None and job.operation is not None
            ]
        for job in waiting:
            if job.operation is not None:
                job.operation.abort(reason, by, method)  # has no hooks: it was not begun
            self._carry_out(job)  # finds that it was aborted, and says so to its caller
        hooks = None
        if left := [
            (each, hook) for each in running for hook in each.ask_to_end(reason, by, method)
        ]:
            hooks = threading.Thread(
                target=_run_hooks, args=(left,), name=f"abort {self.name}", daemon=True
            )
            hooks.start()
        return Aborts(len(waiting) + len(running), hooks)

    def find(self, client: bytes, wanted: Callable[[QueuedCall], bool]) -> QueuedCall | None:
        """Return the last that was put of a client's jobs that wait or run and are wanted."""
        with self._lock:
            running = [*self._left.values(), self._running]
            jobs = [job for job in running if job is not None and job.client == client]
            jobs += self._jobs.get(client, ())
        return next((job for job in reversed(jobs) if wanted(job)), None)

    def withdraw(self, job: QueuedCall) -> bool:
        """Take a job out of the queue; False if it has been begun, or ended."""
        with self._lock:
            return self._take_out(job)

    def end(self, reason: str = "the server ends") -> None:
        """Take no more jobs, drop those that wait, abort the running operation; returns at once."""
        with self._lock:
            self._ended = True
            self._jobs.clear()
            self._bytes = 0
            self._end_wait()
        self.abort_operations(reason)

    def join(self, seconds: float) -> bool:
        """Wait for the threads; False if a job is still running then."""
        end = time.monotonic() + seconds
        with self._lock:
            threads = [thread for thread in (self._thread, *self._left) if thread is not None]
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(end - time.monotonic(), 0.0))
        return not any(
            thread.is_alive() for thread in threads if thread is not threading.current_thread()
        )

    def _work(self) -> None:
        this = threading.current_thread()
        with self._lock:
            self._thread = self._thread or this  # unknown if a Ctrl-C came while it was started
        while True:
            with self._lock:
                if self._thread is not this:  # another is the command queue's by now
                    self._left.pop(this, None)
                    return
                job = self._next()
                self._running = job
                if job is None and self._ended:
                    return
                self._waits = job is None
            if job is None:
                self._wake.acquire()
            else:
                self._carry_out(job)

    def _carry_out(self, job: QueuedCall) -> None:
        try:
            job.carry_out()
        except BaseException:  # a command queue outlives whatever happens in it
            log.exception("%s: a job raised", self.name)


class CommandQueues:
    """The command queues of a server, each made when it is first needed; to be asked for in one thread, read
    in any.

    Args:
        size: Jobs of one client that may wait in each.
        name: Of the server.
        kind: Class of them.
    """

    def __init__(self, size: int, name: str, kind: type[CommandQueue] = CommandQueue) -> None:
        self._size, self._name, self._kind = size, name, kind
        self._queues: dict[str, CommandQueue] = {}
        self._of: dict[tuple[str, bool, MethodKind], CommandQueue] = {}
        self.full = f"{size} calls of this client are waiting already, or too many bytes"
        """Why a queue takes no more."""

    def of(self, method: Method) -> CommandQueue:
        """Return the command queue of a method: urgent commands and slow queries have workers of their own
        beside it."""
        key = method.queue, method.mark.urgent, method.mark.kind
        queue = self._of.get(key)
        if queue is None:
            kind = "urgent" if key[1] else "slow" if key[2] is MethodKind.QUERY else "commands"
            queue = self._of[key] = self.named(f"{method.queue} {kind}")
        return queue

    def named(self, key: str) -> CommandQueue:
        """Return a command queue by its name."""
        return self._queues.get(key) or self._queues.setdefault(
            key, self._kind(f"{key} {self._name}", self._size)
        )

    def values(self) -> list[CommandQueue]:
        """Return those that there are."""
        return list(self._queues.values())

    def abort_operations(self, method: Method, caller: Caller) -> threading.Thread | None:
        """Ask the operations of a command queue to end; what it has to wait for before it
        begins."""
        queue = self._queues.get(f"{method.queue} commands")
        if queue is None:
            return None
        reason = f"{method.name} was called by {caller}"
        return queue.abort_operations(reason, by=str(caller), method=method.name).hooks

    def end(self, within: float, reason: str = "the server ends") -> None:
        """End all command queues; what still runs after `within` s is left."""
        end = time.monotonic() + within
        for queue in self.values():
            queue.end(reason)
        for queue in self.values():
            if not queue.join(max(end - time.monotonic(), 0.0)):
                log.warning("%s: a call in %s is still running and is left", self._name, queue.name)


def _run_hooks(hooks: list[tuple[OperationHandle, Callable[[], None]]]) -> None:
    for operation, hook in hooks:
        operation.run_hooks([hook])
