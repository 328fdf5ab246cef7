"""The page of REST requests."""

from __future__ import annotations

import json
from pathlib import Path

from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.stubs import STUBS
from tools import rest_reference

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "rest.md"


def test_the_page_is_what_is_answered_now() -> None:
    assert PAGE.read_text() == rest_reference.page(), "write it: tools/rest_reference.py"


def test_every_request_is_on_the_page_with_an_answer(tmp_path: Path) -> None:
    (tmp_path / "run.evt").touch()
    told = {path: json.loads(answer) for path, _, answer in rest_reference.answers(tmp_path)}
    assert told.keys() == ROUTES.keys()
    failed = {path for path, answer in told.items() if answer["status"] != "OK"}
    assert failed == {*STUBS, "analyze/stop"}  # an empty file is over at once
