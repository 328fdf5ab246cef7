"""Signatures that a server sent, whatever they are, as a proxy shows them."""

from __future__ import annotations

import pytest
from support.descriptions import described

from dealer.bank import AsyncBankProxy, BankProxy
from zmqjsonproxy import MethodDescription
from zmqjsonproxy.interface import HIDDEN_BY_PROXIES
from zmqjsonproxy.rpc.proxy import signature_of


def test_the_names_that_proxies_hide_are_those_that_they_have() -> None:
    assert {
        name for kind in (BankProxy, AsyncBankProxy) for name in dir(kind) if name[0] != "_"
    } == HIDDEN_BY_PROXIES


@pytest.mark.parametrize(
    "signature",
    [
        "(x: 'float', *, n=2) -> 'int'",
        "(a, /, b=None, *c: 'int', d: 'str' = 'x', **e)",
        "(a, b, /)",
        "(x=[1, {'a': None}])",
        "()",
    ],
)
def test_signatures_are_shown_as_they_were_written(signature: str) -> None:
    assert str(signature_of(described("sweep", None, signature))) == signature


def test_a_default_that_does_not_travel_is_shown_as_one_that_is_there() -> None:
    assert str(signature_of(described("sweep", None, "(x=print)"))) == "(x=...)"


def test_what_is_not_known_has_no_signature() -> None:
    assert signature_of(MethodDescription("sweep")) is None
