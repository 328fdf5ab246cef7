"""Dealers and their Players, for tests."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_process import PlayerProcess

from dealer import Dealer
from dealer.cli import main


class Array:
    """Players, a Dealer with all of them active, and what there is to know of them."""

    def __init__(self, dealer: Dealer, players: dict[str, PlayerProcess]) -> None:
        self.dealer, self.players = dealer, players

    def __getitem__(self, bank: str) -> PlayerProcess:
        return self.players[bank]

    def journal(self, bank: str) -> list[str]:
        """Events of the scans of a native Bank."""
        found: list[str] = self.dealer[bank].journal()
        return found


@contextmanager
def array_of(*players: PlayerProcess, **settings: Any) -> Iterator[Array]:
    """A Dealer with these Players as BANKA, BANKB, ..., all active; at the end all processes are
    ended."""
    with ExitStack() as stack:
        named = {
            f"BANK{chr(ord('A') + n)}": stack.enter_context(player)
            for n, player in enumerate(players)
        }
        dealer = stack.enter_context(
            Dealer({bank: player.url for bank, player in named.items()}, **settings)
        )
        dealer.add_active_player(*named)
        yield Array(dealer, named)


def natives(number: int, **settings: Any) -> list[NativePlayer]:
    """Some native Players with a mode set."""
    return [NativePlayer(mode="MODE1", **settings) for _ in range(number)]


def originals(number: int, **settings: Any) -> list[OriginalPlayer]:
    """Some Players of the original with a mode set."""
    return [OriginalPlayer(mode="MODE1", **{"earliest_in": 1.5, **settings}) for _ in range(number)]


def received(record: Path) -> list[dict[str, Any]]:
    """All that an original Player with `record=` was sent."""
    return [json.loads(line) for line in record.read_bytes().splitlines()]


def called(record: Path) -> list[str]:
    """The methods an original Player was asked for, without the listing of methods."""
    return [m["proc"] for m in received(record) if m["proc"] != "list_methods"]


def eventually(condition: Callable[[], object], within: float = 120.0) -> None:
    """Wait for a condition; AssertionError if it does not come true."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"did not come true within {within:g} s"
        time.sleep(0.02)


def dealer_here(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command `dealer` to its end, in this process: its start takes longer than most it
    does."""
    command = list(map(str, words))
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            status = main(command)
        except SystemExit as usage:
            status = int(usage.code or 0)
    return subprocess.CompletedProcess(command, status, output.getvalue(), errors.getvalue())
