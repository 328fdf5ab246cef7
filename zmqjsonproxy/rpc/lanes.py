"""Threads that carry calls out one after the other, with a bounded queue. Knows no socket and no dialect."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from zmqjsonproxy.handle import OperationHandle

__all__ = ["Aborts", "Job", "Lane"]

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """One call to carry out. `run` never raises; `operation` is set for long calls."""

    run: Callable[[], None]
    operation: OperationHandle | None = None


@dataclass(frozen=True, slots=True)
class Aborts:
    """What became of asking operations to end.

    Attributes:
        count: How many were asked.
        hooks: Runs what they have left to be done for it; None: nothing.
    """

    count: int = 0
    hooks: threading.Thread | None = None


class Lane:
    """One worker thread and its queue; the thread is started with the first job.

    Args:
        name: Of the thread.
        size: Jobs that may wait.
    """

    def __init__(self, name: str, size: int) -> None:
        self.name, self._size = name, size
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Lock()  # released once for each wait; a Condition makes a lock for each of them
        self._wake.acquire()
        self._waits = False
        self._thread: threading.Thread | None = None
        self._running: OperationHandle | None = None
        self._left: dict[threading.Thread, OperationHandle] = {}  # operations that go on beside the lane
        self._ended = False

    @property
    def is_full(self) -> bool:
        """No job is taken now."""
        return self._ended or len(self._jobs) >= self._size

    def put(self, job: Job) -> bool:
        """Queue a job; False if the queue is full or the lane has ended."""
        with self._lock:
            if self.is_full:
                return False
            if self._thread is None:
                self._start_thread()
            self._jobs.append(job)
            self._end_wait()
        return True

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        thread.start()  # where the system has no more threads the next job tries again
        self._thread = thread

    def leave(self) -> None:
        """Let the next jobs run beside the operation that the calling thread, the lane's, is carrying out."""
        this = threading.current_thread()
        with self._lock:
            if self._thread is not this or self._running is None:
                return
            if self._jobs and not self._ended:
                self._start_thread()
            else:
                self._thread = None
            self._left[this], self._running = self._running, None

    def _end_wait(self) -> None:
        if self._waits:
            self._waits = False
            self._wake.release()

    def abort_operations(self, reason: str, identity: str | None = None, *, by: str = "", method: str = "") -> Aborts:
        """Ask operations to end: the running one, and those that wait, which end without having begun. Returns at once.

        Hooks for that are a site's own code and may be slow: they run in a thread of their own, for the caller of this
        has others to answer.

        Args:
            reason: For those who ask what became of them.
            identity: This one only.
            by: Name of the client that wants it.
            method: Whose call it is for; empty: an abort.
        """

        def is_meant(operation: OperationHandle | None) -> bool:
            return operation is not None and identity in (None, operation.id)

        with self._lock:
            waiting = [job for job in self._jobs if is_meant(job.operation)]
            for job in waiting:
                self._jobs.remove(job)
            running = [each for each in (self._running, *self._left.values()) if each is not None and is_meant(each)]
        for job in waiting:
            if job.operation is not None:
                job.operation.abort(reason, by, method)  # has no hooks: it was not begun
            self._carry_out(job)  # finds that it was aborted, and says so to its caller
        hooks = None
        if left := [(each, hook) for each in running for hook in each.ask_to_end(reason, by, method)]:
            hooks = threading.Thread(target=_run_hooks, args=(left,), name=f"abort {self.name}", daemon=True)
            hooks.start()
        return Aborts(len(waiting) + len(running), hooks)

    def withdraw(self, job: Job) -> bool:
        """Take a job out of the queue; False if it has been begun, or ended."""
        with self._lock:
            if job not in self._jobs:
                return False
            self._jobs.remove(job)
        return True

    def end(self) -> None:
        """Take no more jobs, drop those that wait, abort the running operation; returns at once."""
        with self._lock:
            self._ended = True
            self._jobs.clear()
            self._end_wait()
        self.abort_operations("the server ends")

    def join(self, seconds: float) -> bool:
        """Wait for the threads; False if a job is still running then."""
        end = time.monotonic() + seconds
        with self._lock:
            threads = [thread for thread in (self._thread, *self._left) if thread is not None]
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(end - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in threads if thread is not threading.current_thread())

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._left.pop(threading.current_thread(), None) is not None:
                    return  # another thread is the lane's by now
                job = self._jobs.popleft() if self._jobs else None
                self._running = None if job is None else job.operation
                if job is None and self._ended:
                    return
                self._waits = job is None
            if job is None:
                self._wake.acquire()
            else:
                self._carry_out(job)

    def _carry_out(self, job: Job) -> None:
        try:
            job.run()
        except BaseException:  # a lane outlives whatever happens in it
            log.exception("%s: a job raised", self.name)


def _run_hooks(hooks: list[tuple[OperationHandle, Callable[[], None]]]) -> None:
    for operation, hook in hooks:
        operation.run_hooks([hook])
