"""State of a spectrometer Bank for `dealer status` and `dealer doctor`."""

from __future__ import annotations

import pytest

from spectrometer.bankstate import bank_findings, bank_overview, chosen_status
from spectrometer.status.protocol.damage import Damage
from zmqjsonproxy.errors import RefusedError


def test_an_overview_has_the_same_names_whatever_the_status_holds() -> None:
    full = bank_overview("MODE1", {"SCANNUM": 3, "NETSTAT": "waiting", "OBSERVER": "me"})
    assert (full["mode"], full["SCANNUM"], "OBSERVER" in full) == ("MODE1", 3, False)
    assert full.keys() == bank_overview(None, {}).keys()


@pytest.mark.parametrize("board", [{}, {"BOARDST": "answers"}])
def test_nothing_is_found_on_a_sound_bank(board: dict[str, str]) -> None:
    assert bank_findings("BANKA", [], "", board) == []


def test_each_fault_has_what_puts_it_right() -> None:
    why = "set_mode(MODE1): " + 1000 * "x"
    found = bank_findings("BANKA", [Damage(80, 1, "no value")], why, {"BOARDST": "no image"})
    assert [each["check"] for each in found] == ["status memory", "mode", "board"]
    assert all("dealer call BANKA" in each["remedy"] for each in found)
    assert "card 1 (byte 80): no value" in found[0]["text"]
    assert len(found[1]["text"]) < 600
    assert found[2]["text"].endswith("no image")


VALUES = {"SCANNUM": 3, "OBSERVER": "me"}


@pytest.mark.parametrize("native", [True, False])
def test_status_keys_are_taken_in_either_case_and_any_number(native: bool) -> None:
    assert chosen_status(VALUES, None, native=native) == VALUES
    assert chosen_status(VALUES, "scannum", native=native) == 3
    assert chosen_status(VALUES, ("OBSERVER", "scannum"), native=native) == {
        "OBSERVER": "me",
        "scannum": 3,
    }
    assert chosen_status(VALUES, [], native=native) == {}
    for wrong in (3, [3], {"a": 1}):
        with pytest.raises(RefusedError, match="expected None"):
            chosen_status(VALUES, wrong, native=native)  # type: ignore[arg-type]


@pytest.mark.parametrize("keys", ["OBSERVR", ["OBSERVR"], ("SCANNUM", "OBSERVR")])
def test_a_missing_status_key_is_refused_natively_in_every_form(keys: str | list[str]) -> None:
    with pytest.raises(
        RefusedError, match=r"not in the status memory: OBSERVR; did you mean OBSERVER\?"
    ):
        chosen_status(VALUES, keys, native=True)


def test_all_missing_status_keys_are_counted_and_ten_named() -> None:
    with pytest.raises(RefusedError, match=r"K0, .*K9 and 90 more$") as caught:
        chosen_status(VALUES, [f"K{n}" for n in range(100)], native=True)
    assert len(str(caught.value)) < 1000


def test_clients_of_the_original_get_what_it_answered_for_missing_keys() -> None:
    assert chosen_status(VALUES, ["SCANNUM", "NOSUCH"], native=False) == {"SCANNUM": 3}
    with pytest.raises(KeyError, match="NOSUCH"):
        chosen_status(VALUES, "NOSUCH", native=False)
