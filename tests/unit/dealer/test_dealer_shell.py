"""What the prompt completes that Python's own completion does not know: Banks by name."""

from __future__ import annotations

import pytest

from dealer import Dealer
from dealer.shell import bank_completions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('d["', ['d["BANKA"]', 'd["BANKB"]', 'd["X"]']),
        ("d['BA", ["d['BANKA']", "d['BANKB']"]),
        ('print[d["X', ['print[d["X"]']),
        ('d["BANKX"].get', []),
        ("d['X'].ur", ["d['X'].url"]),
        ("d['X'].call_l", ["d['X'].call_later("]),
        ("d.set_mode", None),
        ("d['X\"].g", None),
        ("dd['X", None),
        ("", None),
    ],
)
def test_banks_and_what_they_have_are_completed(text: str, expected: list[str] | None) -> None:
    addresses = {bank: f"tcp://127.0.0.1:{port}" for port, bank in enumerate(("BANKA", "BANKB", "X"), 1)}
    with Dealer(addresses) as d:
        assert bank_completions(d, text) == expected
