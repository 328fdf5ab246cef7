"""Handlers of signals: children made by fork do not have them, from their first moment on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Collection

import pytest

from player.signals import Handlers


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_is_ended_by_a_signal_that_comes_as_soon_as_it_is_there() -> None:
    handlers, heard = Handlers(), list[int]()
    handlers.install(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        for _ in range(50):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            os.kill(child, signal.SIGTERM)
            assert os.waitpid(child, 0)[1] == signal.SIGTERM
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        handlers.remove()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_signals_come_again_after_a_handler_raised_while_they_were_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hold = signal.pthread_sigmask

    def interrupted(how: int, mask: Collection[int]) -> set[int | signal.Signals]:
        before = hold(how, mask)
        if how == signal.SIG_BLOCK and mask:  # when it has blocked, it has handlers called
            raise KeyboardInterrupt
        return before

    held: list[object] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        held.append(hold(signal.SIG_BLOCK, ()))

    with monkeypatch.context() as patch:
        patch.setattr(signal, "pthread_sigmask", interrupted)
        thread = threading.Thread(target=fork)  # which has not forked before
        thread.start()
        thread.join(30)
    assert held == [set()]
