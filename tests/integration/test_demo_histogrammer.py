"""The demo of the histogrammer, with few events: all comes out as it was put in, or it says so."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.player_run import ROOT

EVENTS = 20_000
Conclude = Callable[[Any, Sequence[Any]], int]


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    return importlib.import_module("demo_histogrammer")


def test_what_was_put_in_comes_out_and_nothing_else_passes(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    concluded: list[tuple[Any, Sequence[Any]]] = []
    conclude: Conclude = demo.conclude

    def noted(found: Any, truths: Sequence[Any]) -> int:
        concluded.append((found, truths))
        return conclude(found, truths)

    monkeypatch.setattr(demo, "conclude", noted)
    assert demo.main(["--events", str(EVENTS), "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    ((found, truths),) = concluded
    rows = {words[0]: words[1:] for words in map(str.split, said) if len(words) == 5}
    for peak in truths[0].peaks:
        area, sigma, true, pull = map(float, rows[f"{peak.energy:.2f}"])
        assert true == sum(p.area for t in truths for p in t.peaks if p.energy == peak.energy)
        assert pull == pytest.approx((area - true) / sigma, abs=0.02)
    assert any(line.startswith(f"filled {2 * EVENTS} events") for line in said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cascade.png", "lines.png"]

    first, *others = truths[0].peaks
    more = dataclasses.replace(first, areas=(first.areas[0] + 500, *first.areas[1:]))
    wrong = [dataclasses.replace(truths[0], peaks=(more, *others)), truths[1]]
    assert conclude(found, truths) == 0
    assert conclude(found, wrong) == 1
    assert conclude(dataclasses.replace(found, partners=found.partners + 1), truths) == 1
    one_more = found.combined + np.eye(1, len(found.combined))[0]
    assert conclude(dataclasses.replace(found, combined=one_more), truths) == 1
    told = capsys.readouterr()
    assert "off by more than 3 sigma" in told.out
    assert told.err.splitlines() == [
        "demo: an area is not what was put in",
        "demo: counts differ that have to be the same",
        "demo: counts differ that have to be the same",
    ]
