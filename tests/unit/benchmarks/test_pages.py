"""Measurements of pages."""

from __future__ import annotations

import pytest

from benchmarks import pages
from benchmarks.parts import Effort


@pytest.mark.parametrize("name", pages.PARTS)
def test_pages_have_no_rows_without_a_browser_and_it_is_said_why(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pages, "why_not", lambda: "Chromium is not there")
    assert pages.PARTS[name](Effort()) == []
    assert "not measured: Chromium is not there" in capsys.readouterr().err
