"""The demo of mirrors, with few events: the copy has what was filled, or it says so."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

EVENTS = 5000


def test_three_processes_have_the_same_sums_and_nothing_else_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo: Any = importlib.import_module("demo_mirror")
    concluded: list[tuple[dict[str, int], dict[str, int]]] = []
    conclude = demo.conclude

    def noted(wanted: dict[str, int], found: dict[str, int]) -> int:
        concluded.append((wanted, found))
        return int(conclude(wanted, found))

    monkeypatch.setattr(demo, "conclude", noted)
    assert demo.main(["--events", str(EVENTS)]) == 0, capsys.readouterr()
    ((wanted, found),) = concluded
    assert wanted["all"] == sum(wanted[f"e{number}"] for number in range(1, 5))
    assert wanted["all"] > EVENTS / 2
    assert conclude(wanted, {**found, "e1": found["e1"] + 1}) == 1
    assert conclude(wanted, {name: found[name] for name in list(found)[1:]}) == 1
    assert conclude({"e1": 0}, {"e1": 0}) == 1
    told = capsys.readouterr()
    assert told.err.splitlines()[-3:] == ["demo: the copy is not what the histogrammer has"] * 3
    assert "differ" in told.out
