"""The states of a Bank's data taking, with a program that is a piece of the test."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.memory import private_status

from player.clock import SystemClock
from spectrometer.daq.programs import Programs
from spectrometer.errors import ScanError
from spectrometer.observing.scan import ScanControl
from spectrometer.observing.scanplan import ScanPlan, StartRequest
from spectrometer.observing.scanreport import NO_REPORT, ScanReports
from spectrometer.observing.scanstate import ScanState
from spectrometer.status import StatusBuffer
from spectrometer.status.errors import StatusLockError
from zmqjsonproxy.errors import OperationAbortedError, RefusedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState


class Program:
    """A data-taking program that obeys, unless it is told not to."""

    name = "program"
    has_counts: bool | None = False
    pid: int | None = None

    def __init__(self, status: StatusBuffer) -> None:
        self.status = status
        self.is_running = False
        self.returncode: int | None = None
        self.starts = 0
        self.words: list[str] = []
        self.deaf = False
        self.unready = False
        self.error = ""
        self.on_start: Callable[[], None] = lambda: None
        self.on_stop: Callable[[], None] = lambda: None

    def start(self) -> None:
        self.starts += 1
        self.on_start()
        self.is_running = True
        if not self.unready:
            self.status.update({"DAQSTATE": "stopped"})

    def send(self, command: str) -> None:
        self.words.append(command)
        if self.deaf:
            return
        if command == "STOP":
            self.status.update({"SCANSTAT": "stopped", "NETSTAT": "waiting"})
        elif self.error:
            self.status.update({"DAQERR": self.error, "SCANSTAT": "stopped"})
        else:
            self.status.update({"SCANSTAT": "running", "NETSTAT": "receiving"})

    def stop(self, quit_s: float = 5.0, term_s: float = 1.0, kill_s: float = 1.0) -> int | None:
        self.is_running, self.returncode = False, 0
        self.on_stop()
        return 0


class SteppedClock(SystemClock):
    """The computer's, whose wall clock the test sets."""

    step = 0.0

    def time(self) -> float:
        return super().time() + self.step


class Night:
    """A ScanControl, its program and the thread of a start."""

    def __init__(self, status: StatusBuffer) -> None:
        self.status, self.clock = status, SteppedClock()
        self.program, log = Program(status), logging.getLogger("test")
        self.reports = ScanReports()
        programs = Programs(status, [self.program], log)
        self.told: list[dict[str, Any]] = []
        self.control = ScanControl(
            status,
            programs,
            log,
            clock=self.clock,
            reports=self.reports,
            tell=self.told.append,
        )
        self.handle = OperationHandle(
            OperationRecord(id="1", method="start", state=OperationState.RUNNING)
        )
        self.phases: list[str] = []
        self.outcome: list[object] = []
        self.taken: list[ScanState] = []
        self._thread: threading.Thread | None = None

    def plan(self, **changes: Any) -> ScanPlan:
        values: dict[str, Any] = {
            "start": datetime.now(UTC) + timedelta(seconds=1.2),
            "length": 60.0,
            "number": 2,
            "ready_the_fpga": lambda: self.phases.append("reset"),
            "arm": lambda: self.phases.append("arm"),
            "disarm": lambda: self.phases.append("disarm"),
        }
        return ScanPlan(**(values | changes))

    def report(self) -> dict[str, Any]:
        """Outcome of the last start."""
        report = self.reports.get(None)
        assert report is not None
        self.control.look_into(report)
        return report.as_dict()

    def start(
        self,
        until: ScanState,
        two_phase: bool = False,
        start_id: str = "ours",
        banks: tuple[str, ...] = (),
        **changes: Any,
    ) -> None:
        """Start in a thread; return when the state is reached."""
        request = StartRequest(
            id=start_id or "made up",
            by="ann",
            is_named=bool(start_id),
            two_phase=two_phase,
            banks=banks,
        )

        def run() -> None:
            try:
                self.outcome.append(
                    self.control.start(
                        request,
                        lambda: self.plan(**changes),
                        self.handle,
                        lambda _: True,
                        5.0,
                        lambda: self.taken.append(self.control.state),
                    )
                )
            except Exception as error:
                self.outcome.append(error)

        self._thread = threading.Thread(target=run)
        self._thread.start()
        end = time.monotonic() + 10
        while self.control.state is not until and time.monotonic() < end:
            time.sleep(0.005)
        assert self.control.state is until

    def join(self) -> object:
        """Report of the start."""
        assert self._thread is not None
        self._thread.join(10)
        return self.outcome[-1]


