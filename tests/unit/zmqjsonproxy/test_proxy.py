"""What a proxy shows of signatures that a server sent, whatever they are."""

from __future__ import annotations

import pytest

from dealer.bank import AsyncBankProxy, BankProxy
from zmqjsonproxy.interface import HIDDEN_BY_PROXIES
from zmqjsonproxy.rpc.proxy import read_signature


def test_the_names_that_proxies_hide_are_those_that_they_have() -> None:
    assert {
        name for kind in (BankProxy, AsyncBankProxy) for name in dir(kind) if name[0] != "_"
    } == HIDDEN_BY_PROXIES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(x: 'float', *, n=2) -> 'int'", "(x: 'float', *, n=2) -> 'int'"),
        ("(x={[]: 1}, y={[]})", "(x='{[]: 1}', y='{[]}')"),
        ("(x=f())", "(x='f()')"),
        ("(x=...)", "(x=...)"),
        (f"(x={'+'.join(['1'] * 500)})", "None"),
        (f"(x={'-' * 500}1)", "None"),
        ("(x, x)", "None"),
        ("(", "None"),
    ],
)
def test_signatures_are_shown_and_never_run(text: str, shown: str) -> None:
    assert str(read_signature(text)) == shown
