"""Threads that share out jobs. They are started once; the caller is one of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

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
        self._queues = [SimpleQueue[_Order | None]() for _ in range(threads - 1)]
        self._threads = [
            Thread(target=_serve, args=(queue,), name=f"filling-{number}", daemon=True)
            for number, queue in enumerate(self._queues, 1)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def threads(self) -> int:
        """Number of threads, the caller's among them."""
        return 1 + len(self._threads)

    def run(self, jobs: Iterable[Job]) -> None:
        """Do jobs, each once; whoever is ready takes the next one.

        Raises:
            BaseException: What the first job that failed raised; the others are done all the same.
        """
        turn = _Turn(deque(jobs), [])
        if self._queues and len(turn.jobs) > 1:
            self._share_out(turn)
        else:
            turn.work()
        if turn.errors:
            raise turn.errors[0]

    def _share_out(self, turn: _Turn) -> None:
        helpers, done = self._queues[: len(turn.jobs) - 1], SimpleQueue[None]()
        for queue in helpers:
            queue.put((turn, done))
        try:
            turn.work()
        finally:
            for _ in helpers:
                done.get()

    def close(self) -> None:
        """End the threads; jobs are then done by the caller alone."""
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join()
        self._queues, self._threads = [], []


@dataclass(slots=True)
class _Turn:
    """Jobs of one call, and what those that failed have raised."""

    jobs: deque[Job]
    errors: list[BaseException]

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


_Order: TypeAlias = tuple[_Turn, SimpleQueue[None]]
"""A turn to take part in, and where to say that nothing is left of it."""


def _serve(queue: SimpleQueue[_Order | None]) -> None:
    while (order := queue.get()) is not None:
        turn, done = order
        turn.work()
        done.put(None)
        del order, turn, done  # and what the jobs hold, while nothing comes
