"""The table of rules on which Rustogramer and SpecTcl differ."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from histogrammer.flavors import FLAVORS, RUSTOGRAMER, SPECTCL

PACKAGE = Path(__file__).resolve().parents[3] / "histogrammer"


def test_every_rule_of_the_table_is_one_on_which_they_differ() -> None:
    assert {"rustogramer": RUSTOGRAMER, "spectcl": SPECTCL} == FLAVORS
    for field in fields(RUSTOGRAMER):
        assert getattr(RUSTOGRAMER, field.name) != getattr(SPECTCL, field.name), field.name


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        SPECTCL.slice_holds_high = True  # type: ignore[misc]


def test_nothing_asks_which_program_is_followed() -> None:
    asking = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if path.name != "flavors.py" and "flavor.name" in path.read_text()
    ]
    assert asking == []
