"""Command queues: jobs one after the other, whatever the system lacks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from functools import partial

import pytest

from zmqjsonproxy.engine.commandqueues import CommandQueue, QueuedCall
from zmqjsonproxy.errors import OperationAbortedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState


@pytest.fixture
def bounds() -> tuple[int, ...]:
    """Jobs of each client, and bytes."""
    return (10,)


@pytest.fixture
def queue(bounds: tuple[int, ...]) -> Iterator[CommandQueue]:
    """A queue whose thread has to end with the test."""
    queue = CommandQueue("command queue", *bounds)
    yield queue
    queue.end()
    assert queue.join(30)


@pytest.fixture
def handle() -> OperationHandle:
    """An operation that runs."""
    return OperationHandle(OperationRecord(id="1", method="wait", state=OperationState.RUNNING))


def test_a_queue_that_got_no_thread_tries_again_with_the_next_job(
    queue: CommandQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = threading.Event()

    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError, match="new thread"):
            queue.put(QueuedCall(lambda: None))
    assert queue.put(QueuedCall(ran.set))
    assert ran.wait(30)


def test_a_thread_whose_start_is_interrupted_is_the_queues_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, threads = CommandQueue("interrupted", 10), list[threading.Thread]()
    start = threading.Thread.start

    def interrupt(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            queue.put(QueuedCall(lambda: None))
    for done in [threading.Event() for _ in range(3)]:
        queue.put(
            QueuedCall(lambda done=done: (threads.append(threading.current_thread()), done.set()))
        )
        assert done.wait(30)
    queue.end()
    assert queue.join(30)
    for thread in threading.enumerate():
        if thread.name == "interrupted":  # it finds that another is the queue's by now
            thread.join(30)
            assert not thread.is_alive()
    assert len(set(threads)) == 1


def test_a_queue_goes_on_after_a_ctrl_c_between_the_steps_of_putting_a_job() -> None:
    queue, done = CommandQueue("interrupted", 10), threading.Event()
    queue._jobs[b"interrupted"] = deque()
    assert queue.put(QueuedCall(done.set))
    assert done.wait(10)
    queue.end()
    assert queue.join(30)


def test_jobs_run_beside_an_operation_that_left_and_the_queue_still_knows_it(
    queue: CommandQueue, handle: OperationHandle
) -> None:
    left, ran = threading.Event(), threading.Event()

    def wait() -> None:
        queue.leave(handle)
        left.set()
        with pytest.raises(OperationAbortedError, match="enough"):
            handle.wait(30)

    queue.put(QueuedCall(wait, handle))
    assert left.wait(30)
    queue.put(QueuedCall(ran.set))
    assert ran.wait(30)
    assert queue.abort_operations("enough").count == 1


def test_a_job_that_waits_goes_on_when_the_one_before_it_leaves(
    queue: CommandQueue, handle: OperationHandle
) -> None:
    queued, ran = threading.Event(), threading.Event()

    def wait() -> None:
        queued.wait(30)
        queue.leave(handle)
        queue.leave(handle)  # once is enough
        ran.wait(30)

    queue.put(QueuedCall(wait, handle))
    queue.put(QueuedCall(ran.set))
    queued.set()
    assert ran.wait(30)


def held(queue: CommandQueue) -> threading.Event:
    """Let the command queue carry out a job until the event."""
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go_on.wait(30)

    assert queue.put(QueuedCall(wait))
    assert begun.wait(30)
    return go_on


def test_clients_take_turns_and_each_keeps_its_order(queue: CommandQueue) -> None:
    ran, done = list[str](), threading.Event()
    go_on = held(queue)
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert queue.put(QueuedCall(partial(ran.append, name), client=name[:1].encode()))
    assert queue.waiting == 6
    queue.put(QueuedCall(done.set, client=b"a"))
    go_on.set()
    assert done.wait(30)
    assert ran == ["a1", "b1", "c1", "a2", "b2", "a3"]


@pytest.mark.parametrize("bounds", [(3, 100_000)])
def test_each_client_has_its_number_and_its_bytes(queue: CommandQueue) -> None:
    done = threading.Event()
    go_on = held(queue)

    def put(client: bytes, size: int) -> bool:
        return queue.put(QueuedCall(lambda: None, client=client, size=size))

    assert [put(b"many", 10) for _ in range(4)] == [True, True, True, False]
    assert [put(b"large", 60_000), put(b"large", 60_000), put(b"large", 20_000)] == [
        True,
        False,
        True,
    ]
    assert put(b"one", 110_000)  # one alone may be larger
    assert not put(b"another", 20_000)  # all together have a bound
    assert put(b"another", 10_000)
    job = QueuedCall(done.set, client=b"yet another")
    assert queue.put(job)
    assert queue.withdraw(job)
    assert not queue.withdraw(job)
    assert queue.put(job)
    go_on.set()
    assert done.wait(30)
    assert put(b"another", 120_000)
