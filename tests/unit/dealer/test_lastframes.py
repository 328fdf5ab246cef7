"""Spectra of Banks for the hand-over sheet: what of a Bank's answer is subscribed to."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dealer import lastframes
from dealer.outcome import Outcome

GARBAGE: list[Any] = [
    None,
    "no list",
    [{"name": "spectrum"}, {"kind": "pipe"}, 5],
    [{"name": "", "kind": "pipe"}],
    [{"name": "spectrum.*", "kind": "pipe"}],
    [{"name": "x" * 10_000, "kind": "pipe"}],
]


@pytest.mark.parametrize("answer", GARBAGE)
def test_a_bank_that_names_nothing_to_subscribe_to_has_no_pictures(
    answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numpy")
    asked: list[object] = []

    def frames(_urls: object, wanted: object, _keys: object) -> dict[object, object]:
        asked.append(wanted)
        return {}

    monkeypatch.setattr(lastframes, "fan_out", lambda *_: {"BANKA": Outcome("BANKA", answer)})
    monkeypatch.setattr(lastframes, "_frames", frames)
    nobody: Any = None
    urls = {"BANKA": "tcp://127.0.0.1:1"}
    assert lastframes.last_pictures(nobody, urls, None, time.time()) == []
    assert asked == [{}]
