"""The Dealer's verbs against Players of both generations; what fails fails by name."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.dealers import Array, array_of, called, eventually, natives, originals, received
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_process import PlayerProcess
from support.threads import in_threads

import dealer
from dealer import (
    CallTimeoutError,
    ClosedError,
    Dealer,
    NoActivePlayersError,
    NoSuchPlayerError,
    NotExportedError,
    PeerLostError,
    PlayersError,
    RefusedError,
    RemoteError,
    Switching,
)

KINDS = {"native": NativePlayer, "original": OriginalPlayer}


@pytest.fixture(params=["native", "original", "mixed"])
def array(request: pytest.FixtureRequest) -> Iterator[Array]:
    """Two Players without a mode: ours, the original's, or one of each. No test may end one."""
    kinds = {"native": (NativePlayer,) * 2, "original": (OriginalPlayer,) * 2}.get(
        request.param, (NativePlayer, OriginalPlayer)
    )
    players: list[PlayerProcess] = [kind() for kind in kinds]
    with array_of(*players) as array:
        yield array
        assert all(player.is_alive for player in array.players.values()), "a message ended a Player"


def test_the_verbs_keep_the_originals_success_shapes(array: Array) -> None:
    d = array.dealer
    assert d.get_mode() == (True, None)
    for value in d.set_mode("MODE1").values():
        assert value[0] is True
        assert isinstance(value, tuple)
        assert "MODE1" in value[1]
    assert d.get_mode() == (True, "MODE1")
    assert {"MODE1", "MODE2", "MODE3"} <= set(d.list_modes())
    assert d.set_param(exposure=0.5) == {"BANKA": True, "BANKB": True}
    assert "exposure" in d.help_param()
    assert d.help_param("exposure").startswith("Integration time")
    assert d.prepare() == {"BANKA": None, "BANKB": None}
    assert d.clear_switching_states() == {"BANKA": (True, 0), "BANKB": (True, 0)}
    assert d.add_switching_state(0.1, blank=True, cal=True) == {
        "BANKA": (True, 1),
        "BANKB": (True, 1),
    }
    states = [
        (0.0, Switching.SIG, Switching.CALON, 0.002),
        (0.5, Switching.REF, Switching.CALOFF, 0.002),
    ]
    assert d.set_gbt_ss(1.0, states) == {"BANKA": (True, 2), "BANKB": (True, 2)}
    assert d.set_status(OBSERVER="Fang") == {"BANKA": None, "BANKB": None}
    assert d.get_status("OBSERVER") == {"BANKA": "Fang", "BANKB": "Fang"}
    assert d.get_status(("OBSERVER", "BANKNAM"))["BANKB"]["OBSERVER"] == "Fang"
    assert all(len(status) > 3 for status in d.get_status().values())
    assert d.monitor() == {
        "BANKA": (True, "Start monitor mode."),
        "BANKB": (True, "Start monitor mode."),
    }
    assert d.stop() == {
        "BANKA": (True, "Ending monitor mode."),
        "BANKB": (True, "Ending monitor mode."),
    }
    idle = (False, "NETSTAT=waiting", "DISKSTAT=waiting")
    assert d.scan_status() == {"BANKA": idle, "BANKB": idle}


def test_d6_the_scan_number_counts_up_without_having_been_set(array: Array) -> None:
    d = array.dealer
    d.set_mode("MODE1")
    assert d.increment_scan_number() == {"BANKA": None, "BANKB": None}
    assert {int(number) for number in d.get_status("SCANNUM").values()} == {2}
    d.set_scan_number(40)
    d.increment_scan_number()
    assert {int(number) for number in d.get_status("SCANNUM").values()} == {41}


def test_d10_several_parameters_are_all_set(array: Array) -> None:
    d = array.dealer
    d.set_mode("MODE1")
    values = d.set_param(exposure=0.25, scan_length=7)
    assert all(
        value in (True, {"exposure": True, "scan_length": True}) for value in values.values()
    )
    assert {float(value) for value in d.get_status("EXPOSURE").values()} == {0.25}
    assert {float(value) for value in d.get_status("SCAN_LEN").values()} == {7.0}


