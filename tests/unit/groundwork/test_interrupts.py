"""Signals that end a command as Ctrl-C does: within, and not after it."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from groundwork.interrupts import ended_as_by_ctrl_c


def test_a_signal_raises_keyboard_interrupt_within_and_has_its_meaning_again_after() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), ended_as_by_ctrl_c(signal.SIGTERM):
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(60)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_signal_that_somebody_handles_or_ignores_is_left_to_that() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_as_by_ctrl_c(signal.SIGHUP):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_threads_leave_signals_alone() -> None:
    told: list[object] = []

    def look() -> None:
        with ended_as_by_ctrl_c(signal.SIGTERM):
            told.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert told == [before]
