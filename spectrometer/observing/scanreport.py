"""Report of a scan: its outcome, and what was planned and recorded, compared. No clock, no status
memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from spectrometer.derive.times import as_list
from spectrometer.status.protocol.cards import plain

__all__ = [
    "FOUND",
    "NO_REPORT",
    "ScanOutcome",
    "ScanReport",
    "ScanReports",
    "Verdict",
    "judge",
    "standing",
]

FOUND = {
    "file": "DAQFITS",
    "integrations": "DAQNINT",
    "planned": "DAQPLAN",
    "dropped": "DAQDROP",
    "lost_s": "DAQLOST",
    "packets": "NPKT",
    "packets_lost": "NDROP",
    "peak_channel": "DAQPEAK",
    "loops": "DAQLOOPS",
}
"""Entry of a report -> the status key in which a data-taking program tells it."""
TEXTS = frozenset({"file"})
CARD = 60  # characters of a text in the status memory and in a header
LISTED = 20  # Banks in a sentence
KEPT = 32  # reports of a Bank; more scans than anybody waits for at once


class ScanOutcome(StrEnum):
    """Outcome of a scan; those before DONE are not final."""

    STARTING = "starting"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    INCOMPLETE = "incomplete"
    STOPPED = "stopped"
    ABORTED = "aborted"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """The scan has ended."""
        return self not in (ScanOutcome.STARTING, ScanOutcome.WAITING, ScanOutcome.RUNNING)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of a scan that has ended, why it failed, and what else is to be known of its data."""

    outcome: ScanOutcome
    error: str = ""
    warnings: tuple[str, ...] = ()


def judge(
    ended: ScanOutcome,
    error: str,
    found: Mapping[str, Any],
    *,
    program: str,
    has_counts: bool | None,
    blocked: int = 0,
    looks: int = 0,
) -> Verdict:
    """Compare what was planned with what was recorded.

    Args:
        ended: DONE if the scan lasted its length, STOPPED or ABORTED if somebody ended it before.
        error: What went wrong; empty if nothing is known to have.
        found: What the data-taking program says, by the names of FOUND.
        program: Its name.
        has_counts: It is one that reports what it planned and recorded; False: it may; None: it
            takes no data.
        blocked: Looks at the status memory during the scan that found NETSTAT `blocked`.
        looks: All looks during the scan.

    Returns:
        A scan that was ended before its length keeps that outcome, and its losses are warnings.
    """
    if error:
        return Verdict(ScanOutcome.FAILED, error)
    if has_counts is None:
        return Verdict(ended, "", ("simulated without a source: no data are taken",))
    losses = _losses(found, blocked, looks)
    if ended is not ScanOutcome.DONE:
        return Verdict(ended, "", tuple(losses))
    if nothing := _nothing(found, program, has_counts, blocked, looks):
        return Verdict(ScanOutcome.FAILED, "; ".join([nothing, *losses]))
    if losses:
        return Verdict(ScanOutcome.INCOMPLETE, "", tuple(losses))
    if found.get("integrations") is None and found.get("packets") is None:
        return Verdict(ended, "", (f"not verified: {program} reports no counts",))
    if found.get("planned") is None and not found.get("packets"):
        text = f"not verified: {program} reports {found['integrations']} integrations and not how many were planned"
        return Verdict(ended, "", (text,))
    return Verdict(ended)


def _nothing(
    found: Mapping[str, Any], program: str, has_counts: bool, blocked: int, looks: int
) -> str:
    """A sentence if nothing was recorded."""
    recorded, planned = found.get("integrations"), found.get("planned")
    if recorded is None and has_counts:
        return f"{program} reported nothing of this scan"
    if recorded == 0:
        return "nothing was recorded" + (
            "" if planned is None else f" of {planned} integrations that were planned"
        )
    if looks and blocked == looks:
        return "no data came"
    if recorded is None and found.get("packets") == 0:
        return "no data came: NPKT is 0"
    return ""


def _losses(found: Mapping[str, Any], blocked: int, looks: int) -> list[str]:
    recorded, planned = found.get("integrations"), found.get("planned")
    sentences: list[str] = []
    if recorded is not None and planned is not None and recorded < planned:
        sentences.append(f"{recorded} of {planned} integrations recorded")
    dropped, lost_s, packets = (
        found.get(name) or 0 for name in ("dropped", "lost_s", "packets_lost")
    )
    if dropped or lost_s:
        parts = [f"{dropped:.3g} blocks"] if dropped else []
        parts += [f"{lost_s:.3g} s"] if lost_s else []
        sentences.append(f"{', '.join(parts)} of the data lost")
    if packets and not dropped:
        sentences.append(f"{packets} packets lost")
    if blocked:
        part = "throughout the scan" if blocked == looks else f"at {blocked} of {looks} looks"
        sentences.append(f"NETSTAT was blocked {part}")
    return sentences


