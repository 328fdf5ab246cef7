"""The states of a Bank's data taking, with a program that is a piece of the test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from support.clocks import LEAST_S
from support.memory import private_status
from support.scan_control import Night

from spectrometer.errors import ScanError
from spectrometer.observing.scanplan import ScanPlan, StartRequest
from spectrometer.observing.scanreport import NO_REPORT
from spectrometer.observing.scanstate import ScanState
from spectrometer.status.errors import StatusLockError
from zmqjsonproxy.errors import OperationAbortedError, RefusedError


@pytest.fixture
def night() -> Iterator[Night]:
    with private_status() as status:
        made = Night(status)
        yield made
        made.program.deaf = False
        made.control._cancel_because("the test ends")
        made.control.step()
        made.control.close("the test ends")


def test_a_bank_is_reserved_until_the_state_refuses_others_and_no_longer(night: Night) -> None:
    night.start(ScanState.WAITING, start=night.at(60))
    assert night.taken == [
        ScanState.STARTING
    ]  # whoever is told that it has ended can start at once
    with pytest.raises(RefusedError, match="has been started already"):
        night.control.begin(StartRequest(id="2", by="bob"), night.plan, night.handle, 5.0)


def test_each_state_of_a_scan_is_told_and_that_it_is_over_with_its_report(night: Night) -> None:
    night.start(ScanState.RUNNING, length=0.1)
    night.go_on_to_the_end()
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
    night.start(ScanState.WAITING, start=night.at(60))
    assert night.call(night.control.stop, "bob") == "Scan ended"
    last = night.told[-1]
    assert (last["is_over"], last["fraction"], last["outcome"]) == (True, None, "aborted")
    night.new_handle()
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
    night.start(ScanState.WAITING, start=night.at(60))
    night.handle.abort("stop was called", by="bob", method="stop")
    night.go_on_to_the_end()
    assert night.control.state is ScanState.IDLE
    assert night.control.stop() == "Scan ended"
    with pytest.raises(RefusedError, match="No scan running!"):
        night.control.stop()


def test_stop_reaches_a_start_whose_program_is_not_there_yet(night: Night) -> None:
    night.program.unready = True
    with ThreadPoolExecutor(1) as pool:
        stops: list[Future[str]] = []

        def stop() -> None:
            stops.append(pool.submit(night.control.stop))
            night.clock.on_wait = lambda: None
            assert night.control._cancel.wait(30.0)

        night.clock.on_wait = stop
        with pytest.raises(OperationAbortedError):
            night.start(ScanState.WAITING)
        assert [each.result() for each in stops] == ["Scan ended"]
    report = night.report()
    assert (report["outcome"], report["scan"], report["start"]) == ("aborted", None, None)
    assert report.keys() == NO_REPORT.keys()


@pytest.mark.parametrize("state", [ScanState.ARMED, ScanState.WAITING, ScanState.RUNNING])
def test_stop_ends_a_scan_in_every_state_and_the_next_one_runs(
    night: Night, state: ScanState
) -> None:
    late = night.at(1.2 if state is ScanState.RUNNING else 60)
    night.start(state, start=late, two_phase=state is ScanState.ARMED)
    stop = night.control.stop
    assert (stop() if state is ScanState.RUNNING else night.call(stop)) == "Scan ended"
    assert night.control.state is ScanState.IDLE
    assert night.phases == (["reset", "arm", "disarm"] if state is ScanState.RUNNING else ["reset"])
    night.new_handle()
    night.start(ScanState.RUNNING)
    assert night.report()["outcome"] == "running"


def test_an_fpga_that_was_armed_for_a_cancelled_start_is_disarmed(night: Night) -> None:
    def arm() -> None:
        night.handle.abort("stop was called", by="bob", method="stop")

    night.start(ScanState.IDLE, arm=arm)
    assert night.control.stop() == "Scan ended"
    assert night.phases == ["reset", "disarm"]


def test_a_program_that_does_not_stop_is_told_to_the_caller(
    night: Night,
) -> None:
    night.start(ScanState.RUNNING)
    night.program.deaf = True
    with pytest.raises(
        ScanError, match=r"program did not end the scan within 5 s; it is ended and started anew"
    ):
        night.control.stop()
    assert night.control.state is ScanState.IDLE
    assert night.report()["outcome"] == "failed"


def test_a_program_that_ends_with_its_mode_is_not_started_again(night: Night) -> None:
    night.start(ScanState.RUNNING)
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

    def locked(_values: object) -> None:
        raise StatusLockError("/night", 4.0)

    with monkeypatch.context() as patch:
        patch.setattr(night.status, "update", locked)
        night.program.deaf = True
        night.go_on_to_the_end()
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
    start = night.at(1.2 if state is ScanState.RUNNING else 1.8)
    end = night.clock.now + (start.timestamp() - night.clock.time()) + 0.4
    night.start(state, start=start, length=0.4, two_phase=state is ScanState.ARMED)
    night.clock.set_by = step
    if state is ScanState.ARMED:
        night.control.commit(start, "ours")
    night.go_on_to_the_end()
    assert night.report()["outcome"] == "done"
    assert end <= night.clock.now < end + 10
    assert f"the host's clock was set by {step:+.2f} s" in night.report()["warning"]
    assert night.status.get("DAQSTART") == pytest.approx(start.timestamp())


def test_the_end_that_a_program_reports_is_seen_at_once(night: Night) -> None:
    night.start(ScanState.RUNNING, start=night.at(1), length=0.2)
    night.status.update({"DAQPLAN": 3, "DAQNINT": 3})
    while night.control._time.left(night.clock.now) >= -0.2:
        night.clock.now += max(night.control.step() or 0.0, LEAST_S)
    assert night.control.state is ScanState.RUNNING  # it may still catch up
    night.status.update({"SCANSTAT": "stopped"})
    night.go_on_to_the_end()
    report = night.report()
    assert (report["outcome"], report["warning"]) == ("done", "")


def test_what_is_lost_is_the_outcome_in_report_and_log(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    night.start(ScanState.RUNNING, start=night.at(1), length=0.2)
    night.status.update({"DAQPLAN": 3, "DAQNINT": 2, "DAQDROP": 0.5, "SCANSTAT": "stopped"})
    night.go_on_to_the_end()
    assert night.report()["outcome"] == "incomplete"
    levels = {record.getMessage(): record.levelname for record in caplog.records}
    assert levels["scan 2: 2 of 3 integrations recorded"] == "WARNING"
    assert levels["scan 2: incomplete, 2 integrations of 3"] == "WARNING"


def test_a_start_is_taken_back_by_its_own_identity_only(night: Night) -> None:
    night.start(ScanState.WAITING, start=night.at(60))
    assert night.control.take_back("another's", "bob") == ""
    assert night.control.take_back(None, "bob") == ""
    assert night.call(night.control.take_back, "ours", "bob") == "Start taken back"
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
    with pytest.raises(ScanError, match="no such source"):
        night.start(ScanState.WAITING, number=3, give_back=lambda: given_back.append(3))
    assert given_back == [3]
    assert night.report()["outcome"] == "failed"


def test_netstat_blocked_throughout_is_no_scan(night: Night) -> None:
    night.start(ScanState.RUNNING, start=night.at(1), length=0.3)
    night.status.update({"NETSTAT": "blocked"})
    night.go_on_to_the_end()
    assert night.report()["error"] == "no data came; NETSTAT was blocked throughout the scan"


def test_an_abort_that_is_no_stop_owes_no_stop_an_answer(night: Night) -> None:
    night.start(ScanState.WAITING, start=night.at(60))
    night.handle.abort("aborted by ann", by="ann")
    night.go_on_to_the_end()
    assert night.report()["ended_by"] == "ann"
    with pytest.raises(RefusedError, match="No scan running!"):
        night.control.stop("bob, an hour later")
    assert night.report()["ended_by"] == "ann"


@pytest.mark.parametrize("faster", ["the scan", "stop"])
def test_a_start_that_a_stop_aborts_was_ended_by_its_caller_whoever_is_faster(
    night: Night, faster: str
) -> None:
    night.start(ScanState.WAITING, start=night.at(60))
    hooks = night.handle.ask_to_end("stop was called by bob", by="bob", method="stop")
    night.handle.run_hooks(hooks)
    if faster == "the scan":
        night.control.step()
        assert night.control.stop("bob") == "Scan ended"
    else:
        assert night.call(night.control.stop, "bob") == "Scan ended"
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
    night.start(ScanState.WAITING, start=night.at(60))
    night.program.is_running = False
    night.control.step()
    assert (night.program.starts, night.program.words[-1]) == (2, "START")
    assert night.report()["outcome"] == "waiting"
    assert "program ended while the start waited, and was started anew" in night.report()["warning"]


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
    start = night.at(4)
    night.start(ScanState.WAITING, start=start)
    night.program.is_running = False
    night.go_on_to_the_end()
    assert night.clock.time() < start.timestamp()
    assert night.report()["error"] == "program ended while the start waited"


def test_a_monitor_whose_program_hangs_says_so(
    night: Night,
) -> None:
    night.status.update({"DAQPULSE": "12:00:00"})
    night.program.on_start = lambda: night.status.update({"DAQPULSE": "12:00:00"})
    night.program.deaf = True
    with pytest.raises(ScanError, match="program hangs and was started anew; call monitor again"):
        night.control.monitor(5.0)
    assert (night.control.state, night.program.starts) == (ScanState.IDLE, 2)


def test_an_armed_start_whose_dealer_died_is_given_up_long_before_the_start(
    night: Night,
) -> None:
    night.start(ScanState.ARMED, two_phase=True, start=night.at(2 * 86_400))
    night.go_on_to_the_end()
    assert "was not committed in time" in night.report()["error"]
    assert night.clock.now < 100


def test_without_an_identity_only_ones_own_start_is_taken_back_and_no_scan(night: Night) -> None:
    night.start(ScanState.WAITING, start_id="", start=night.at(60))
    assert night.control.take_back(None, "bob") == ""
    assert night.call(night.control.take_back, None, "ann") == "Start taken back"
    night.new_handle()
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
