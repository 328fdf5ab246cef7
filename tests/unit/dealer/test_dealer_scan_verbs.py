"""Starts and waits for scans by a Dealer whose servers are fakes that answer at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.fake_hub import FakeDealer, FakeServer

from dealer import PlayersError, ScanFailedError, StartError
from dealer.start import as_list
from zmqjsonproxy.errors import PeerLostError, RefusedError, RemoteError

TAKES = {
    "arm": ["time", "start_id", "together"],
    "commit": ["time", "start_id"],
    "disarm_start": ["start_id"],
    "scan_report": ["start_id"],
}
LATE = RemoteError("StartTimeError", "too late")


def soon() -> list[Any]:
    return [True, as_list(datetime.now(UTC) + timedelta(seconds=5))]


def bank(**answers: Any) -> FakeServer:
    """A native Bank that has two-phase starts, and reports; its clock is right."""
    known = {
        "earliest_start": soon,
        "start": [True, "started"],
        "arm": [True, "armed"],
        "commit": [True, "committed"],
        "disarm_start": [True, "disarmed"],
        "confirm_start": [True, "confirmed"],
        "scan_status": [True, "NETSTAT=running", "DISKSTAT=running"],
        "scan_report": {"start_id": "", "scan": 1, "outcome": "done"},
        "rpc.ping": lambda: {"time": time.time()},
    }
    return FakeServer({**known, **answers}, dict(TAKES))


def original(**answers: Any) -> FakeServer:
    """A Bank of the original."""
    known = {
        "earliest_start": soon,
        "start": [True, "started"],
        "stop": [True, "stopped"],
        "scan_status": [False, "NETSTAT=waiting", "DISKSTAT=waiting"],
    }
    return FakeServer({**known, **answers}, native=False)


# starts


def test_the_earliest_start_is_that_of_the_slowest() -> None:
    late = datetime(2030, 3, 4, 12, 0, 9, tzinfo=UTC)
    early = [True, as_list(late - timedelta(seconds=7))]
    with FakeDealer(
        A=bank(earliest_start=early), B=original(earliest_start=[True, as_list(late)])
    ) as d:
        assert d.earliest_start() == late
    with (
        FakeDealer(A=bank(), B=bank(earliest_start=RefusedError("no mode"))) as d,
        pytest.raises(StartError, match="not all Banks are ready"),
    ):
        d.earliest_start()


def test_banks_are_started_by_what_they_understand() -> None:
    unnamed = bank()
    unnamed.takes = {}
    with FakeDealer(A=bank(), B=unnamed, C=original()) as d:
        found = d.start()
        assert found == {"A": (True, "armed"), "B": (True, "armed"), "C": (True, "started")}
        assert d.asked() == [
            ("earliest_start", "A B C"),
            ("rpc.ping", "A B"),
            ("arm", "A"),
            ("arm", "B"),
            ("commit", "A"),
            ("commit", "B"),
            ("start", "C"),
            ("confirm_start", "A"),
        ]


def test_a_start_at_a_given_time_is_refused_if_it_is_too_early_or_no_time() -> None:
    with FakeDealer(A=bank()) as d:
        with pytest.raises(StartError, match="too early"):
            d.start(datetime.now(UTC))
        with pytest.raises(ValueError, match="no time zone"):
            d.start(datetime(2030, 1, 1))
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60)
        assert d.start(at)["A"] == (True, "armed")
        assert d.hub.args[0] == as_list(at)


def test_a_negotiated_time_that_came_late_is_negotiated_once_more() -> None:
    refusals = [LATE]
    slow = bank(arm=lambda *_args: refusals.pop() if refusals else [True, "armed"])
    with FakeDealer(A=bank(), B=slow) as d:
        assert list(d.start()) == ["A", "B"]
        assert [method for method, _ in d.asked()].count("earliest_start") == 2
        refusals += [LATE, LATE]
        with pytest.raises(StartError, match="too late"):
            d.start()
        refusals += [LATE]
        with pytest.raises(StartError, match="too late"):
            d.start(datetime.now(UTC) + timedelta(seconds=60))
    with (
        FakeDealer(A=bank(arm=RefusedError("no mode"))) as d,
        pytest.raises(StartError, match="no mode"),
    ):
        d.start()


@pytest.mark.parametrize("ahead", [0.0, 0.5, 3.0, None])
def test_clocks_are_compared(ahead: float | None, caplog: pytest.LogCaptureFixture) -> None:
    ping = PeerLostError("tcp://a:1", "rpc.ping", "gone")
    wrong: Any = ping if ahead is None else lambda: {"time": time.time() + ahead}
    with FakeDealer(A=bank(**{"rpc.ping": wrong}), B=original()) as d:
        if ahead == 3.0:
            with pytest.raises(StartError, match=r"A is [23]\.\d+ s ahead .* the limit is 1 s"):
                d.start()
        else:
            d.start()
    assert ("ahead of that of" in caplog.text) == (ahead == 0.5)


def test_clocks_of_the_original_are_not_compared() -> None:
    with FakeDealer(A=original()) as d:
        d.start()
        assert [method for method, _ in d.asked()] == ["earliest_start", "start"]


@pytest.mark.parametrize(
    "method", ["earliest_start", "rpc.ping", "arm", "commit", "start", "confirm_start"]
)
def test_ctrl_c_in_any_call_takes_back_what_was_armed(method: str) -> None:
    def interrupted(*_args: Any) -> Any:
        raise KeyboardInterrupt

    banks = {"A": bank(), "B": bank(), "C": original()}
    banks["C" if method == "start" else "B"].answers[method] = interrupted
    with FakeDealer(**banks) as d:
        with pytest.raises(KeyboardInterrupt):
            d.start()
        asked = d.asked()
        assert asked[-1][0] == {"start": "stop", "confirm_start": "stop"}.get(
            method, method if method in ("earliest_start", "rpc.ping") else "disarm_start"
        )
        assert (("disarm_start", "A B") in asked) == (method not in ("earliest_start", "rpc.ping"))
        assert d._last_start is None


# waits


def reports(*outcomes: dict[str, Any]) -> Any:
    """Answer with one after the other, and with the last from then on; with the identity asked
    for."""
    left = list(outcomes)

    def answer(start_id: str = "") -> Any:
        found = left.pop(0) if len(left) > 1 else left[0]
        return found if not isinstance(found, dict) else {"start_id": start_id, "scan": 1, **found}

    return answer


RUNNING, DONE = {"outcome": "running"}, {"outcome": "done"}


def test_a_wait_ends_with_the_last_scan_and_says_how_it_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    looks: list[Any] = []
    with FakeDealer(
        A=bank(scan_report=reports(RUNNING, RUNNING, RUNNING, DONE)),
        B=bank(scan_report=reports(RUNNING, DONE)),
    ) as d:
        d.wait_for_scan(verbose=True, every=3.0, progress=looks.append)
        assert [list(look) for look in looks] == [["A", "B"], ["A", "B"], ["A"], ["A"]]
        assert d.hub.paused == [3.0] * 3
    lines = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()]
    state = "NETSTAT=running DISKSTAT=running"
    assert lines == [
        f"A B running {state}",
        f"A running {state}; B done {state}",
        f"A running {state}",
        f"A done {state}",
    ]


def test_a_first_wait_is_for_the_scan_of_the_start_and_asks_by_its_identity() -> None:
    asked: list[str] = []

    def report(start_id: str = "") -> dict[str, Any]:
        asked.append(start_id)
        return {"start_id": start_id, "scan": 1, "outcome": "done"}

    with FakeDealer(A=bank(scan_report=report), B=original()) as d:
        d.start()
        assert d._last_start is not None
        identity = d._last_start.id
        assert d.scan_reports()["A"].value["start_id"] == identity
        d.wait_for_scan()
        d.wait_for_scan()
        assert asked == [identity, identity, ""]
        d.remove_active_player("A")
        assert d.scan_reports() == {}


def test_a_bank_whose_reports_know_no_identity_is_asked_without_one() -> None:
    old = bank(scan_report=reports(DONE))
    old.takes = {}
    with FakeDealer(A=old) as d:
        d.wait_for_scan()
        assert list(d.hub.args) == []


def test_a_bank_without_reports_ends_when_nothing_runs() -> None:
    states = [[True, "N", "D"], [False, "N", "D"]]
    with FakeDealer(A=original(scan_status=lambda: states.pop(0))) as d:
        d.wait_for_scan()
        assert states == []


def test_those_that_go_on_are_told_who_has_failed_and_the_end_names_them() -> None:
    failed = {"outcome": "failed", "error": "disk full"}
    with FakeDealer(
        A=bank(scan_report=reports(RUNNING, RUNNING, {"outcome": "incomplete", "warning": "2/5"})),
        B=bank(scan_report=reports(RUNNING, failed)),
    ) as d:
        d.start()
        d.asked()
        with pytest.raises(PlayersError, match=r"A: scan 1 is incomplete: 2/5") as caught:
            d.wait_for_scan()
        error = caught.value.failed["B"].error
        assert isinstance(error, ScanFailedError)
        assert ("confirm_start", "A") in d.asked()
    with FakeDealer(A=bank(scan_report=reports(failed)), B=bank(scan_report=reports(DONE))) as d:
        with pytest.raises(PlayersError, match="disk full"):
            d.wait_for_scan()
        assert "confirm_start" not in [method for method, _ in d.asked()]


def test_a_player_that_was_started_again_and_knows_nothing_has_failed() -> None:
    none = {"outcome": "none"}
    server = bank(scan_report=reports(none))
    with FakeDealer(A=server, B=bank(scan_report=reports(RUNNING, DONE))) as d:
        d.wait_for_scan()  # there was no scan to wait for
        d.start()
        server.answers["scan_report"] = reports(RUNNING, none)
        with pytest.raises(PlayersError, match="knows nothing of the scan any more"):
            d.wait_for_scan()


def test_a_native_bank_without_reports_that_is_another_process_has_failed() -> None:
    server = bank(scan_status=[True, "N", "D"])
    del server.answers["scan_report"]
    with FakeDealer(A=server) as d:
        d.hub.on_pause = lambda: setattr(server, "generation", 2)
        with pytest.raises(PlayersError, match="was started again in the middle"):
            d.wait_for_scan()


def test_a_player_that_does_not_answer_for_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dealer.scanwait.LOST_FOR_GOOD_S", 0.0)
    server = bank()
    with FakeDealer(A=server) as d:
        d.start()
        server.lost = PeerLostError("tcp://a:1", "bank.scan_status", "gone")
        with pytest.raises(PlayersError, match="gone"):
            d.wait_for_scan(verbose=True)
    assert "A PeerLostError" in capsys.readouterr().out


def test_the_time_to_wait_may_be_over_and_pauses_are_above_nothing() -> None:
    with FakeDealer(A=bank(scan_report=reports(RUNNING))) as d:
        with pytest.raises(TimeoutError, match="the scan goes on after 0 s: A"):
            d.wait_for_scan(timeout=0.0)
        with pytest.raises(ValueError, match="every is 0; expected more than 0 s"):
            d.wait_for_scan(every=0)
