"""Lanes: jobs one after the other, whatever the system lacks."""

from __future__ import annotations

import threading

import pytest

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
