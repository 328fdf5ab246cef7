"""Search for a server at the ports of a range, with a hub that only answers from a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from zmqjsonproxy import CallResult
from zmqjsonproxy.errors import PeerLostError
from zmqjsonproxy.hubs import Hub, run
from zmqjsonproxy.portsearch import _located
from zmqjsonproxy.resolver import NotResolvedError

URL = "ports://h:1-4/BANKA"
SILENT = CallResult(error=PeerLostError("tcp://h:1", "rpc.ping", "nothing came"))


class Table:
    """Answers of the ports: one for each time that they are asked."""

    def __init__(self, *answers: dict[int, CallResult]) -> None:
        self.answers, self.asked = list(answers), list[tuple[list[str], float]]()

    async def call_each(self, urls: Iterable[str], *asked: Any) -> list[CallResult]:
        self.asked.append((list(urls), asked[-1]))
        found = self.answers.pop(0)
        return [found.get(int(url[-1]), SILENT) for url in urls]

    def locate(self) -> str:
        return run(_located(cast(Hub, self), URL, 1.0))


def of(name: object) -> CallResult:
    return CallResult({"name": name})


def test_what_says_nothing_holds_up_none_that_answers() -> None:
    ports = Table({2: of("BANKB"), 3: of("BANKA")})
    assert ports.locate() == "tcp://h:3"
    assert ports.asked == [([f"tcp://h:{port}" for port in (1, 2, 3, 4)], 0.3)]


def test_one_that_is_slow_is_asked_again() -> None:
    ports = Table({2: of("BANKB"), 3: CallResult("of another kind")}, {4: of("BANKA")})
    assert ports.locate() == "tcp://h:4"
    assert ports.asked[1][0] == ["tcp://h:1", "tcp://h:4"]


def test_one_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(NotResolvedError, match=r"no server BANKA at .* 1-4 of h; there are BANKB$"):
        Table({2: of("BANKB")}, {}).locate()