def test_a_bad_parameter_among_several_is_an_error_of_every_bank(array: Array) -> None:
    d = array.dealer
    d.set_mode("MODE1")
    with pytest.raises(PlayersError, match="set_param: 2 of 2 Banks failed") as caught:
        d.set_param(exposure=0.25, nonsense=7)
    assert "nonsense" in str(caught.value)


def test_a_refusal_is_an_error_that_carries_what_the_bank_said(array: Array) -> None:
    with pytest.raises(PlayersError) as caught:
        array.dealer.set_mode("MODE99")
    for outcome in caught.value.outcomes.values():
        assert isinstance(outcome.error, RefusedError)
        assert "MODE99" in outcome.error.text
        assert "is not supported" in str(caught.value)


def test_d4_disagreeing_modes_are_told_apart(array: Array) -> None:
    d = array.dealer
    d.set_mode("MODE1")
    d["BANKB"].set_mode("MODE2")
    assert d.get_mode() == (False, {"BANKA": "MODE1", "BANKB": "MODE2"})
    d.remove_active_player("BANKA", "BANKB")
    with pytest.raises(
        NoActivePlayersError, match=r"get_mode: no Player is active; .* BANKA, BANKB"
    ):
        d.get_mode()


def test_outcomes_keep_value_error_and_delay_of_each_bank_apart_and_raise_nothing(
    array: Array,
) -> None:
    d = array.dealer
    d["BANKA"].set_mode("MODE1")
    outcomes = d.outcomes("earliest_start")
    assert list(outcomes) == ["BANKA", "BANKB"]
    assert outcomes["BANKA"].ok
    assert isinstance(outcomes["BANKB"].error, RefusedError)
    assert all(0 < outcome.delay_s < 60 for outcome in outcomes.values())


def test_a_single_bank_is_a_local_object(array: Array) -> None:
    bank = array.dealer.players["BANKA"]
    assert bank.get_mode() is None
    assert bank.get_mode.__doc__
    assert {"get_mode", "set_mode", "roach", "valon"} <= set(dir(bank))
    assert repr(bank) == f"<Bank BANKA at {array['BANKA'].url}>"
    assert array.dealer["BANKA"] is bank
    with pytest.raises(AttributeError, match="has no method reboot"):
        bank.roach.reboot()


def test_parts_of_a_bank_are_called_by_name() -> None:
    with array_of(NativePlayer()) as array:
        assert array.dealer.players["BANKA"].valon.get_frequency(1) == 1501.0
        outcomes = array.dealer.outcomes("bank.valon.get_frequency", 0)
        assert outcomes["BANKA"].value == 1500.0


# who is asked


def test_banka_alone_is_active_at_the_start_and_d14_order_is_that_of_the_configuration() -> None:
    with Dealer(
        {"BANKC": "tcp://127.0.0.1:1", "BANKA": "tcp://127.0.0.1:2", "BANKB": "tcp://127.0.0.1:3"}
    ) as d:
        assert d.list_available_players() == list(d) == ["BANKC", "BANKA", "BANKB"]
        assert d.list_active_players() == ["BANKA"]
        assert d.add_active_player("BANKB", "BANKC") == ["BANKC", "BANKA", "BANKB"]
        assert list(d.players) == ["BANKC", "BANKA", "BANKB"]
        assert d.remove_active_player("BANKA") == ["BANKC", "BANKB"]
        assert "BANKA" in d
        assert repr(d) == "<Dealer, active: BANKC, BANKB; available: BANKC, BANKA, BANKB>"


def test_d13_unknown_names_are_an_error_and_change_nothing() -> None:
    with Dealer({"BANKA": "tcp://127.0.0.1:1", "BANKB": "tcp://127.0.0.1:2"}) as d:
        with pytest.raises(NoSuchPlayerError, match="BANKX, BANKY; available are: BANKA, BANKB"):
            d.add_active_player("BANKB", "BANKX", "BANKY")
        with pytest.raises(NoSuchPlayerError):
            d.remove_active_player("BANKA", "BANKX")
        with pytest.raises(TypeError, match="names of Players are text"):
            d.add_active_player(["BANKA", "BANKB"])  # type: ignore[arg-type]
        with pytest.raises(KeyError):
            d["BANKX"]
        assert d.list_active_players() == ["BANKA"]


