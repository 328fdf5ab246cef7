"""Commands to Players that clients may give: those of the configuration, and no other."""

from __future__ import annotations

import fnmatch
import json
import logging
from collections.abc import Mapping
from typing import Any

from gateways.difx.config import CommandConfig
from gateways.difx.errors import UnitError
from gateways.difx.players import DifxPlayers
from zmqjsonproxy import CallRequest

__all__ = ["DifxUnits", "answer_text"]

log = logging.getLogger(__name__)


class DifxUnits:
    """The allow-list of a gateway. What it calls it waits for: call it in a thread.

    Args:
        players: Reaches the Players.
        commands: What is allowed, by name.
    """

    def __init__(self, players: DifxPlayers, commands: Mapping[str, CommandConfig]) -> None:
        self._players, self._commands = players, commands

    def command(self, name: str, target: str = "", client: str = "") -> dict[str, dict[str, Any]]:
        """Give a command to the Players that it is for and that a target fits.

        Args:
            name: Of the command.
            target: Name or pattern of Banks; empty: all that it is for.
            client: On whose behalf, for the log.

        Returns:
            Of each Bank `value`, or `error` with a sentence.

        Raises:
            UnitError: The command is not allowed, or there is no such Player.
        """
        allowed = self._commands.get(name.strip())
        if allowed is None:
            known = ", ".join(self._commands) or "none"
            raise UnitError(
                f"{name.strip()!r:.200}: is no command that clients may give; there are {known} "
                "(`commands` of the table of this Bank)"
            )
        banks = [
            bank
            for bank in self._players.matching(allowed.player)
            if fnmatch.fnmatchcase(bank.lower(), target.strip().lower() or "*")
        ]
        if not banks:
            raise UnitError(
                f"{name.strip()}: {target!r:.80} is no Player that it is for; it is for "
                f"{', '.join(self._players.matching(allowed.player)) or allowed.player}"
            )
        part, _, method = allowed.call.rpartition(".")
        requests = [
            CallRequest(
                self._players.url(bank),
                f"bank.{part}" if part else "bank",
                method,
                allowed.arguments,
            )
            for bank in banks
        ]
        told = f" for {client}" if client else ""
        log.info("command %s to %s%s", name.strip(), ", ".join(banks), told)
        results = self._players.hub.call_many(requests, allowed.timeout)
        return {
            bank: {"value": got.value} if got.error is None else {"error": str(got.error)}
            for bank, got in zip(banks, results, strict=True)
        }


def answer_text(value: object) -> str:
    """Return a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=repr)
