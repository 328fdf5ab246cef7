"""View of a server at a prompt: names, signatures, documentation, and that they have
changed."""

from __future__ import annotations

import inspect
import logging
import rlcompleter
from typing import Any

import pytest
import zmq
from support.player_process import PlayerProcess

from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.rpc.hub import Hub


def server(*arguments: str) -> PlayerProcess:
    """`support.rpc_bank` as a process."""
    return PlayerProcess("support.rpc_bank", arguments)


def completions(text: str, **names: Any) -> list[str]:
    completer = rlcompleter.Completer(names)
    found = []
    while (word := completer.complete(text, len(found))) is not None:
        found.append(word)
    return found


def test_proxies_refresh_by_themselves_and_say_once_what_is_different(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    with Hub() as hub, server() as first:
        with (
            ZMQJSONProxyClient(None, "bank", first.url, 10.0, hub=hub) as proxy,
            ZMQJSONProxyClient(None, "bank", first.url, 10.0, hub=hub) as same,
        ):
            named: Any = proxy
            assert completions("bank.more", bank=proxy) == []
            first.kill()
            with server(first.url, "more") as second:
                assert (
                    named.add(1, 1) == 2
                )  # no question was asked: the call itself met another server
                assert named.more() == "more"
                assert completions("bank.more", bank=same) == ["bank.more()"]
                assert "more" in dir(proxy)
                second.kill()
                with server(first.url):
                    assert named.add(1, 1) == 2
                    assert (
                        completions("bank.more", bank=proxy)
                        == completions("bank.more", bank=same)
                        == []
                    )
    assert [record.getMessage() for record in caplog.records] == [
        f"bank at {first.url} has another interface now; new: more",
        f"bank at {first.url} has another interface now; gone: more",
    ]


def test_signatures_and_documentation_are_those_of_the_method() -> None:
    with (
        zmq.Context() as context,
        server() as served,
        ZMQJSONProxyClient(context, "bank", served.url, 10.0) as proxy,
    ):
        named: Any = proxy
        assert str(inspect.signature(named.add)).startswith("(x: 'Any', y: 'Any')")
        assert inspect.getdoc(named.add) == "Adds two values."
        assert (named.add.__name__, callable(named.add)) == ("add", True)
        assert completions("bank.ad", bank=proxy) == ["bank.add("]
