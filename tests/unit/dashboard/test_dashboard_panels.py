"""Panels that kinds of Banks bring."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dashboard import panels
from dashboard.panels import find_panels
from player.panelsets import PanelSet

HERE = Path(__file__).parent
GOOD = PanelSet(HERE, "panel.js")
MISSING = PanelSet(HERE / "nosuch")
OTHER = "no panels"


def test_panels_that_cannot_be_used_are_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    targets = {
        "good": {f"{__name__}:GOOD": "site"},
        "missing": {f"{__name__}:MISSING": "site"},
        "other": {f"{__name__}:OTHER": "site"},
        "gone": {"nosuchmodule:PANELS": "site"},
        "twice": {"a:B": "one", "c:D": "two"},
    }
    monkeypatch.setattr(panels, "registered", lambda _group, _built_in: targets)
    monkeypatch.setattr(
        panels,
        "load_target",
        lambda target: panels_named(target),
    )
    with caplog.at_level(logging.WARNING):
        assert find_panels() == {"good": GOOD}
    for kind in ("missing", "other", "gone", "twice"):
        assert f"the panels of {kind} are left out" in caplog.text


def panels_named(target: str) -> object:
    module, _, name = target.partition(":")
    if module != __name__:
        raise panels.TargetError(f"cannot import {target}")
    return globals()[name]
