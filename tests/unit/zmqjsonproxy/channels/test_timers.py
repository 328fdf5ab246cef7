"""Timers."""

from __future__ import annotations

import threading
import time

import pytest

from zmqjsonproxy.channels.timers import Timers


def test_functions_are_called_in_the_order_of_their_times() -> None:
    timers, called, done = Timers(), [], threading.Event()
    begun = time.monotonic()
    timers.call_at(begun + 0.03, done.set)
    timers.call_at(begun + 0.02, lambda: called.append("second"))
    timers.call_at(begun + 0.01, lambda: called.append("first"))
    timers.call_at(begun + 0.02, lambda: called.append("third"))
    assert done.wait(20)
    assert called == ["first", "second", "third"]
    timers.close()


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_what_raises_ends_nothing(error: type[BaseException]) -> None:
    timers, done = Timers(), threading.Event()

    def fail() -> None:
        raise error("on purpose")

    timers.call_at(0.0, fail)
    timers.call_at(0.0, done.set)
    assert done.wait(20)
    timers.close()


def test_nothing_is_called_after_the_end_and_the_thread_ends() -> None:
    timers = Timers()
    timers.call_at(time.monotonic() + 1000, lambda: None)
    thread = timers._thread
    assert thread is not None
    timers.close()
    timers.call_at(0.0, pytest.fail)
    thread.join(20)
    assert not thread.is_alive()
    assert not timers._waiting


def test_without_a_thread_the_next_one_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    timers, done = Timers(), threading.Event()

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        timers.call_at(0.0, done.set)
    timers.call_at(0.0, lambda: None)
    assert done.wait(20)
    timers.close()
