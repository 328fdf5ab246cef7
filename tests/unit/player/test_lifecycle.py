"""Signals: who is told of one, and what happens when the end takes too long."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path

import pytest
from support.toy_bank import write_configuration

from player.config import load
from player.host import Host
from player.lifecycle import EndRequest, EndSignals, Notifier


def test_a_signal_that_nobody_waits_for_interrupts_what_is_being_done() -> None:
    with EndSignals(within=3600, force=lambda: None) as signals:
        with pytest.raises(EndRequest, match="SIGTERM"):
            signal.raise_signal(signal.SIGTERM)
        assert signals.received == "SIGTERM"


def test_signals_are_told_to_whom_it_concerns() -> None:
    told: list[str] = []
    with EndSignals(within=3600, force=lambda: None) as signals:
        signals.deliver_to(told.append)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert told == ["SIGINT", "SIGTERM"]
    assert signals.received == "SIGINT"


def test_a_signal_whose_exception_was_swallowed_is_told_later() -> None:
    told: list[str] = []
    with EndSignals(within=3600, force=lambda: None) as signals:
        with contextlib.suppress(EndRequest):  # as libraries do that look for others
            signal.raise_signal(signal.SIGTERM)
        signals.deliver_to(told.append)
    assert told == ["SIGTERM"]


def test_a_hang_up_that_ends_nothing_is_kept_until_somebody_asks() -> None:
    with EndSignals(within=3600, force=lambda: None, hang_up_ends=False) as signals:
        signal.raise_signal(signal.SIGHUP)
        signals.deliver_to(lambda name: pytest.fail(name))
        signal.raise_signal(signal.SIGHUP)
        assert signals.received is None
        assert signals.hang_ups.qsize() == 2


def test_an_end_that_takes_too_long_is_forced() -> None:
    forced = threading.Event()
    with EndSignals(within=0, force=forced.set) as signals:
        signals.deliver_to(lambda _name: None)
        signal.raise_signal(signal.SIGTERM)
        assert forced.wait(20)


def test_a_signal_that_does_not_wake_the_main_thread_ends_the_wait_all_the_same(
    tmp_path: Path,
) -> None:
    host = Host(load(write_configuration(tmp_path / "dibas.toml", {"BANKA": {}})), "BANKA")
    # Received by another thread, it interrupts nothing: as one that comes a moment before the main
    # thread waits.
    other = threading.Timer(0.1, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM))
    with EndSignals(within=3600, force=lambda: None) as signals:
        signals.deliver_to(host.quit)
        other.start()
        assert host.wait()
    other.join()


def test_the_handlers_of_before_come_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with EndSignals(force=lambda: None):
        assert signal.getsignal(signal.SIGTERM) is not before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


@pytest.mark.parametrize("address", [None, ""])
def test_without_an_address_nobody_is_told(address: str | None) -> None:
    assert Notifier(address).notify(READY=1) is False