def test_d1_players_of_the_file_are_a_list_and_need_no_blanks(tmp_path: Path) -> None:
    with array_of(NativePlayer(), OriginalPlayer()) as array:
        text = '[dealer]\nplayers=["BANKB","BANKA"]\n'
        for bank, player in array.players.items():
            text += f'[banks.{bank}]\nhpc_host="127.0.0.1"\nplayer_port={player.url.rpartition(":")[2]}\n'
        (tmp_path / "dibas.toml").write_text(text)
        with Dealer(config=tmp_path / "dibas.toml") as d:
            assert d.list_available_players() == ["BANKB", "BANKA"]
            d.add_active_player(*d)
            assert d.get_mode() == (True, None)


def test_one_player_that_is_not_called_banka_is_active() -> None:
    with Dealer({"LAB": "tcp://127.0.0.1:1"}) as d:
        assert d.list_active_players() == ["LAB"]


def test_without_players_everything_but_asking_works() -> None:
    with Dealer({}) as d:
        assert d.list_active_players() == []
        with pytest.raises(NoActivePlayersError, match="add_active_player takes any of: none"):
            d.prepare()
        with pytest.raises(NotExportedError, match="no Player is active"):
            d.sweep()


# any exported method


def test_any_method_that_all_active_banks_export_is_a_verb_with_documentation() -> None:
    with array_of(*natives(2)) as array:
        d = array.dealer
        assert d.sweep(1.0, 3.0, steps=3) == {"BANKA": [1.0, 2.0, 3.0], "BANKB": [1.0, 2.0, 3.0]}
        assert d.sweep.__doc__ == "Step from one frequency to another, Hz."
        assert d.sweep.__name__ == "sweep"
        assert list(d.sweep.__signature__.parameters) == ["first", "last", "steps"]  # type: ignore[attr-defined]
        assert {"sweep", "journal", "set_mode", "add_active_player"} <= set(dir(d))


def test_an_original_players_own_methods_are_verbs_too() -> None:
    with array_of(OriginalPlayer()) as array:
        assert array.dealer.read_config_file("x") == {"BANKA": "config file loaded."}
        assert "clear_shared_memory" in dir(array.dealer)


@pytest.mark.parametrize("method", ["sweep", "stop"])
def test_if_one_lacks_the_method_one_error_names_it_and_nothing_is_sent(method: str) -> None:
    with array_of(NativePlayer(mode="MODE1"), NativePlayer(mode="MODE1", lacks=[method])) as array:
        array.dealer["BANKA"].monitor()
        with pytest.raises(
            NotExportedError, match=f"{method}: nothing was sent: BANKB has no such method"
        ) as caught:
            getattr(array.dealer, method)()
        assert list(caught.value.lacking) == ["BANKB"]
        assert array.dealer["BANKA"].stop() == [
            True,
            "Ending monitor mode.",
        ]  # nobody had stopped it


