"""Scans of several Players: all start at one second or none does; waiting for the last."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.dealers import Array, array_of, called, eventually, natives, originals
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_process import PlayerProcess

from dealer import NoActivePlayersError, PlayersError, StartError
from dealer.outcome import Outcome


@pytest.fixture(params=["native", "original", "mixed"])
def array(request: pytest.FixtureRequest) -> Iterator[Array]:
    """Two Players that can start: ours, the original's, or one of each. No test may end one."""
    number = {"native": 2, "original": 0, "mixed": 1}[request.param]
    players: list[PlayerProcess] = [*natives(number), *originals(2 - number, scan_length=0.0)]
    with array_of(*players) as array:
        yield array
        assert all(player.is_alive for player in array.players.values()), "a message ended a Player"


def test_all_start_at_one_second_and_the_wait_ends_with_the_last(array: Array) -> None:
    d = array.dealer
    asked = datetime.now(UTC)
    answers = d.start()
    assert list(answers) == ["BANKA", "BANKB"]
    seconds = set()
    for ok, text in answers.values():
        assert ok is True
        seconds.add(text[-25:])
    assert len(seconds) == 1
    second = datetime.fromisoformat(seconds.pop())
    assert second.microsecond == 0
    assert timedelta(0) < second - asked < timedelta(seconds=20)
    assert all(running for running, *_ in d.scan_status().values())
    seen: list[dict[str, Outcome]] = []
    d.wait_for_scan(every=0.1, progress=seen.append)
    assert datetime.now(UTC) > second
    assert not any(running for running, *_ in d.scan_status().values())
    assert list(seen[0]) == ["BANKA", "BANKB"]
    assert len(seen) > 2


def test_d9_a_time_that_is_too_early_is_an_error_and_nothing_starts(array: Array) -> None:
    with pytest.raises(StartError, match=r"is too early; all Banks can start at 20"):
        array.dealer.start(datetime.now(UTC))
    assert not any(running for running, *_ in array.dealer.scan_status().values())


def test_a_given_second_is_kept() -> None:
    with array_of(*natives(1), *originals(1)) as array:
        wanted = (datetime.now(UTC) + timedelta(seconds=4)).replace(microsecond=0)
        assert all(text.endswith(str(wanted)) for _, text in array.dealer.start(wanted).values())
        array.dealer.stop()


def test_a_wrong_kind_of_time_is_said_before_anybody_is_asked(tmp_path: Path) -> None:
    with array_of(OriginalPlayer(mode="MODE1", record=tmp_path / "record")) as array:
        for wrong, error in (
            ("soon", TypeError),
            (datetime(2050, 1, 1), ValueError),
            (1.5e9, TypeError),
        ):
            with pytest.raises(error, match="start: the time"):
                array.dealer.start(wrong)  # type: ignore[arg-type]
        assert not (tmp_path / "record").exists()


def test_earliest_start_is_the_latest_of_all_in_utc() -> None:
    times = {"2050-03-04T12:00:00": OriginalPlayer, "2050-03-04T12:00:07": OriginalPlayer}
    players = [kind(mode="MODE1", earliest_start=time) for time, kind in times.items()]
    with array_of(*players, *natives(1)) as array:
        assert array.dealer.earliest_start() == datetime(2050, 3, 4, 12, 0, 7, tzinfo=UTC)


def test_d5_players_that_are_not_ready_are_all_named() -> None:
    with array_of(NativePlayer(mode="MODE1"), NativePlayer(), OriginalPlayer()) as array:
        for ask in (array.dealer.earliest_start, array.dealer.start):
            with pytest.raises(
                StartError, match="not all Banks are ready: 2 of 3 Banks failed"
            ) as caught:
                ask()
            assert list(caught.value.failed) == ["BANKB", "BANKC"]
        assert array.journal("BANKA") == []
        array.dealer.remove_active_player("BANKA", "BANKB", "BANKC")
        with pytest.raises(NoActivePlayersError):
            array.dealer.start()


# all or none


def test_one_that_refuses_to_arm_disarms_the_others() -> None:
    with array_of(*natives(1), *natives(1, refuse=["arm"]), *natives(1)) as array:
        with pytest.raises(
            StartError, match="start: arm failed, so no Bank starts: 1 of 3"
        ) as caught:
            array.dealer.start()
        assert "BANKB: RefusedError: arm: refused, as told" in str(caught.value)
        assert array.journal("BANKA") == array.journal("BANKC") == ["armed", "disarmed"]
        assert array.journal("BANKB") == []


