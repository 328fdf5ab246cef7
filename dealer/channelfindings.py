"""Findings of `dealer doctor` about subscriptions, by what Players tell of who subscribes. Asks
nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from commandline import Finding
from dealer.shownvalues import age_text
from groundwork.printable import printable
from groundwork.values import JsonValue

__all__ = ["channel_findings"]

RECENTLY_S = 60.0
"""A loss that is longer ago is a note, s."""
LAGS_S = 2.0
"""A subscriber that takes nothing for so long lags, s."""
WAITING_BYTES = 2**20
"""So much waits for no subscriber that keeps up, bytes."""
MAX_NAMED = 3
"""Slow subscribers of one Player that are told one by one."""


def channel_findings(told: Mapping[str, JsonValue]) -> tuple[list[Finding], list[str]]:
    """Return what is wrong, and notes.

    Args:
        told: Bank -> answer of `rpc.channels`; what is none is left out.
    """
    findings: list[Finding] = []
    notes: list[str] = []
    for bank, answer in told.items():
        if not isinstance(answer, dict):
            continue
        slow = list(_slow_subscribers(bank, answer))
        findings += slow
        connections, streams = _number(answer, "connections"), _number(answer, "streams")
        dropped, ago = _number(answer, "dropped"), _number(answer, "dropped_ago")
        lost = f"{_counted(dropped, 'update')} did not reach their subscribers, the last one {age_text(ago)} ago"
        if dropped and ago <= RECENTLY_S and not slow:
            remedy = (
                "let them subscribe with a `rate`, or to less; or let the Bank publish less often"
            )
            findings.append(Finding("channels", lost, remedy, bank))
        elif connections or dropped:
            there = f"{_counted(connections, 'subscriber')}, {_counted(streams, 'stream')}"
            notes.append(f"{bank}: {there}; {lost if dropped else 'no update was dropped'}")
    return findings, notes


def _slow_subscribers(bank: str, answer: Mapping[str, JsonValue]) -> Iterator[Finding]:
    """Yield a finding for each subscriber that takes too little, up to MAX_NAMED."""
    clients = answer.get("clients")
    named = 0
    for client in clients if isinstance(clients, list) else ():
        if not isinstance(client, dict) or named == MAX_NAMED:
            continue
        waiting, lags = _number(client, "waiting"), _number(client, "lags")
        if waiting < WAITING_BYTES and lags < LAGS_S:
            continue
        named += 1
        name = printable(str(client.get("name", ""))[:120])
        missed = _counted(_number(client, "dropped"), "update")
        text = f"its subscriber {name} takes too little: {waiting / 2**20:.1f} MiB wait for it, it missed {missed}"
        remedy = "see whether it hangs, or its network is slow; else let it subscribe to less, or with a `rate`"
        yield Finding("channels", text, remedy, bank)


def _number(told: Mapping[str, JsonValue], key: str) -> float:
    value = told.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _counted(number: float, noun: str) -> str:
    return f"{number:.0f} {noun}{'' if number == 1 else 's'}"
