"""Lanes: jobs one after the other, whatever the system lacks."""

from __future__ import annotations

import threading

import pytest

from zmqjsonproxy.errors import OperationAbortedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.protocol.operations import OperationRecord, State
from zmqjsonproxy.rpc.lanes import Job, Lane


def test_a_lane_that_got_no_thread_tries_again_with_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    lane, ran = Lane("lane", 10), threading.Event()

    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError, match="new thread"):
            lane.put(Job(lambda: None))
    assert lane.put(Job(ran.set))
    assert ran.wait(30)
    lane.end()
    assert lane.join(30)


def test_jobs_run_beside_an_operation_that_left_and_the_lane_still_knows_it() -> None:
    lane, left, ran = Lane("lane", 10), threading.Event(), threading.Event()
    handle = OperationHandle(OperationRecord(id="1", method="wait", state=State.RUNNING))

    def wait() -> None:
        lane.leave()
        left.set()
        with pytest.raises(OperationAbortedError, match="enough"):
            handle.wait(30)

    lane.put(Job(wait, handle))
    assert left.wait(30)
    lane.put(Job(ran.set))
    assert ran.wait(30)
    assert lane.abort_operations("enough").count == 1
    lane.end()
    assert lane.join(30)


def test_a_job_that_waits_goes_on_when_the_one_before_it_leaves() -> None:
    lane, queued, ran = Lane("lane", 10), threading.Event(), threading.Event()
    handle = OperationHandle(OperationRecord(id="1", method="wait", state=State.RUNNING))

    def wait() -> None:
        queued.wait(30)
        lane.leave()
        lane.leave()  # once is enough
        ran.wait(30)

    lane.put(Job(wait, handle))
    lane.put(Job(ran.set))
    queued.set()
    assert ran.wait(30)
    lane.end()
    assert lane.join(30)
