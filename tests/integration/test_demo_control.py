"""The demo of keys, control and the journal: who is let in, who is refused and told so, all is as it says."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from zmqjsonproxy.errors import AccessError, RoleTooLowError


def test_three_people_may_what_their_keys_say_and_the_journal_knows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIBAS_KEYS", "")
    demo: Any = importlib.import_module("demo_control")
    assert demo.main([]) == 0, capsys.readouterr()
    told = capsys.readouterr().out
    refused = [line.split()[2] for line in told.splitlines() if line.startswith("  refused to")]
    assert refused == ["cleo", "ben", "somebody", "anna", "ben", "ben"]
    words = ("RoleTooLowError", "control.take", "control.break_lease", "NotInControlError")
    for word in words:
        assert word in told[told.index("the journal") :]


def test_a_call_that_is_not_refused_or_otherwise_is_an_error_of_the_demo() -> None:
    demo: Any = importlib.import_module("demo_control")
    with pytest.raises(demo.DemoError, match="was not refused to ben"):
        demo.refused("ben", "set_mode", lambda: "done", AccessError)

    def low() -> None:
        raise RoleTooLowError("no")

    with pytest.raises(demo.DemoError, match="expected RefusedError"):
        demo.refused("ben", "set_mode", low, demo.RefusedError)