@pytest.fixture
def night() -> Iterator[Night]:
    with private_status() as status:
        made = Night(status)
        yield made
        made.program.deaf = False
        made.control.close("the test ends")
        if made._thread is not None:
            made.join()


def test_a_bank_is_reserved_until_the_state_refuses_others_and_no_longer(night: Night) -> None:
    night.start(ScanState.WAITING, start=datetime.now(UTC) + timedelta(seconds=60))
    assert night.taken == [
        ScanState.STARTING
    ]  # whoever is told that it has ended can start at once
    with pytest.raises(RefusedError, match="has been started already"):
        night.control.start(StartRequest(id="2", by="bob"), night.plan, night.handle, bool, 5.0)
    night.control.stop()


def test_each_state_of_a_scan_is_told_and_that_it_is_over_with_its_report(night: Night) -> None:
    night.start(ScanState.RUNNING, length=0.1)
    night.join()
    with night.control._changed:
        night.control._await_idle("the scan")
    states = [told["state"] for told in night.told]
    assert list(dict.fromkeys(states)) == ["starting", "waiting", "running", "ending", "idle"]
    assert [told["is_over"] for told in night.told] == [False] * (len(states) - 1) + [True]
    assert (night.told[0]["scan"], night.told[-1]["scan"]) == (None, 2)
    fractions = [told["fraction"] for told in night.told if told["fraction"] is not None]
    assert fractions == sorted(fractions)
    assert night.told[-1] == {"state": "idle", "is_over": True, "fraction": 1.0} | night.report()


def test_a_scan_that_was_taken_back_or_stopped_is_over_and_says_how_far_it_came(
    night: Night,
) -> None:
    night.start(ScanState.WAITING, start=datetime.now(UTC) + timedelta(seconds=60))
    night.control.stop("bob")
    night.join()
    last = night.told[-1]
    assert (last["is_over"], last["fraction"], last["outcome"]) == (True, None, "aborted")
    night.handle = OperationHandle(
        OperationRecord(id="2", method="start", state=OperationState.RUNNING)
    )
    night.start(ScanState.RUNNING)
    assert not night.told[-1]["is_over"]
    night.control.stop("bob")
    last = night.told[-1]
    assert (last["is_over"], last["outcome"], last["ended_by"]) == (True, "stopped", "bob")
    assert 0 <= last["fraction"] < 0.5
    count = len(night.told)
    night.control.close("another mode")
    assert len(night.told) == count


def test_stop_says_that_it_ended_a_start_even_if_the_abort_was_faster(night: Night) -> None:
    night.start(ScanState.WAITING, start=datetime.now(UTC) + timedelta(seconds=60))
    night.handle.abort("stop was called", by="bob", method="stop")
    assert isinstance(night.join(), OperationAbortedError)
    assert night.control.state is ScanState.IDLE
    assert night.control.stop() == "Scan ended"
    with pytest.raises(RefusedError, match="No scan running!"):
        night.control.stop()


def test_stop_reaches_a_start_whose_program_is_not_there_yet(night: Night) -> None:
    night.program.unready = True
    night.start(ScanState.STARTING)
    assert night.control.stop() == "Scan ended"
    assert isinstance(night.join(), OperationAbortedError)
    report = night.report()
    assert (report["outcome"], report["scan"], report["start"]) == ("aborted", None, None)
    assert report.keys() == NO_REPORT.keys()


@pytest.mark.parametrize("state", [ScanState.ARMED, ScanState.WAITING, ScanState.RUNNING])
def test_stop_ends_a_scan_in_every_state_and_the_next_one_runs(
    night: Night, state: ScanState
) -> None:
    late = datetime.now(UTC) + timedelta(seconds=1.2 if state is ScanState.RUNNING else 60)
    night.start(state, start=late, two_phase=state is ScanState.ARMED)
    assert night.control.stop() == "Scan ended"
    night.join()
    assert night.control.state is ScanState.IDLE
    assert night.phases == (["reset", "arm", "disarm"] if state is ScanState.RUNNING else ["reset"])
    night.handle = OperationHandle(
        OperationRecord(id="2", method="start", state=OperationState.RUNNING)
    )
    night.start(ScanState.RUNNING)
    assert night.report()["outcome"] == "running"


