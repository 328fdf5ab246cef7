"""Measurements of pages."""

from __future__ import annotations

import pytest

from benchmarks import charts, chromium, pages
from benchmarks.parts import Effort, Part


@pytest.mark.parametrize("part", [*pages.PARTS.values(), *charts.PARTS.values()])
def test_pages_have_no_rows_without_a_browser_and_it_is_said_why(
    part: Part, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium, "why_not", lambda: "Chromium is not there")
    assert part(Effort()) == []
    assert "not measured: Chromium is not there" in capsys.readouterr().err