def test_one_that_dies_while_arming_disarms_the_others() -> None:
    with array_of(*natives(2), *natives(1, die=["arm"])) as array:
        with pytest.raises(StartError, match="BANKC: PeerLostError"):
            array.dealer.start()
        assert array.journal("BANKA") == array.journal("BANKB") == ["armed", "disarmed"]


def test_one_that_does_not_arm_in_time_starts_nobody() -> None:
    with array_of(*natives(1), *natives(1, slow=["arm=20"])) as array:
        with pytest.raises(StartError, match="BANKB: CallTimeoutError"):
            array.dealer.start()
        assert array.journal("BANKA") == ["armed", "disarmed"]
        assert array.journal("BANKB") == []


def test_one_that_refuses_to_commit_stops_the_others() -> None:
    with array_of(*natives(1), *natives(1, refuse=["commit"])) as array:
        with pytest.raises(StartError, match="commit failed"):
            array.dealer.start()
        assert array.journal("BANKA") == ["armed", "committed", "stopped"]
        assert not any(running for running, *_ in array.dealer.scan_status().values())


def test_one_whose_commit_is_lost_stops_the_others() -> None:
    with array_of(*natives(1), *natives(1, die=["commit"])) as array:
        with pytest.raises(StartError, match="BANKB: PeerLostError"):
            array.dealer.start()
        assert array.journal("BANKA") == ["armed", "committed", "stopped"]


def test_an_original_player_that_refuses_stops_all_that_accepted(tmp_path: Path) -> None:
    records = [tmp_path / "b", tmp_path / "c"]
    with array_of(
        *natives(1),
        *originals(1, record=records[0]),
        *originals(1, record=records[1], refuse=["start"]),
    ) as array:
        with pytest.raises(StartError, match="BANKC: RefusedError: start: refused, as told"):
            array.dealer.start()
        assert array.journal("BANKA") == ["armed", "committed", "stopped"]
        assert called(records[0])[-2:] == ["start", "stop"]
        assert called(records[1])[-1] == "start"
        assert array["BANKB"].is_alive
        assert not any(running for running, *_ in array.dealer.scan_status().values())


def test_an_original_player_that_dies_in_start_stops_all_others() -> None:
    with array_of(*originals(1), *originals(1, die=["start"])) as array:
        with pytest.raises(StartError, match="BANKB: PeerLostError"):
            array.dealer.start()
        assert array.dealer["BANKA"].scan_status()[0] is False


def test_an_original_player_is_not_started_if_a_native_one_refuses(tmp_path: Path) -> None:
    with array_of(*natives(1, refuse=["arm"]), *originals(1, record=tmp_path / "record")) as array:
        with pytest.raises(StartError):
            array.dealer.start()
        assert "start" not in called(tmp_path / "record")


# clocks


def test_clocks_that_are_apart_are_a_warning_that_names_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        array_of(*natives(1), *natives(1, skew=0.5, earliest_in=3)) as array,
        caplog.at_level(logging.WARNING),
    ):
        array.dealer.start()
        array.dealer.stop()
    assert len(caplog.records) == 1
    # A call that takes long leaves it uncertain by half of its time.
    told = re.search(r"the clock of BANKB is (\S+) s ahead of", caplog.text)
    assert told is not None
    assert float(told[1]) == pytest.approx(0.5, abs=0.4)
    assert "s ahead of that of" in caplog.text


@pytest.mark.parametrize(("skew", "named"), [(8.0, "BANKB"), (-8.0, "this Dealer|BANKA")])
def test_clocks_that_are_too_far_apart_refuse_the_start(skew: float, named: str) -> None:
    with array_of(*natives(1), *natives(1, skew=skew)) as array:
        with pytest.raises(
            StartError,
            match=rf"the clock of ({named}) is [78].* the limit is 1 s \(clocks_refuse_s\)",
        ):
            array.dealer.start()
        assert array.journal("BANKA") == array.journal("BANKB") == []
        array.dealer.clocks_refuse_s = 20.0
        when = array.dealer.earliest_start() + timedelta(seconds=12)
        assert all(ok for ok, _ in array.dealer.start(when).values())


def test_clocks_that_agree_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with array_of(*natives(2)) as array, caplog.at_level(logging.WARNING):
        array.dealer.start()
        array.dealer.stop()
    assert caplog.records == []


# waiting


def test_d7_the_wait_is_for_the_last_and_returns_soon_after_it() -> None:
    with array_of(*natives(1, scan_length=0.3), *natives(1, scan_length=1.2)) as array:
        array.dealer.start()
        looks: list[dict[str, Outcome]] = []
        array.dealer.wait_for_scan(every=0.1, progress=looks.append)
        assert list(looks[0]) == ["BANKA", "BANKB"]
        assert list(looks[-1]) == ["BANKB"]  # who has ended is not asked again
        assert array.dealer["BANKB"].scan_status()[0] is False