def test_nothing_is_sent_to_an_original_player_either(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with array_of(
        OriginalPlayer(record=record), OriginalPlayer(lacks=["prepare"]), NativePlayer()
    ) as array:
        with pytest.raises(NotExportedError, match="BANKB has no such method"):
            array.dealer.prepare()
        with pytest.raises(NotExportedError, match="BANKA has no such method; BANKB"):
            array.dealer.sweep(1, 2)
        assert called(record) == []


def test_a_misspelt_verb_is_an_attribute_error_with_a_guess() -> None:
    with array_of(NativePlayer()) as array:
        assert not hasattr(array.dealer, "set_mod")
        with pytest.raises(
            AttributeError, match=r"set_mod: nothing was sent: .*; did you mean set_mode"
        ):
            array.dealer.set_mod("MODE1")


def test_a_player_that_comes_back_with_other_methods_is_taken_as_it_is() -> None:
    with array_of(NativePlayer(lacks=["sweep"])) as array:
        d = array.dealer
        bank = d["BANKA"]
        assert "sweep" not in {*dir(d), *dir(bank)}
        array["BANKA"].kill()
        with NativePlayer(url=array["BANKA"].url, lacks=["journal"]):
            eventually(lambda: "sweep" in dir(d))
            assert d.sweep(0.0, 1.0) == {"BANKA": [0.0, 1.0]}
            assert bank.sweep(0.0, 1.0) == [0.0, 1.0]
            assert "journal" not in {*dir(d), *dir(bank)}
            assert not hasattr(bank, "journal")
            with pytest.raises(NotExportedError, match="BANKA has no such method"):
                d.journal()


# what goes wrong


def test_d2_every_bank_is_asked_and_one_error_names_all_that_failed() -> None:
    players = [
        NativePlayer(mode="MODE1", fail=["monitor"]),
        OriginalPlayer(mode="MODE1", fail=["monitor"]),
        NativePlayer(mode="MODE1", refuse=["monitor"]),
        OriginalPlayer(mode="MODE1", refuse=["monitor"]),
        NativePlayer(mode="MODE1"),
        OriginalPlayer(mode="MODE1"),
    ]
    with array_of(*players) as array:
        array["BANKE"].kill()
        with pytest.raises(PlayersError) as caught:
            array.dealer.monitor()
        error = caught.value
        assert list(error.outcomes) == list(array.players)
        assert list(error.failed) == ["BANKA", "BANKB", "BANKC", "BANKD", "BANKE"]
        assert [type(o.error) for o in error.failed.values()] == [
            RemoteError,
            RemoteError,
            RefusedError,
            RefusedError,
            PeerLostError,
        ]
        assert error.outcomes["BANKF"].value == (True, "Start monitor mode.")
        assert "BANKA: ValueError: monitor failed" in str(error)
        assert "BANKB: ValueError: monitor failed" in str(error)
        assert "BANKC: RefusedError: monitor: refused, as told" in str(error)
        assert "native_player.py" in error.__notes__[0]
        assert array.dealer["BANKF"].stop() == [True, "Ending monitor mode."]


@pytest.mark.parametrize("kind", KINDS)
def test_d3_a_player_that_was_never_there_is_named_and_found_when_it_comes(kind: str) -> None:
    with KINDS[kind]() as first:
        url = first.url
    with Dealer({"BANKA": url}) as d:
        begun = time.monotonic()
        with pytest.raises(
            PlayersError, match=f"BANKA: PeerLostError: bank.get_mode: no server at {url}"
        ) as caught:
            d.get_mode()
        assert time.monotonic() - begun < 30
        assert isinstance(caught.value.failed["BANKA"].error, PeerLostError)
        with KINDS[kind](url=url, mode="MODE2"):
            eventually(lambda: d.outcomes("get_mode")["BANKA"].value == "MODE2")
            assert d.get_mode() == (True, "MODE2")


@pytest.mark.parametrize("kind", KINDS)
def test_p1_a_player_that_dies_in_a_call_is_reported_within_a_second_and_found_again_after_a_restart(
    kind: str,
) -> None:
    with array_of(
        KINDS[kind](slow=["prepare=100"], mode="MODE1"), NativePlayer(mode="MODE1")
    ) as array:
        d = array.dealer
        killer = threading.Timer(0.3, array["BANKA"].kill)
        killer.start()
        begun = time.monotonic()
        with pytest.raises(PlayersError, match="prepare: 1 of 2 Banks failed") as caught:
            d.prepare()
        killer.join()
        assert time.monotonic() - begun < 60
        assert isinstance(caught.value.failed["BANKA"].error, PeerLostError)
        with KINDS[kind](url=array["BANKA"].url, mode="MODE3"):
            eventually(lambda: d.outcomes("get_mode")["BANKA"].value == "MODE3")


@pytest.mark.parametrize("kind", KINDS)
def test_p1_running_out_of_time_is_an_error_and_leaves_the_dealer_usable(kind: str) -> None:
    with array_of(KINDS[kind](slow=["prepare=1.5"], mode="MODE1")) as array:
        d = array.dealer
        outcome = d.outcomes("prepare", _timeout=0.3)["BANKA"]
        assert isinstance(outcome.error, CallTimeoutError)
        assert (
            str(outcome.error) == f"bank.prepare: no reply from {array['BANKA'].url} within 0.3 s"
        )
        assert d.get_mode() == (True, "MODE1")
        assert d.outcomes("get_status", "BANKNAM")["BANKA"].value == "BANKA"
        assert array["BANKA"].is_alive


def test_a_default_deadline_belongs_to_the_dealer() -> None:
    with array_of(OriginalPlayer(slow=["get_mode=1"]), timeout=0.2) as array:
        with pytest.raises(PlayersError, match=r"no reply from .* within 0.2 s"):
            array.dealer.get_mode()


def test_d12_a_deadline_of_one_call_changes_no_other() -> None:
    with array_of(*natives(2)) as array:
        for proxy in array.dealer.players.values():
            assert proxy.get_request_reply_timeout() == 180.0
        array.dealer["BANKA"].set_request_reply_timeout(7)
        array.dealer.outcomes("set_mode", "MODE1", _timeout=120)
        assert [p.get_request_reply_timeout() for p in array.dealer.players.values()] == [
            7.0,
            180.0,
        ]


def test_a_dead_player_in_the_middle_does_not_keep_the_others_from_being_asked() -> None:
    with array_of(NativePlayer(), OriginalPlayer(), NativePlayer()) as array:
        array.dealer.get_mode()
        array["BANKB"].kill()
        begun = time.monotonic()
        with pytest.raises(
            PlayersError, match="set_mode: 1 of 3 Banks failed\n  BANKB: PeerLostError"
        ):
            array.dealer.set_mode("MODE1")
        assert time.monotonic() - begun < 30
        array.dealer.remove_active_player("BANKB")
        assert array.dealer.get_mode() == (True, "MODE1")


def test_d11_all_threads_get_their_own_answers_from_one_dealer() -> None:
    with array_of(*natives(2), *originals(1)) as array:
        d = array.dealer
        wrong: list[object] = []

        def work(number: int) -> None:
            for i in range(40):
                key = f"KEY{number}"
                d.set_status(**{key: number * 1000 + i})
                found = d.get_status(key)
                if [int(v) for v in found.values()] != [number * 1000 + i] * 3:
                    wrong.append(found)

        in_threads(*(partial(work, n) for n in range(4)))
        assert wrong == []
        assert array["BANKC"].is_alive


def test_a_closed_dealer_says_so() -> None:
    with NativePlayer() as player:
        with dealer.Dealer({"BANKA": player.url}) as d:
            d.get_mode()
            bank = d["BANKA"]
        for use in (d.get_mode, d.wait_for_scan, d.sweep, lambda: d.outcomes("get_mode")):
            with pytest.raises(ClosedError, match="this Dealer was closed"):
                use()
        with pytest.raises(PeerLostError, match="the hub was closed"):
            bank.get_mode()
        d.close()


# the rule for old peers


def test_an_original_player_gets_nothing_but_its_own_dialect_one_request_at_a_time(
    tmp_path: Path,
) -> None:
    record = tmp_path / "record"
    player = OriginalPlayer(
        mode="MODE1", record=record, python2=True, earliest_in=1.5, scan_length=0.0
    )
    with array_of(player) as array:
        d = array.dealer
        dir(d)
        d.set_mode("MODE2")
        d.set_param(exposure=1, scan_length=2)
        d.outcomes("no_such_method")
        d.outcomes("get_mode", "too", many="arguments")
        d.outcomes("rpc.ping")
        d.outcomes("bank.valon.get_frequency", 0)
        d.set_status(NAME="Größe \N{SNOWMAN}", NUMBER=2**70)
        d.start()
        d.wait_for_scan(every=0.2)
        assert array["BANKA"].is_alive
    for message in received(record):
        assert set(message) - {"dealer"} == {"name", "proc", "args", "kwargs"}
        assert isinstance(message["args"], list)
        assert isinstance(message["kwargs"], dict)
        assert "dealer" not in message or message["proc"] == "list_methods"
    assert [m["kwargs"] for m in received(record) if m["proc"] == "set_param"] == [
        {"exposure": 1},
        {"scan_length": 2},
    ]


def test_p3_arguments_that_json_cannot_hold_are_never_sent() -> None:
    with array_of(NativePlayer(), OriginalPlayer()) as array:
        with pytest.raises(PlayersError, match="the arguments cannot travel as JSON"):
            array.dealer.set_status(WHAT=object())
        assert array.dealer.get_mode() == (True, None)
        assert array["BANKB"].is_alive


def test_p3_an_original_player_that_ends_in_a_call_is_reported_as_lost() -> None:
    with array_of(OriginalPlayer(unserialisable=["prepare"], mode="MODE1")) as array:
        with pytest.raises(PlayersError, match="BANKA: PeerLostError"):
            array.dealer.prepare()
        status, trouble = array["BANKA"].wait()
        assert status == 1
        assert "TypeError" in trouble
