"""State of a histogrammer Bank: how its analysis stands, findings, and what keeps it from being ready.
Pure functions of what the Bank knows."""

from __future__ import annotations

from groundwork.values import JsonObject
from histogrammer.analyzer import NOT_ATTACHED, RunState
from player.findings import Finding
from player.readiness import READY, Depends, Hindrance

__all__ = ["DEPENDS", "analysis_state", "bank_findings", "bank_hindrances", "overview"]

DEPENDS: Depends = {
    READY: ("analysis",),
    "analysis": ("source", "histogrammer"),
    "source": (),
    "histogrammer": (),
}
"""Thing of a Bank -> things that it needs."""


def analysis_state(state: RunState) -> JsonObject:
    """Return how an analysis stands, as `get_analysis` tells it."""
    return {
        "active": state.is_active,
        "attached": state.attached,
        "error": state.error,
        "run": state.run,
        "title": state.title,
        "events": state.events,
        "bytes": state.bytes,
        "size": state.size,
        "event_rate": state.event_rate,
        "byte_rate": state.byte_rate,
        "fraction": state.fraction,
        "left_s": state.left_s,
        "live": state.told_live(),
    }


def overview(state: RunState) -> JsonObject:
    """Return a row of `dealer status` about a Bank, name -> value."""
    return {
        "SOURCE": state.attached,
        "RUN": state.run,
        "STATE": "active" if state.is_active else "failed" if state.error else "idle",
        "EVENTS": state.events,
        "RATE": round(state.event_rate),
    }


def bank_findings(bank: str, state: RunState, *, is_alive: bool) -> list[dict[str, str]]:
    """Return what is wrong with the analysis of a Bank, as JSON holds it.

    Args:
        bank: Its name.
        state: Of the analysis.
        is_alive: The thread of the engine runs.
    """
    findings = []
    if not is_alive:
        text = "its thread has ended: nothing is filled, and nothing is answered"
        remedy = "look into the log of its Player, and start it again"
        findings.append(Finding("histogrammer", text, remedy, bank))
    if error := state.error:
        remedy = f"look at the file; what was before it is in the spectra: dealer call {bank} get_accounts"
        text = f"the last analysis ended early: {error}"
        findings.append(Finding("analysis", text, remedy, bank))
    return [finding.describe() for finding in findings]


def bank_hindrances(bank: str, state: RunState) -> list[Hindrance]:
    """Return what keeps a Bank from filling spectra now, beside its findings."""
    found = []
    if state.attached == NOT_ATTACHED:
        text, remedy = "no source of events is attached", f"dealer call {bank} attach FILE"
        found.append(Hindrance(thing="source", text=text, remedy=remedy, is_fault=False))
    elif not state.is_active:
        text = "the source was read to its end" if state.is_over else "the analysis is stopped"
        remedy = f"attach another source, or: dealer call {bank} start"
        found.append(Hindrance(thing="analysis", text=text, remedy=remedy, is_fault=False))
    elif state.live is not None and state.live.is_connected is False:
        trouble = f": {state.live.trouble}" if state.live.trouble else ""
        text = f"the live source {state.attached} is not connected{trouble}"
        remedy = "look after its sender; it is connected again by itself"
        found.append(Hindrance(thing="source", text=text, remedy=remedy))
    return found
