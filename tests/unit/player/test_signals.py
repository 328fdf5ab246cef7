"""Handlers of signals: children made by fork do not have them, from their first moment on."""

from __future__ import annotations

import os
import signal
import time

from player.signals import Handlers


def test_a_child_is_ended_by_a_signal_that_comes_as_soon_as_it_is_there() -> None:
    handlers, heard = Handlers(), list[int]()
    handlers.install(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        for _ in range(50):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            os.kill(child, signal.SIGTERM)
            assert os.waitpid(child, 0)[1] == signal.SIGTERM
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        handlers.remove()
