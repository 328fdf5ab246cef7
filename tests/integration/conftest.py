"""Fixtures of several of these tests: a served Bank, and clients of both kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import zmq
from support.both import Waiting
from support.player_process import PlayerProcess
from support.rpc_bank import Bank, serving

from dealer import AsyncDealer, Dealer
from zmqjsonproxy import AsyncHub, AsyncProxyClient, Hub, ZMQJSONProxyClient

Make = Callable[..., Any]


@pytest.fixture
def served() -> Iterator[tuple[str, Bank]]:
    """(URL, Bank) of a server in a thread."""
    with serving() as both:
        yield both


@pytest.fixture
def proxy(served: tuple[str, Bank]) -> Iterator[Any]:
    """A blocking proxy of that Bank."""
    with zmq.Context() as context, ZMQJSONProxyClient(context, "bank", served[0], 60.0) as one:
        yield one


@pytest.fixture(params=["blocking", "asyncio"])
def make_proxy(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Make a proxy of (URL, object); without arguments, a hub."""
    made: list[Any] = []
    with asyncio.Runner() as runner:

        def one(url: str = "", name: str = "bank", time_out: float = 60.0) -> Any:
            if request.param == "blocking":
                made.append(ZMQJSONProxyClient(None, name, url, time_out) if url else Hub())
            else:
                made.append(
                    Waiting(
                        runner, AsyncProxyClient(None, name, url, time_out) if url else AsyncHub()
                    )
                )
            return made[-1]

        yield one
        for each in made:
            each.close()


@pytest.fixture(params=["blocking", "asyncio"])
def make_dealer(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Make a Dealer of `make_dealer(PLAYER, ...)` with all of them active; their processes end with
    the test."""
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())

        def one(*players: PlayerProcess | str, **settings: Any) -> Any:
            urls = {
                f"BANK{chr(ord('A') + n)}": p if isinstance(p, str) else stack.enter_context(p).url
                for n, p in enumerate(players)
            }
            d = (
                Dealer(urls, **settings)
                if request.param == "blocking"
                else AsyncDealer(urls, **settings)
            )
            d.add_active_player(*urls)
            waiting = d if isinstance(d, Dealer) else Waiting(runner, d)
            stack.callback(lambda: waiting.close())
            return waiting

        yield one