def test_an_fpga_that_was_armed_for_a_cancelled_start_is_disarmed(night: Night) -> None:
    armed = threading.Event()

    def arm() -> None:
        armed.set()
        time.sleep(0.2)

    night.start(ScanState.WAITING, arm=arm)
    assert armed.wait(10)
    assert night.control.stop() == "Scan ended"
    assert night.phases == ["reset", "disarm"]


def test_a_program_that_does_not_stop_is_told_to_the_caller(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectrometer.observing.scanending.STOP_WITHIN_S", 0.2)
    night.start(ScanState.RUNNING)
    night.join()
    night.program.deaf = True
    with pytest.raises(
        ScanError, match=r"program did not end the scan within 0.2 s; it is ended and started anew"
    ):
        night.control.stop()
    assert night.control.state is ScanState.IDLE
    assert night.report()["outcome"] == "failed"


def test_a_program_that_ends_with_its_mode_is_not_started_again(night: Night) -> None:
    night.start(ScanState.RUNNING)
    night.join()
    night.program.on_stop = lambda: (
        night.control.step() and None
    )  # the scan's thread, at the worst moment
    night.control.close("another mode")
    assert night.program.starts == 1
    assert night.report()["error"] == "another mode"


def test_a_scan_ends_even_if_the_status_memory_cannot_be_had(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.start(ScanState.RUNNING, length=0.1)
    night.join()

    def locked(_values: object) -> None:
        raise StatusLockError("/night", 4.0)

    with monkeypatch.context() as patch:
        patch.setattr(night.status, "update", locked)
        night.program.deaf = True
        end = time.monotonic() + 10
        while night.control.state is not ScanState.IDLE and time.monotonic() < end:
            patch.setattr("spectrometer.observing.scanending.STOP_WITHIN_S", 0.1)
            time.sleep(0.05)
    assert night.control.state is ScanState.IDLE
    assert night.program.words[-1] == "STOP"
    assert "disarm" in night.phases


def test_a_monitor_that_cannot_run_says_why(night: Night) -> None:
    night.program.error = "the recording is too short"
    with pytest.raises(ScanError, match="program: the recording is too short"):
        night.control.monitor(5.0)
    assert night.control.state is ScanState.IDLE
    night.program.error = ""
    night.control.monitor(5.0)
    assert night.control.state is ScanState.MONITOR
    assert night.control.stop() == "Ending monitor mode."


def test_a_report_does_not_tell_what_the_scan_before_has_found(night: Night) -> None:
    night.status.update({"DAQFITS": "old.fits", "DAQPEAK": 7, "DAQNINT": 3})
    night.start(ScanState.RUNNING)
    report = night.report()
    assert [report[name] for name in ("file", "peak_channel", "integrations")] == [None, None, None]


@pytest.mark.parametrize("step", [3600.0, -3600.0])
@pytest.mark.parametrize("state", [ScanState.ARMED, ScanState.WAITING, ScanState.RUNNING])
def test_a_step_of_the_hosts_clock_changes_neither_start_nor_length_and_is_told(
    night: Night, state: ScanState, step: float
) -> None:
    start = datetime.now(UTC) + timedelta(seconds=1.2 if state is ScanState.RUNNING else 1.8)
    begun = time.monotonic()
    night.start(state, start=start, length=0.4, two_phase=state is ScanState.ARMED)
    night.clock.step = step
    if state is ScanState.ARMED:
        night.control.commit(start, "ours")
    until(lambda: night.report()["outcome"] == "done")
    assert time.monotonic() - begun > 1.2
    assert f"the host's clock was set by {step:+.2f} s" in night.report()["warning"]
    assert night.status.get("DAQSTART") == pytest.approx(start.timestamp())


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_end_that_a_program_reports_is_seen_at_once(night: Night) -> None:
    night.start(ScanState.RUNNING, start=datetime.now(UTC) + timedelta(seconds=1), length=0.2)
    night.status.update({"DAQPLAN": 3, "DAQNINT": 3})
    until(lambda: night.control._time.left(time.monotonic()) < -0.2)
    assert night.control.state is ScanState.RUNNING  # it may still catch up
    night.status.update({"SCANSTAT": "stopped"})
    until(lambda: night.control.state is ScanState.IDLE)
    report = night.report()
    assert (report["outcome"], report["warning"]) == ("done", "")


def test_what_is_lost_is_the_outcome_in_report_and_log(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    night.start(ScanState.RUNNING, start=datetime.now(UTC) + timedelta(seconds=1), length=0.2)
    night.status.update({"DAQPLAN": 3, "DAQNINT": 2, "DAQDROP": 0.5, "SCANSTAT": "stopped"})
    until(lambda: night.control.state is ScanState.IDLE)
    assert night.report()["outcome"] == "incomplete"
    until(lambda: "scan 2: incomplete" in caplog.text)
    levels = {record.getMessage(): record.levelname for record in caplog.records}
    assert levels["scan 2: 2 of 3 integrations recorded"] == "WARNING"
    assert levels["scan 2: incomplete, 2 integrations of 3"] == "WARNING"


def test_a_start_is_taken_back_by_its_own_identity_only(night: Night) -> None:
    night.start(ScanState.WAITING, start=datetime.now(UTC) + timedelta(seconds=60))
    assert night.control.take_back("another's", "bob") == ""
    assert night.control.take_back(None, "bob") == ""
    assert night.control.take_back("ours", "bob") == "Start taken back"
    assert isinstance(night.join(), OperationAbortedError)
    report = night.report()
    assert (report["outcome"], report["error"], report["ended_by"]) == (
        "aborted",
        "taken back by bob",
        "bob",
    )


def test_a_scan_that_runs_is_taken_back_by_its_identity_too(night: Night) -> None:
    night.start(ScanState.RUNNING)
    assert night.control.take_back("another's", "bob") == ""
    assert night.control.state is ScanState.RUNNING
    assert night.control.take_back("ours", "bob") == "Scan taken back"
    report = night.report()
    assert (report["outcome"], report["error"]) == ("aborted", "taken back by bob")


def test_a_start_that_fails_gives_its_number_back(night: Night) -> None:
    given_back: list[int] = []
    night.program.error = "no such source"
    night.start(ScanState.IDLE, give_back=lambda: given_back.append(2))
    assert isinstance(night.join(), ScanError)
    assert given_back == [2]
    assert night.report()["outcome"] == "failed"


def test_netstat_blocked_throughout_is_no_scan(night: Night) -> None:
    night.start(ScanState.RUNNING, start=datetime.now(UTC) + timedelta(seconds=1), length=0.3)
    night.status.update({"NETSTAT": "blocked"})
    until(lambda: night.control.state is ScanState.IDLE)
    assert night.report()["error"] == "no data came; NETSTAT was blocked throughout the scan"


def test_an_abort_that_is_no_stop_owes_no_stop_an_answer(night: Night) -> None:
    night.start(ScanState.WAITING, start=datetime.now(UTC) + timedelta(seconds=60))
    night.handle.abort("aborted by ann", by="ann")
    night.join()
    assert night.report()["ended_by"] == "ann"
    with pytest.raises(RefusedError, match="No scan running!"):
        night.control.stop("bob, an hour later")
    assert night.report()["ended_by"] == "ann"


def test_a_start_that_a_stop_aborts_was_ended_by_its_caller_whoever_is_faster(night: Night) -> None:
    for number in range(20):
        night.handle = OperationHandle(
            OperationRecord(id=str(number), method="start", state=OperationState.RUNNING)
        )
        night.start(ScanState.WAITING, start=datetime.now(UTC) + timedelta(seconds=60))
        hooks = night.handle.ask_to_end("stop was called by bob", by="bob", method="stop")
        aborting = threading.Thread(target=night.handle.run_hooks, args=(hooks,))
        aborting.start()
        aborting.join()
        assert night.control.stop("bob") == "Scan ended"
        night.join()
        assert night.report()["ended_by"] == "bob"


def test_a_start_that_fails_has_no_data_of_the_scan_before(night: Night) -> None:
    night.status.update({"DAQFITS": "OLD.fits", "DAQNINT": 12, "DAQPLAN": 12})

    def refuse() -> ScanPlan:
        night.report()  # somebody asks meanwhile
        raise ScanError("the board does not answer")

    with pytest.raises(ScanError):
        night.control.begin(StartRequest(id="x", by="ann"), refuse, night.handle, 5.0)
    report = night.report()
    assert (report["outcome"], report["file"], report["integrations"]) == ("failed", None, None)


def test_a_program_that_ends_while_a_start_waits_is_started_anew_and_told(night: Night) -> None:
    night.start(ScanState.WAITING, start=datetime.now(UTC) + timedelta(seconds=60))
    night.program.is_running = False
    until(lambda: night.program.starts == 2 and night.program.words[-1] == "START")
    assert night.report()["outcome"] == "waiting"
    assert "program ended while the start waited, and was started anew" in night.report()["warning"]
    night.control.stop("ann")


def test_a_program_that_ends_while_nothing_is_asked_of_it_is_started_anew_and_not_again_and_again(
    night: Night,
) -> None:
    night.control.tick()
    assert night.program.starts == 0  # it was not started yet, so it has not ended
    night.program.start()
    night.control.tick()
    assert night.program.starts == 1
    for _ in range(3):
        night.program.stop()
        night.control.tick()
    assert night.program.starts == 2


def test_a_program_that_ends_right_before_the_start_fails_it_before_the_start(night: Night) -> None:
    start = datetime.now(UTC) + timedelta(seconds=4)
    night.start(ScanState.WAITING, start=start)
    night.program.is_running = False
    assert isinstance(night.join(), ScanError)
    assert datetime.now(UTC) < start
    assert night.report()["error"] == "program ended while the start waited"


def test_a_monitor_whose_program_hangs_says_so(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectrometer.daq.programs.DEAF_AFTER_S", 0.2)
    monkeypatch.setattr("spectrometer.observing.monitormode.WITHIN_S", 0.1)
    night.status.update({"DAQPULSE": "12:00:00"})
    night.program.on_start = lambda: night.status.update({"DAQPULSE": "12:00:00"})
    night.program.deaf = True
    with pytest.raises(ScanError, match="program hangs and was started anew; call monitor again"):
        night.control.monitor(5.0)
    assert (night.control.state, night.program.starts) == (ScanState.IDLE, 2)


def test_a_start_without_a_thread_fails_and_leaves_the_bank_free(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Thread.start

    def none_for_scans(thread: threading.Thread) -> None:
        if thread.name.startswith("scan "):
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", none_for_scans)
    night.start(ScanState.IDLE)
    assert isinstance(night.join(), ScanError)
    assert night.report()["outcome"] == "failed"
    assert not night.control.scanning


def test_an_armed_start_whose_dealer_died_is_given_up_long_before_the_start(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectrometer.observing.scan.COMMIT_WITHIN_S", 0.2)
    night.start(ScanState.ARMED, two_phase=True, start=datetime.now(UTC) + timedelta(days=2))
    assert isinstance(night.join(), ScanError)
    assert "was not committed in time" in night.report()["error"]


def test_without_an_identity_only_ones_own_start_is_taken_back_and_no_scan(night: Night) -> None:
    night.start(ScanState.WAITING, start_id="", start=datetime.now(UTC) + timedelta(seconds=60))
    assert night.control.take_back(None, "bob") == ""
    assert night.control.take_back(None, "ann") == "Start taken back"
    night.join()
    night.handle = OperationHandle(
        OperationRecord(id="2", method="start", state=OperationState.RUNNING)
    )
    night.start(ScanState.RUNNING, start_id="")
    assert night.control.take_back(None, "ann") == ""
    assert night.control.state is ScanState.RUNNING


def test_only_banks_of_the_start_can_be_missing(night: Night) -> None:
    night.start(ScanState.RUNNING, banks=("BANKA", "BANKB"))
    assert night.control.confirm("ours", [f"BANK{n}" for n in range(1000)])
    assert night.report()["is_whole"]
    assert night.control.confirm("ours", ["BANKB", "BANKZ"])
    assert night.status.get("ARRAYST") == "without BANKB"
    assert not night.control.confirm("another's", [])
