"""Answers to calls of what is not there."""

from __future__ import annotations

import json

import pytest

from zmqjsonproxy.interface import Interface, query
from zmqjsonproxy.rpc.introspection import answer_unknown
from zmqjsonproxy.rpc.protocol.dialect import Request


class Source:
    """A source."""

    @query
    def get_period(self) -> float:
        """Period, s."""
        return 1.0


def test_a_hello_for_an_object_that_is_not_there_is_told_whose_server_it_is() -> None:
    interfaces = {"source": Interface.of("source", Source())}
    hello = Request("", [], {}, False, extra={}, name="sauce", method="list_methods")
    reply = json.loads(answer_unknown(hello, interfaces, "instance", 1000) or b"")
    assert reply["error"]["data"]["text"] == "no interface 'sauce' here; there are: source"
    assert (reply["dealer"], reply["instance"], reply["max_message_bytes"]) == (1, "instance", 1000)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (
            "source.get_peroid",
            "source has no method get_peroid; it has: get_period; did you mean get_period?",
        ),
        ("sauce.get_period", "no interface 'sauce' here; there are: source"),
        ("source." + "n" * 10**6, f"source has no method {'n' * 200}; it has: get_period"),
        ("n" * 10**6 + ".get_period", f"no interface '{'n' * 200}' here; there are: source"),
    ],
    ids=["method", "object", "long method", "long object"],
)
def test_a_name_that_nobody_has_is_answered_by_what_there_is(target: str, text: str) -> None:
    interfaces = {"source": Interface.of("source", Source())}
    reply = answer_unknown(Request(target, [], {}, True, 1), interfaces, "instance", 1000)
    assert reply is not None
    assert json.loads(reply)["error"]["data"]["text"] == text
