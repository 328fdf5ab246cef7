"""Declarations of what a Bank depends on, and what it answers when it is asked why it is not ready."""

from __future__ import annotations

from typing import Any

import pytest

from player.bank import Bank
from player.findings import Finding
from player.readiness import Hindrance, dependency_fault, readiness


@pytest.mark.parametrize(
    ("depends", "fault"),
    [
        ({"ready": ()}, ""),
        ({"ready": ("mode", "disk"), "mode": ("disk",)}, ""),
        ({"mode": ()}, "is no table with 'ready'"),
        (["ready"], "is no table with 'ready'"),
        ({"ready": "mode"}, "expected a tuple of texts"),
        ({"ready": (1,)}, "expected a tuple of texts"),
        (
            {"ready": ("mode",), "mode": ("daq",), "daq": ("mode",)},
            "goes round in a circle: mode needs daq needs mode",
        ),
        ({"ready": (), "a": ("a",)}, "goes round in a circle: a needs a"),
    ],
)
def test_a_declaration_is_checked(depends: Any, fault: str) -> None:
    found = dependency_fault(depends)
    assert (found == "") is (fault == "")
    assert fault in found


def test_a_class_with_a_wrong_declaration_is_refused_when_it_is_made() -> None:
    with pytest.raises(TypeError, match=r"Shutter\.depends goes round in a circle"):
        type("Shutter", (Bank,), {"depends": {"ready": ("a",), "a": ("ready",)}})


def test_a_kind_without_a_declaration_answers_with_its_findings() -> None:
    class Shutter(Bank):
        def __init__(self) -> None: ...  # no host is needed to be asked

        def get_findings(self) -> list[dict[str, str]]:  # type: ignore[override]  # unmarked
            return [Finding("blades", "they stick", "oil them", "SHUTTER").describe()]

        def hindrances(self) -> list[Hindrance]:
            return [Hindrance(thing="order", text="none", remedy="say", since=5.0, is_fault=False)]

    told = Bank.get_readiness(Shutter())
    assert told["depends"] == {"ready": []}
    assert [(each["thing"], each["is_fault"], each["since"]) for each in told["hindrances"]] == [
        ("blades", True, None),
        ("order", False, 5.0),
    ]


def test_readiness_is_json() -> None:
    told = readiness({"ready": ("a",), "a": ()}, [{"check": "a", "text": "t", "remedy": "r"}], [])
    assert told == {
        "depends": {"ready": ["a"], "a": []},
        "hindrances": [{"thing": "a", "text": "t", "remedy": "r", "since": None, "is_fault": True}],
    }
