"""The same verbs through a Dealer and an AsyncDealer, with Players of both generations; and
cancelled ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.dealers import called, eventually
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_process import PlayerProcess
from support.player_run import free_port

from dealer import (
    AsyncDealer,
    ClosedError,
    Dealer,
    NoActivePlayersError,
    NoSuchPlayerError,
    NotExportedError,
    PeerLostError,
    PlayersError,
    RefusedError,
    StartError,
)

Make = Callable[..., Any]


KINDS: dict[str, tuple[type[PlayerProcess], ...]] = {
    "native": (NativePlayer, NativePlayer),
    "original": (OriginalPlayer, OriginalPlayer),
    "mixed": (NativePlayer, OriginalPlayer),
}


@pytest.mark.parametrize("kinds", KINDS)
def test_a_whole_observation(make_dealer: Make, kinds: str) -> None:
    d = make_dealer(*(kind(earliest_in=1.5) for kind in KINDS[kinds]))
    assert d.list_available_players() == d.list_active_players() == ["BANKA", "BANKB"]
    assert d.get_mode() == (True, None)
    for ok, _ in d.set_mode("MODE1").values():
        assert ok is True
    assert d.get_mode() == (True, "MODE1")
    assert {"MODE1", "MODE2"} <= set(d.list_modes())
    assert d.set_param(exposure=0.5) == {"BANKA": True, "BANKB": True}
    several = d.set_param(exposure=0.5, scan_length=2.0)
    assert list(several) == ["BANKA", "BANKB"]
    if kinds == "native":  # the original's raises
        assert d.get_param("exposure") == {"BANKA": 0.5, "BANKB": 0.5}
    assert isinstance(d.help_param("exposure"), str)
    assert list(d.prepare()) == ["BANKA", "BANKB"]
    assert d.clear_switching_states() == {"BANKA": (True, 0), "BANKB": (True, 0)}
    assert d.add_switching_state(0.1, cal=True) == {"BANKA": (True, 1), "BANKB": (True, 1)}
    assert d.set_gbt_ss(1.0, [(0.0, 0, 1, 0.002), (0.5, 1, 0, 0.002)])["BANKA"][0] is True
    d.set_status(OBSERVER="me")
    assert d.get_status("OBSERVER") == {"BANKA": "me", "BANKB": "me"}
    if kinds != "original":
        with pytest.raises(PlayersError, match="not in the status memory: NOSUCH"):
            d.get_status(("OBSERVER", "NOSUCH"))
    else:  # they leave it out
        assert d.get_status(("OBSERVER", "NOSUCH"))["BANKA"] == {"OBSERVER": "me"}
    d.set_scan_number(7)
    d.increment_scan_number()
    assert {bank: int(number) for bank, number in d.get_status("SCANNUM").items()} == {
        "BANKA": 8,
        "BANKB": 8,
    }
    earliest = d.earliest_start()
    assert timedelta(0) < earliest - datetime.now(UTC) < timedelta(seconds=10)
    started = d.start()
    assert {ok for ok, _ in started.values()} == {True}
    assert {running for running, *_ in d.scan_status().values()} == {True}
    looks: list[Any] = []
    d.wait_for_scan(every=0.2, progress=looks.append)
    assert looks
    assert list(looks[0]) == ["BANKA", "BANKB"]
    assert {running for running, *_ in d.scan_status().values()} == {False}


def test_failures_name_every_bank(make_dealer: Make) -> None:
    gone = f"tcp://127.0.0.1:{free_port()}"
    d = make_dealer(NativePlayer(mode="MODE1"), NativePlayer(refuse=["set_mode"]), gone)
    outcomes = d.outcomes("set_mode", "MODE2")
    assert [o.ok for o in outcomes.values()] == [True, False, False]
    assert isinstance(outcomes["BANKB"].error, RefusedError)
    assert isinstance(outcomes["BANKC"].error, PeerLostError)
    with pytest.raises(PlayersError, match="set_mode: 2 of 3 Banks failed") as failed:
        d.set_mode("MODE2")
    assert list(failed.value.failed) == ["BANKB", "BANKC"]
    assert d.outcomes("get_mode", _banks=["BANKA"])["BANKA"].value == "MODE2"
    with pytest.raises(NoSuchPlayerError, match="BANKX, BANKY"):
        d.outcomes("get_mode", _banks=["BANKX", "BANKA", "BANKY"])
    assert d.remove_active_player("BANKA", "BANKB", "BANKC") == []
    with pytest.raises(NoActivePlayersError):
        d.stop()
    d.close()
    with pytest.raises(ClosedError):
        d.outcomes("get_mode", _banks=["BANKA"])


def test_times_that_are_none_are_refused_before_anything_is_sent(make_dealer: Make) -> None:
    d = make_dealer(NativePlayer(mode="MODE1"))
    for wrong in (float("nan"), "5"):
        for ask in (d.outcomes, d.begin):
            with pytest.raises(ValueError, match="_timeout is a number of seconds"):
                ask("set_mode", "MODE2", _timeout=wrong)
    assert d.get_mode() == (True, "MODE1")
    for kind in (Dealer, AsyncDealer):
        with pytest.raises(ValueError, match="not -1 s"):
            kind({"BANKA": "tcp://127.0.0.1:1"}, timeout=-1)


@pytest.mark.parametrize("none", [0, None])
def test_no_time_out_is_the_default_one(none: float | None) -> None:
    with Dealer({"BANKA": "tcp://127.0.0.1:1"}, timeout=none) as d:
        assert (d.timeout, d["BANKA"].get_request_reply_timeout()) == (180.0, 180.0)


def test_any_method_and_single_banks(make_dealer: Make) -> None:
    d = make_dealer(NativePlayer(mode="MODE1"), NativePlayer(mode="MODE1", lacks=["sweep"]))
    with pytest.raises(NotExportedError, match="nothing was sent: BANKB has no such method"):
        d.sweep(1.0, 2.0)
    d.remove_active_player("BANKB")
    assert d.sweep(1.0, 2.0, steps=3) == {"BANKA": [1.0, 1.5, 2.0]}
    with pytest.raises(NotExportedError, match="did you mean journal"):
        d.jurnal()
    assert d["BANKB"].get_mode() == "MODE1"
    assert d["BANKB"].valon.get_frequency(1) == 1501.0


@pytest.mark.parametrize("second", [NativePlayer, OriginalPlayer])
def test_a_start_that_one_refuses_starts_nobody(
    make_dealer: Make, second: type[PlayerProcess]
) -> None:
    method = "arm" if second is NativePlayer else "start"
    d = make_dealer(NativePlayer(mode="MODE1"), second(mode="MODE1", refuse=[method]))
    with pytest.raises(StartError, match=f"{method} failed, so no Bank starts"):
        d.start()
    assert d["BANKA"].journal()[-1] in ("disarmed", "stopped")
    with pytest.raises(StartError, match="too early"):
        d.start(datetime.now(UTC))
    with pytest.raises(ValueError, match="time zone"):
        d.start(datetime(2030, 1, 1))


# cancelling


async def _cancel_when(verb: Coroutine[Any, Any, Any], reached: Callable[[], bool]) -> None:
    """Run a verb as a task and cancel it when a condition holds."""
    task = asyncio.create_task(verb)
    try:
        await asyncio.to_thread(eventually, reached)
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_cancelled_set_mode_leaves_all_usable_and_the_players_are_told() -> None:
    async def run(player: NativePlayer, old: OriginalPlayer, asked: Callable[[], bool]) -> None:
        async with AsyncDealer({"BANKA": player.url, "BANKB": old.url}) as d:
            d.add_active_player("BANKB")
            await d.get_mode()
            await _cancel_when(d.set_mode("MODE2"), asked)
            assert await d.get_status("BANKNAM") == {"BANKA": "BANKA", "BANKB": "BANKA"}
            # It would take a minute: the operation was asked to end, and the next command is not
            # kept waiting.
            assert (await d["BANKA"].set_param(exposure=0.5, _timeout=20.0)) is True

    with (
        NativePlayer(mode="MODE1", slow=["set_mode=60"]) as player,
        OriginalPlayer(mode="MODE1") as old,
    ):
        with Dealer({"BANKA": player.url}) as watcher:

            def is_running() -> bool:
                return bool(watcher.operations(active=True)["BANKA"])

            asyncio.run(run(player, old, is_running))
        assert old.is_alive


@pytest.mark.parametrize("slow", ["arm", "commit"])
def test_a_cancelled_start_takes_back_what_it_armed(slow: str) -> None:
    settings = {"mode": "MODE1", "earliest_in": 5.0}
    with NativePlayer(**settings) as quick, NativePlayer(**settings, slow=[f"{slow}=2"]) as other:
        urls = {"BANKA": quick.url, "BANKB": other.url}

        async def run(watcher: Dealer) -> None:
            async with AsyncDealer(urls) as d:
                d.add_active_player("BANKB")
                await _cancel_when(
                    d.start(),
                    lambda: {"arm": "armed", "commit": "committed"}[slow] in journal(watcher),
                )
                assert (await d.players["BANKA"].journal())[-1] == {
                    "arm": "disarmed",
                    "commit": "stopped",
                }[slow]
                assert (await d.players["BANKA"].scan_status())[0] is False
                assert {running for running, *_ in (await d.scan_status()).values()} == {False}
                assert (await d.get_mode()) == (True, "MODE1")

        def journal(watcher: Dealer) -> list[str]:
            found: list[str] = watcher["BANKA"].journal()
            return found

        with Dealer(urls) as watcher:
            asyncio.run(run(watcher))


def test_a_cancelled_start_stops_players_of_the_original(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with OriginalPlayer(mode="MODE1", earliest_in=1.5, record=str(record)) as old:

        async def run() -> None:
            async with AsyncDealer({"BANKA": old.url}) as d:
                await _cancel_when(d.start(), lambda: record.exists() and "start" in called(record))
                assert (await d.scan_status())["BANKA"][0] is False
                assert (await d.get_mode()) == (True, "MODE1")

        asyncio.run(run())
        assert "stop" in called(record)
        assert old.is_alive


def test_a_cancelled_wait_leaves_the_scan_alone() -> None:
    with NativePlayer(mode="MODE1", scan_length=60.0) as player:

        async def run() -> None:
            async with AsyncDealer({"BANKA": player.url}) as d:
                await d.start()
                looks: list[Any] = []
                await _cancel_when(
                    d.wait_for_scan(every=30.0, progress=looks.append), lambda: bool(looks)
                )
                assert (await d.scan_status())["BANKA"][0] is True
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.3):
                        await d.wait_for_scan()
                assert (await d.stop())["BANKA"][0] is True

        asyncio.run(run())


def test_verbs_of_several_tasks_run_beside_one_another() -> None:
    with NativePlayer(mode="MODE1", slow=["prepare=1"]) as player:

        async def run() -> None:
            async with AsyncDealer({"BANKA": player.url}) as d:
                preparing = asyncio.create_task(d.prepare())
                modes = await asyncio.gather(*(d.get_mode() for _ in range(50)))
                assert modes == [(True, "MODE1")] * 50
                assert not preparing.done()
                await preparing

        asyncio.run(run())
