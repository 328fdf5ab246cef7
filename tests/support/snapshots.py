"""States of an array, made by hand, for what shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.protocol.topics import BoardTopic, KeyTopic, LineTopic
from dashboard.terminal.snapshot import ArraySnapshot, Pipe

__all__ = ["NOW", "row", "running", "snapshot"]

NOW = 1796008447.0
"""2026-11-30 03:14:07 UTC."""


def row(bank: str = "BANKA", state: str = "live", **more: Any) -> dict[str, Any]:
    """Return a row of the topic `overview`."""
    told: dict[str, Any] = {
        "bank": bank,
        "kind": "spectrometer",
        "host": "hpc1",
        "url": "tcp://hpc1:6667",
        "dialect": "native",
        "simulated": False,
        "link": {"state": state, "since": NOW - 83, "reason": "it does not answer"},
        "interface": 1,
        "offset": 0.0,
        "overview": {"mode": "MODE1", "SCANNUM": 12, "SCANREM": 21.0},
        "control": None,
        "findings": [],
        "load": None,
        "scan": None,
        "operations": [],
        "missed": 0,
    }
    return told | more


def running(**more: Any) -> dict[str, Any]:
    """Return the scan of a Bank that runs."""
    told = {"state": "running", "is_over": False, "fraction": 0.64, "scan": 12, "dropped": 0}
    told |= {"start": [2026, 11, 30, 3, 13, 30, 0], "scan_length": 60.0, "file": "a.fits"}
    return told | more


def snapshot(
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    lines: Sequence[Mapping[str, Any]] = (),
    pipes: Mapping[str, Sequence[Pipe]] | None = None,
    answers: Mapping[str, Any] | None = None,
    docs: Mapping[str, Any] | None = None,
    **topics: Mapping[str, Any],
) -> ArraySnapshot:
    """Return the array in a state.

    Args:
        rows: Of its Banks.
        lines: Of the log.
        pipes: Of Banks.
        answers: What was asked for.
        docs: Of values.
        **topics: Values of further topics; `_` in their names stands for `:`.
    """
    log = LineTopic("log")
    for line in lines:
        log.add(dict(line))
    known: dict[str, BoardTopic] = {"log": log}
    for name, values in {"overview": {each["bank"]: each for each in rows}, **topics}.items():
        topic = KeyTopic(name.replace("_", ":"))
        topic.update(values)
        known[topic.name] = topic
    return ArraySnapshot(
        now=NOW,
        topics=known,
        banks=[each["bank"] for each in rows],
        name="VEGAS",
        pipes=pipes or {},
        answers=answers or {},
        docs=docs or {},
    )