@dataclass(slots=True)
class ScanReport:
    """Report of one scan, from the moment its start was asked for.

    Attributes:
        start_id: Identity of the start.
        by: Who asked for it.
        scan: Its number; None until one is given.
        start: UTC; None until it is agreed on.
        length: s.
        outcome: See ScanOutcome.
        error: Why it failed, or why it was taken back.
        warnings: What is to be known of data that may be good.
        ended_by: Who stopped it, or took it back; empty if nobody did.
        banks: All Banks of the common start; empty: this one alone.
        missing: Those of them that did not begin, as far as it was told; None: nobody confirmed
            that all did.
        found: As `FOUND` names it.
        fraction: Of its time that is over, 0..1; None: it has not begun.
    """

    start_id: str
    by: str
    scan: int | None = None
    start: datetime | None = None
    length: float | None = None
    outcome: ScanOutcome = ScanOutcome.STARTING
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    ended_by: str = ""
    banks: Sequence[str] = ()
    missing: Sequence[str] | None = None
    found: dict[str, Any] = field(default_factory=dict)
    fraction: float | None = None

    def take(self, values: Mapping[str, Any]) -> None:
        """Take over what the status memory tells of the data; numbers only where numbers belong."""
        found = {
            name: (_text if name in TEXTS else _number)(values.get(key))
            for name, key in FOUND.items()
        }
        self.found = {name: value for name, value in found.items() if value is not None}

    def close(self, verdict: Verdict) -> None:
        """Take over what came of the scan."""
        self.outcome, self.error = verdict.outcome, verdict.error
        self.warnings += verdict.warnings
        if self.outcome in (ScanOutcome.DONE, ScanOutcome.INCOMPLETE):
            self.fraction = 1.0

    @property
    def is_whole(self) -> bool | None:
        """All Banks of the common start began; None: it is a start of this Bank alone."""
        return None if len(self.banks) < 2 else self.missing is not None and not self.missing

    @property
    def array_state(self) -> str:
        """Text of the status key ARRAYST: "single", "whole", "without BANKB" or "not confirmed:
        BANKA BANKB"."""
        if self.is_whole is None:
            return "single"
        if self.missing is None:
            return _card("not confirmed:", self.banks)
        return _card("without", self.missing) if self.missing else "whole"

    @property
    def array_sentence(self) -> str:
        """Warning about a common start that not all Banks are known to have made; empty if all
        have."""
        if self.is_whole is not False:
            return ""
        if self.missing:
            return f"the scan is not whole: {_listed(self.missing)} did not take part"
        return f"not known to be whole: nobody confirmed that all of {_listed(self.banks)} began"

    @property
    def all_warnings(self) -> list[str]:
        """All that is to be known of the data, that of the array too."""
        sentence = self.array_sentence if self.outcome.is_final else ""
        return [*self.warnings, *([sentence] if sentence else [])]

    def as_dict(self) -> dict[str, Any]:
        """Return the report for callers; all keys are there, None where nothing is known."""
        return {
            "scan": self.scan,
            "start_id": self.start_id,
            "by": self.by,
            "outcome": self.outcome.value,
            "error": self.error,
            "warning": "; ".join(self.all_warnings),
            "ended_by": self.ended_by,
            "start": None if self.start is None else as_list(self.start),
            "scan_length": self.length,
            "is_whole": self.is_whole,
            **{name: self.found.get(name) for name in FOUND},
        }


NO_REPORT: dict[str, Any] = ScanReport("", "").as_dict() | {"outcome": "none"}
"""Report where there was no scan."""


def standing(state: str, report: ScanReport | None) -> dict[str, Any]:
    """Return how the data taking of a Bank stands, for those who follow it.

    Args:
        state: Of the data taking.
        report: Of the last scan; None: there was none.

    Returns:
        `state`; `is_over`: the last scan has ended, and its report is final; `fraction` of its time
        that is over; and its report.
    """
    if report is None:
        return {"state": state, "is_over": False, "fraction": None, **NO_REPORT}
    is_over = report.outcome.is_final
    return {"state": state, "is_over": is_over, "fraction": report.fraction, **report.as_dict()}


class ScanReports:
    """The last reports of a Bank, by identity of their start; one thread at a time adds."""

    def __init__(self) -> None:
        self._reports: deque[ScanReport] = deque(maxlen=KEPT)

    def add(self, report: ScanReport) -> None:
        """Take up the report of a new start; the oldest is forgotten."""
        self._reports.append(report)

    def get(self, start_id: str | None) -> ScanReport | None:
        """Return the last report, or that of a start; None if there is none (any more)."""
        reports = list(self._reports)
        return next((r for r in reversed(reports) if start_id in (None, r.start_id)), None)


def _card(word: str, names: Sequence[str]) -> str:
    """Return a word and as many names as a card holds, in characters that it holds."""
    for shown in range(len(names), -1, -1):
        more = f" and {len(names) - shown} more" if shown < len(names) else ""
        text = f"{' '.join([word, *names[:shown]])}{more}"
        if len(text) <= CARD:
            break
    return plain(text)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _number(value: object) -> int | float | None:
    """A count or measure; None for what is none, as a foreign program may write it."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or value < 0
    ):
        return None
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
