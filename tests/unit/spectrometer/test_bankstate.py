"""State of a spectrometer Bank for `dealer status` and `dealer doctor`."""

from __future__ import annotations

from typing import Any

import pytest

from spectrometer.bankstate import (
    DataTakingState,
    bank_findings,
    bank_hindrances,
    bank_overview,
    chosen_status,
)
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


SET = {"state": "set", "mode": "MODE1", "cause": ""}
IDLE = {"state": "idle", "scan": 3}


def test_a_bank_with_a_mode_and_no_scan_is_hindered_by_nothing() -> None:
    assert bank_hindrances("BANKA", SET, IDLE, DataTakingState(free_bytes=1 << 40)) == []


@pytest.mark.parametrize(
    ("mode", "scan", "data", "thing", "text", "is_fault"),
    [
        (
            SET,
            {
                "state": "running",
                "scan": 12,
                "start": [2026, 11, 29, 3, 13, 30, 0],
                "scan_length": 60.0,
            },
            DataTakingState(),
            "scan",
            "scan 12 is running, and ends at 03:14:30 UTC",
            False,
        ),
        (
            SET,
            {"state": "armed", "scan": None},
            DataTakingState(),
            "scan",
            "a scan is armed",
            False,
        ),
        (SET, {"state": "monitor"}, DataTakingState(), "scan", "without being recorded", False),
        (
            {"state": "none", "mode": None, "cause": ""},
            IDLE,
            DataTakingState(),
            "mode",
            "no mode was set",
            False,
        ),
        (
            {"state": "changing", "mode": None, "cause": ""},
            IDLE,
            DataTakingState(),
            "mode",
            "the mode is being changed",
            False,
        ),
        (
            SET,
            IDLE,
            DataTakingState(ended="spectrometer-daq has ended, exit status 1"),
            "data taking",
            "spectrometer-daq has ended",
            True,
        ),
        (
            SET,
            IDLE,
            DataTakingState(free_bytes=1 << 29, data_root="/lustre"),
            "disk",
            "only 0.50 GiB are free below the data root /lustre",
            True,
        ),
    ],
)
def test_what_keeps_a_bank_from_a_scan_is_named(
    mode: dict[str, Any],
    scan: dict[str, Any],
    data: DataTakingState,
    thing: str,
    text: str,
    is_fault: bool,
) -> None:
    (found,) = bank_hindrances("BANKA", mode, scan, data)
    assert (found.thing, text in found.text, found.is_fault) == (thing, True, is_fault)
    assert found.remedy


def test_why_a_mode_could_not_be_set_is_told_once() -> None:
    failed = {"state": "none", "mode": None, "cause": "the board does not answer"}
    assert bank_hindrances("BANKA", failed, IDLE, DataTakingState()) == []
