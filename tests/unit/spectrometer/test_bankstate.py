"""State of a spectrometer Bank for `dealer status` and `dealer doctor`."""

from __future__ import annotations

import pytest

from spectrometer.bankstate import bank_findings, bank_overview
from spectrometer.status.protocol.damage import Damage


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