def test_without_a_scan_there_is_nothing_to_wait_for(array: Array) -> None:
    array.dealer.wait_for_scan()


def test_a_player_that_is_lost_meanwhile_is_reported_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dealer.scanwait.LOST_FOR_GOOD_S", 0.5)
    with array_of(*natives(1), *natives(1, scan_length=60.0)) as array:
        array.dealer.start()
        array["BANKB"].kill()
        with pytest.raises(
            PlayersError, match="wait_for_scan: 1 of 2 Banks failed\n  BANKB: PeerLostError"
        ):
            array.dealer.wait_for_scan(every=0.1)
        assert array.dealer["BANKA"].scan_status()[0] is False  # it was waited for all the same


def test_a_player_that_is_started_again_meanwhile_has_not_ended_its_scan() -> None:
    again: list[NativePlayer] = []
    with array_of(*natives(2, scan_length=1.0)) as array:
        array.dealer.start()

        def look(_outcomes: object) -> None:
            if not again:
                array["BANKB"].kill()
                again.append(NativePlayer(array["BANKB"].url, mode="MODE1"))

        try:
            with pytest.raises(
                PlayersError, match="1 of 2 Banks failed\n  BANKB: ScanFailedError: its Player was"
            ):
                array.dealer.wait_for_scan(every=0.1, progress=look)
        finally:
            for player in again:
                player.close()


def test_a_bank_that_fails_meanwhile_is_reported_at_the_end() -> None:
    with array_of(*natives(1), *natives(1, fail=["scan_status"])) as array:
        array.dealer.start()
        with pytest.raises(PlayersError, match="BANKB: ValueError: scan_status failed"):
            array.dealer.wait_for_scan(every=0.1)
        assert array.dealer["BANKA"].scan_status()[0] is False


def test_progress_is_printed_only_when_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with array_of(*natives(2, scan_length=0.2)) as array:
        array.dealer.start()
        array.dealer.wait_for_scan(every=0.1)
        assert capfd.readouterr() == ("", "")
        array.dealer.wait_for_scan(verbose=True)
    out, err = capfd.readouterr()
    assert err == ""
    assert "BANKA BANKB done NETSTAT=waiting DISKSTAT=waiting" in out


SCRIPT = """
import sys, dealer
d = dealer.Dealer({"BANKA": sys.argv[1]})
d.start()
print("started", flush=True)
try:
    d.wait_for_scan()
except KeyboardInterrupt:
    print("interrupted, scan is running:", d.scan_status()["BANKA"][0], flush=True)
"""


@pytest.mark.parametrize("kind", [NativePlayer, OriginalPlayer])
def test_d8_a_wait_is_interruptible_reads_no_terminal_and_leaves_the_scan_alone(
    kind: type[NativePlayer] | type[OriginalPlayer],
) -> None:
    master, terminal = os.openpty()
    with kind(mode="MODE1", scan_length=60, earliest_in=1.5) as player:
        script = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, player.url],
            stdin=terminal,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert script.stdout is not None
            assert script.stdout.readline() == "started\n"
            os.write(master, b"q\n")  # once left the wait of the original
            with pytest.raises(subprocess.TimeoutExpired):
                script.wait(0.7)
            script.send_signal(signal.SIGINT)
            out, _ = script.communicate(timeout=10)
            assert out == "interrupted, scan is running: True\n"
            assert script.returncode == 0
        finally:
            script.kill()
            script.communicate()
            os.close(master)
            os.close(terminal)
        assert player.is_alive


def test_without_standard_input_the_wait_works() -> None:
    with NativePlayer(mode="MODE1", scan_length=0.1) as player:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT + "print('over')", player.url],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        said = "BANKA: its scan is over; not verified: its Player has no reports of scans\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, "started\nover\n", said)


def test_ctrl_c_while_players_arm_disarms_them() -> None:
    with array_of(*natives(1, slow=["arm=3"], earliest_in=9), *natives(1, earliest_in=9)) as array:
        timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            array.dealer.start()
        timer.join()
        eventually(lambda: array.journal("BANKB") == ["armed", "disarmed"])
        assert array.journal("BANKA") == []


def test_stop_from_another_thread_ends_the_wait() -> None:
    with array_of(*natives(1, scan_length=60)) as array:
        array.dealer.start()
        waiter = threading.Thread(target=array.dealer.wait_for_scan, kwargs={"every": 0.1})
        waiter.start()
        begun = time.monotonic()
        assert array.dealer.stop() == {"BANKA": (True, "Scan ended")}
        waiter.join(20)
        assert not waiter.is_alive()
        assert time.monotonic() - begun < 20
