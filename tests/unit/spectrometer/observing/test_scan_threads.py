"""The thread of a scan, and callers that wait for it; what becomes of a scan is `test_scan`'s."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.memory import private_status
from support.scan_control import Night

from player.testing.clock import ManualClock
from spectrometer.errors import ScanError
from spectrometer.observing.scanplan import ScanPlan, StartRequest
from spectrometer.observing.scanstate import ScanState
from zmqjsonproxy.errors import OperationAbortedError


@pytest.fixture
def night() -> Iterator[Night]:
    with private_status() as status:
        made = Night(status)
        yield made
        made.control.close("the test ends")


@pytest.fixture
def night_that_stands_still() -> Iterator[Night]:
    """One whose time passes when the test says so."""
    with private_status() as status:
        made = Night(status, ManualClock())
        yield made
        made.control.close("the test ends")


def start(night: Night, start_in: float = 1.2, length: float = 60.0) -> ScanPlan:
    """Start, and return what runs."""
    plan = night.plan(start=night.at(start_in), length=length)
    return night.control.start(
        StartRequest(id="ours", by="ann"), lambda: plan, night.handle, lambda _: True, 5.0
    )


def test_a_start_returns_its_plan_and_its_scan_ends_in_a_thread_of_its_own(night: Night) -> None:
    assert start(night, length=0.4).length == 0.4
    with night.control._changed:
        assert night.control._changed.wait_for(
            lambda: night.control.state is ScanState.IDLE, timeout=60.0
        )
    assert night.report()["outcome"] == "done"


@pytest.mark.parametrize("way", ["abort", "stop", "take back"])
def test_a_start_that_is_ended_while_it_waits_says_so_to_its_caller(
    night_that_stands_still: Night, way: str
) -> None:
    night = night_that_stands_still
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(start, night, 60.0)
        night.clock.wait_for_waiters()
        if way == "abort":
            night.handle.abort("stop was called", by="bob", method="stop")
        elif way == "stop":
            assert night.control.stop("bob") == "Scan ended"
        else:
            assert night.control.take_back("ours", "bob") == "Start taken back"
        with pytest.raises(OperationAbortedError):
            started.result()
    assert night.control.state is ScanState.IDLE
    assert night.report()["ended_by"] == "bob"


def test_a_start_that_fails_while_it_waits_raises_why(night_that_stands_still: Night) -> None:
    night = night_that_stands_still
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(start, night, 4.0)
        night.clock.wait_for_waiters()
        night.program.is_running = False
        night.clock.advance(1.0)
        with pytest.raises(ScanError, match="program ended while the start waited"):
            started.result()


def test_a_start_without_a_thread_fails_and_leaves_the_bank_free(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Thread.start

    def none_for_scans(thread: threading.Thread) -> None:
        if thread.name.startswith("scan "):
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", none_for_scans)
    with pytest.raises(ScanError, match="can't start new thread"):
        start(night)
    assert night.report()["outcome"] == "failed"
    assert not night.control.scanning
