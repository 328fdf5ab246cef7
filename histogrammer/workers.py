"""Threads that share out jobs. They are started once; the caller is one of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Thread

from groundwork.closing import Closing

__all__ = ["Job", "Workers"]

Job = Callable[[], object]


class Workers(Closing):
    """Some threads. One caller at a time.

    Args:
        threads: Their number, the caller's among them; 1: nothing is started.
    """

    def __init__(self, threads: int) -> None:
        if threads < 1:
            raise ValueError(f"{threads} threads: at least one is needed")
        self._queues = [SimpleQueue[_Turn | None]() for _ in range(threads - 1)]
        self._threads = [
            Thread(target=_serve, args=(queue,), name=f"filling-{number}", daemon=True)
            for number, queue in enumerate(self._queues, 1)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, jobs: Iterable[Job]) -> None:
        """Do jobs, each once; whoever is ready takes the next one.

        Raises:
            BaseException: What the first job that failed raised; the others are done all the same.
        """
        turn = _Turn(jobs)
        helpers = self._queues[: len(turn.jobs) - 1] if turn.jobs else []
        for queue in helpers:
            queue.put(turn)
        try:
            turn.work()
        finally:
            for _ in helpers:
                turn.done.get()
        if turn.errors:
            raise turn.errors[0]

    def close(self) -> None:
        """End the threads; jobs are then done by the caller alone."""
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join()
        self._queues, self._threads = [], []


class _Turn:
    """Jobs of one call."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = deque(jobs)
        self.errors: list[BaseException] = []
        self.done = SimpleQueue[None]()

    def work(self) -> None:
        while self.jobs:
            try:
                job = self.jobs.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                job()
            except BaseException as error:  # raised by the caller, who waits for this thread
                self.errors.append(error)


def _serve(queue: SimpleQueue[_Turn | None]) -> None:
    while (turn := queue.get()) is not None:
        turn.work()
        turn.done.put(None)
        del turn  # and what its jobs hold, while nothing comes
