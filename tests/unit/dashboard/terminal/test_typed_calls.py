"""Lines that are typed out on the terminal."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from support.snapshots import row, snapshot

from dashboard.terminal.commands import Commands, TypedCall, read_call
from dealer.errors import DealerError
from zmqjsonproxy import AsyncHub, RefusedError

BANKS = ["BANKA", "BANKB", "BANKC"]


def test_a_line_is_method_banks_and_arguments() -> None:
    assert read_call("stop BANKA", BANKS) == TypedCall(["BANKA"], "bank", "stop", [], {})
    call = read_call("bank.valon.set all 1.5 'a b' name=[1,2]", BANKS)
    assert call == TypedCall(BANKS, "bank.valon", "set", [1.5, "a b"], {"name": [1, 2]})
    assert read_call("stop banka,bankc", BANKS).banks == ["BANKA", "BANKC"]


@pytest.mark.parametrize("line", ["stop", "stop BANKX", "stop 'BANKA"])
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises((ValueError, DealerError)):
        read_call(line, BANKS)


class Result:
    def __init__(self, error: Exception | None) -> None:
        self.value, self.error = None, error


class Calls:
    """Notes what is called; BANKB refuses."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    async def call_each(self, urls: list[str], *call: Any, timeout: float) -> list[Result]:
        self.made.append((urls, *call))
        refusal = RefusedError("ann has control")
        return [Result(refusal if url == "tcp://b" else None) for url in urls]


def told_of(line: str) -> tuple[str, Calls]:
    calls = Calls()
    urls = {"BANKA": "tcp://a", "BANKB": "tcp://b", "BANKC": "tcp://c"}
    rows = [row("BANKA"), row("BANKB", state="stale"), row("BANKC", state="lost")]
    commands = Commands(cast(AsyncHub, calls), urls, lambda: snapshot(rows))
    return asyncio.run(commands.run(line)), calls


def test_what_came_of_it_is_told_bank_by_bank() -> None:
    told, calls = told_of("stop BANKA,BANKB")
    assert told == "stop: BANKA: done; BANKB: ann has control"
    assert calls.made == [(["tcp://a", "tcp://b"], "bank", "stop", (), {})]


def test_a_silent_bank_is_sent_nothing_but_stop_and_a_lost_one_nothing() -> None:
    for line in ("prepare BANKA,BANKB", "stop BANKC"):
        told, calls = told_of(line)
        assert "not sent" in told
        assert calls.made == []
