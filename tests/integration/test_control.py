"""Control of Banks over real sockets: whoever has it commands, everybody else is told so."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.both import Waiting
from support.controlled import Controlled, controlled
from support.dealers import eventually
from support.original_client import OriginalClient

from dealer import Dealer, PlayersError
from dealer.cli import main
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import NotInControlError
from zmqjsonproxy.hubs import run

Make = Callable[..., Any]


@pytest.fixture
def one() -> Iterator[Controlled]:
    """A Bank."""
    with controlled() as it:
        yield it


@pytest.fixture
def two() -> Iterator[tuple[Controlled, Controlled]]:
    """Two Banks."""
    with controlled("BANKA") as a, controlled("BANKB") as b:
        yield a, b


@pytest.fixture
def other(request: pytest.FixtureRequest) -> Iterator[Callable[..., Dealer]]:
    """Make a second Dealer of the same Banks."""
    with ExitStack() as stack:

        def make(*banks: Controlled) -> Dealer:
            urls = {f"BANK{chr(ord('A') + n)}": bank.url for n, bank in enumerate(banks)}
            d = stack.enter_context(Dealer(urls))
            d.add_active_player(*urls)
            return d

        yield make


def sign(d: Any) -> None:
    """Have a Dealer give the sign of life that is due every few seconds."""
    given = d._controls.give_sign()
    d._runner.run(given) if isinstance(d, Waiting) else run(given)


def refusal(call: Callable[..., Any], *args: Any) -> NotInControlError:
    """Return why a call to one Bank was refused."""
    with pytest.raises((NotInControlError, PlayersError)) as failed:
        call(*args)
    error = failed.value
    if isinstance(error, PlayersError):
        (outcome,) = error.failed.values()
        assert isinstance(outcome.error, NotInControlError)
        return outcome.error
    assert isinstance(error, NotInControlError)
    return error


def test_others_are_refused_with_who_and_why_and_until_when_and_may_ask(
    one: Controlled, make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(one.url), other(one)
    with d.control("pointing run", minutes=30):
        d.write("mine")
        error = refusal(e.write, "theirs")
        assert e.add(1, 2) == {"BANKA": 3}
        who = e.who_controls()["BANKA"]
    assert own_name() in error.text
    assert "pointing run" in error.text
    assert "until 2027-01-15 08:30:00 UTC" in error.text
    assert error.control["owner"] == who.owner == own_name()
    assert who.until is not None
    assert f"{who.until:%H:%M}" == "08:30"
    e.write("now theirs")
    assert one.bank.written == ["mine", "now theirs"]


def test_control_is_taken_of_all_or_of_none(
    two: tuple[Controlled, Controlled], make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(two[0].url, two[1].url), other(*two)
    e.take_control("maintenance", _banks=["BANKB"])
    with pytest.raises(PlayersError, match="taken of none") as failed:
        d.take_control("run")
    assert list(failed.value.failed) == ["BANKB"]
    assert d.who_controls()["BANKA"].owner is None
    d["BANKA"].write("free")
    e.release_control()
    assert [each.number for each in d.take_control("run").values()] == [2, 2]


def test_a_part_of_the_banks_may_be_controlled_and_the_rest_stays_free(
    two: tuple[Controlled, Controlled], make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(two[0].url, two[1].url), other(*two)
    d.take_control("one only", _banks=["BANKA"])
    d.write("of both")
    e["BANKB"].write("free")
    refusal(e["BANKA"].write, "not free")
    assert two[1].bank.written == ["of both", "free"]


def test_proof_for_one_bank_proves_nothing_to_another(
    two: tuple[Controlled, Controlled], make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(two[0].url, two[1].url), other(*two)
    taken = d.take_control("run")
    e.use_control({"BANKA": taken["BANKB"].credential, "BANKB": taken["BANKA"].credential})
    for bank in ("BANKA", "BANKB"):
        refusal(e[bank].write, "replayed")
    e.use_control({bank: each.credential for bank, each in taken.items()})
    e.write("handed over")
    assert two[0].bank.written == ["handed over"]


def test_an_owner_that_was_frozen_past_its_end_is_refused_and_frees_nothing(
    one: Controlled, make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(one.url), other(one)
    d.take_control("run", minutes=1)
    one.clock.seconds += 3600.0
    assert "its time was over" in refusal(d.write, "late").text
    e.take_control("next run")
    assert "now" in refusal(d.write, "later").text
    d.release_control()  # of what it had: logged, and no harm to the next
    assert e.who_controls()["BANKA"].reason == "next run"
    e.write("next")
    refusal(d.write, "as anybody")
    assert one.bank.written == ["next"]


def test_a_silent_owner_loses_control_and_one_that_gives_signs_keeps_it(
    one: Controlled, make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(one.url), other(one)
    d.take_control("run", minutes=60)
    for _ in range(10):
        one.clock.seconds += 14.0
        sign(d)
    d.write("still")
    assert one.kept == [True] + 10 * [False]
    one.clock.seconds += 15.0
    one.control.tick()
    assert e.who_controls()["BANKA"].owner is None
    sign(d)
    assert "silent" in refusal(d.write, "too late").text


def test_control_that_stays_needs_no_signs_and_outlives_its_dealer(
    one: Controlled, make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(one.url), other(one)
    d.take_control("night", minutes=60, stays=True)
    d.close()
    one.clock.seconds += 3599.0
    assert e.who_controls()["BANKA"].reason == "night"
    one.clock.seconds += 1.0
    e.write("free")


def test_control_whose_answer_was_lost_ends_soon_although_it_was_to_stay(
    two: tuple[Controlled, Controlled], other: Callable[..., Dealer]
) -> None:
    goes_on, keep = threading.Event(), two[1].control._keep
    two[1].control._keep = lambda *changed: (goes_on.wait(60.0), keep(*changed))[1]
    d = other(*two)
    with pytest.raises(PlayersError, match="where the answer was lost it ends after 15 s"):
        run(d._controls.take("night", 60.0, True, ["BANKA", "BANKB"], 2.0))
    goes_on.set()
    eventually(lambda: two[1].kept)
    two[1].clock.seconds += 15.0
    assert {each.owner for each in d.who_controls().values()} == {None}
    d.write("free")


def test_a_dealer_that_is_closed_gives_control_back(
    one: Controlled, make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(one.url), other(one)
    d.take_control("run")
    d.close()
    e.write("free")


def test_a_break_is_told_to_both(
    one: Controlled,
    make_dealer: Make,
    other: Callable[..., Dealer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    d, e = make_dealer(one.url), other(one)
    d.take_control("run")
    broken = e.break_control("dome is closing")["BANKA"]
    assert broken.owner is None
    assert broken.ended is not None
    assert "broken" in broken.ended
    assert "dome is closing" in refusal(d.write, "mine?").text
    with caplog.at_level(logging.WARNING, "dealer.control"):
        sign(d)
    assert "dome is closing" in caplog.text
    e.write("free")


def test_a_block_that_raises_gives_control_back(
    one: Controlled, make_dealer: Make, other: Callable[..., Dealer]
) -> None:
    d, e = make_dealer(one.url), other(one)

    def fail() -> None:
        with d.control("run"):
            raise KeyError("of the script")

    with pytest.raises(KeyError):
        fail()
    e.write("free")


def test_a_command_that_waited_is_refused_when_control_was_taken_meanwhile(
    one: Controlled, other: Callable[..., Dealer]
) -> None:
    d, e = other(one), other(one)
    e.add(1, 2)  # connected, calls are sent at once
    holding = e["BANKA"].call_later("hold")
    assert one.bank.begun.wait(30)
    waiting = e["BANKA"].call_later("write", "too late")
    begun = e["BANKA"].begin("set_mode", "MODE1")
    d.take_control("run")
    one.bank.go_on.set()
    assert holding.result() == "held"
    assert isinstance(waiting.exception(), NotInControlError)
    assert isinstance(begun.exception(timeout=30), NotInControlError)
    assert one.bank.written == []


def test_stop_and_abort_of_others_are_refused_and_the_operation_goes_on(
    one: Controlled, other: Callable[..., Dealer]
) -> None:
    d, e = other(one), other(one)
    d.take_control("run")
    running = d["BANKA"].begin("set_mode", "MODE1")
    assert one.bank.begun.wait(30)
    refusal(e.stop)
    stranger = e["BANKA"].operation(running.id)
    with pytest.raises(NotInControlError):
        stranger.abort()
    assert running.state == "running"
    running.abort()
    assert one.bank.stopped == 0


def test_a_batch_and_a_notification_pass_no_closed_gate(
    one: Controlled, other: Callable[..., Dealer]
) -> None:
    d, e = other(one), other(one)
    d.take_control("run")
    results = e._hub.call_batch(one.url, "bank", [("write", (1,), {}), ("add", (1, 2), {})])
    assert isinstance(results[0].error, NotInControlError)
    assert results[1].value == 3
    with OriginalClient(one.url) as raw:
        told = {"jsonrpc": "2.0", "method": "bank.write", "params": [2]}
        raw.raw(json.dumps([told, {**told, "method": "rpc.ping", "params": [], "id": 1}]).encode())
    results = d._hub.call_batch(one.url, "bank", [("write", (3,), {})])
    assert results[0].error is None
    assert one.bank.written == [3]


def test_clients_of_the_original_get_the_refusal_in_their_own_shapes(
    one: Controlled, other: Callable[..., Dealer]
) -> None:
    with OriginalClient(one.url) as old:
        assert old.ask("write", 1) is None
        other(one).take_control("run")
        is_done, text = old.ask("refuse")  # of those that answer [false, text]
        assert is_done is False
        assert "has control" in text
        assert old.ask("write", 2)["EXCEPTION"][0] == "NotInControlError"
        assert old.ask("add", 1, 2) == 3
    assert one.bank.written == [1]


def test_where_control_is_required_a_dealer_needs_it() -> None:
    with controlled(is_required=True) as bank, Dealer({"BANKA": bank.url}) as d:
        assert "require_control" in refusal(d.write, 1).text
        assert d.who_controls()["BANKA"].required
        with d.control("run"):
            d.write(2)
        assert bank.bank.written == [2]


def test_control_taken_anew_has_other_terms_and_the_next_number(
    one: Controlled, make_dealer: Make
) -> None:
    d = make_dealer(one.url)
    first = d.take_control("run", minutes=1)["BANKA"]
    second = d.take_control("long run", minutes=60, stays=True)["BANKA"]
    assert (first.number, second.number) == (1, 2)
    one.clock.seconds += 61.0
    d.write("still")


def test_setting_the_clock_moves_no_end(one: Controlled, make_dealer: Make) -> None:
    d = make_dealer(one.url)
    d.take_control("run", minutes=1, stays=True)
    one.control._wall = lambda: 0.0
    d.write("set back")
    one.control._wall = lambda: 4e9
    d.write("set forward")
    one.clock.seconds += 60.0  # as also while the machine sleeps
    refusal(d.write, "over")


# the command


@pytest.fixture
def array(
    two: tuple[Controlled, Controlled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Controlled, Controlled]:
    """Two Banks in a configuration, and a home of one's own."""
    ports = [bank.url.rpartition(":")[2] for bank in two]
    path = tmp_path / "dibas.toml"
    path.write_text(
        "".join(
            f'[banks.BANK{name}]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n'
            for name, port in zip("AB", ports, strict=True)
        )
    )
    monkeypatch.setenv("DIBAS_CONFIG", str(path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return two


def test_control_of_the_command_holds_for_the_commands_of_one_user_alone(
    array: tuple[Controlled, Controlled],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    other: Callable[..., Dealer],
) -> None:
    assert main(["control", "take", "night shift", "--minutes", "30"]) == 0
    assert main(["call", "all", "write", "1"]) == 0
    (kept,) = (tmp_path / "state" / "dealer-player").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "night shift" in refusal(other(*array)["BANKA"].write, 2).text
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XDG_STATE_HOME", str(tmp_path / "another user"))
        assert main(["call", "BANKA", "write", "3"]) == 1
        assert main(["control", "release"]) == 1
    capsys.readouterr()
    assert main(["control"]) == 0
    assert "night shift" in capsys.readouterr().out
    assert main(["control", "release"]) == 0
    other(*array)["BANKA"].write(4)
    assert [bank.bank.written for bank in array] == [[1, 4], [1]]


def test_the_command_keeps_the_proof_until_the_player_was_told(
    array: tuple[Controlled, Controlled], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_changed: object) -> None:
        raise OSError("a fault")

    kept = tmp_path / "state" / "dealer-player" / "control.json"
    assert main(["control", "take", "night shift"]) == 0
    keep, array[1].control._keep = array[1].control._keep, fails
    assert main(["control", "release"]) == 1
    assert "a fault" in capsys.readouterr().err
    assert list(json.loads(kept.read_text())) == [array[1].url]
    array[1].control._keep = keep
    assert main(["control", "release"]) == 0
    assert json.loads(kept.read_text()) == {}


def test_the_command_breaks_control_and_says_whose_it_was(
    array: tuple[Controlled, Controlled],
    capsys: pytest.CaptureFixture[str],
    other: Callable[..., Dealer],
) -> None:
    d = other(array[0])
    d.take_control("run")
    assert main(["control", "take", "also", "--banks", "BANKA,BANKB"]) == 1
    assert "taken of none" in capsys.readouterr().err
    assert main(["--json", "control", "break", "storm", "--banks", "banka"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["BANKA"]["owner"] is None
    assert "storm" in told["BANKA"]["ended"]
    assert "storm" in refusal(d.write, 1).text


@pytest.mark.parametrize(
    ("method", "asked"),
    [("journal.state", "no interface 'journal'"), ("roach.get_dut", "bank.roach has no method")],
)
def test_the_command_reaches_all_objects_of_a_player_and_parts_of_its_bank(
    array: tuple[Controlled, Controlled],
    method: str,
    asked: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["call", "BANKA", method]) == 1
    assert asked in capsys.readouterr().err


def test_control_that_no_file_can_keep_is_given_back_by_the_command(
    array: tuple[Controlled, Controlled],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    other: Callable[..., Dealer],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    assert main(["control", "take", "night shift"]) == 1
    assert "given back" in capsys.readouterr().err
    assert other(*array).who_controls()["BANKB"].owner is None


def test_a_child_of_the_owner_has_no_control_and_gives_none_back(
    one: Controlled, other: Callable[..., Dealer]
) -> None:
    d = other(one)
    d.take_control("run")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            d.release_control()
            d.close()
            with Dealer({"BANKA": one.url}) as mine:
                refusal(mine.write, "of a child")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    d.write("of the owner")
    assert one.bank.written == ["of the owner"]
