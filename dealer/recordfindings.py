"""Findings of `dealer doctor` about journals and histories, by what Players tell of them. Asks
nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from commandline import Finding
from groundwork.printable import printable
from groundwork.values import JsonValue

__all__ = ["record_findings", "sink_findings"]


def record_findings(what: str, told: Mapping[str, JsonValue]) -> tuple[list[Finding], list[str]]:
    """Return what is wrong, and notes.

    Args:
        what: `journal` or `history`.
        told: Bank -> answer of its `state`; what is none is left out.
    """
    findings = [
        finding
        for bank, state in told.items()
        if isinstance(state, dict)
        for finding in _findings(what, bank, state)
    ]
    notes = [
        printable(f"{bank}: keeps no {what}: {state['why_not']}")
        for bank, state in told.items()
        if isinstance(state, dict) and "why_not" in state and not state.get("on_purpose")
    ]
    return findings, notes


def _findings(what: str, bank: str, state: Mapping[str, JsonValue]) -> Iterator[Finding]:
    lost, trouble, aside = (state.get(key) for key in ("lost", "trouble", "set_aside"))
    if trouble:
        text = printable(f"its {what} is not written: {trouble}")
        yield Finding(what, text, f"make room, or mend the disk of {state.get('folder')}", bank)
    if isinstance(lost, int) and lost:
        text = f"{lost} records of its {what} were lost since its start"
        yield Finding(what, text, "its log says why; the journal says when", bank)
    for one in aside if isinstance(aside, list) else ():
        remedy = "look at the disk; keep the file for as long as you want to read it, by hand"
        yield Finding(what, printable(str(one)), remedy, bank)


def sink_findings(told: Mapping[str, JsonValue]) -> list[Finding]:
    """Return what is wrong with servers that get journals and histories, too.

    Args:
        told: Bank -> answer of `journal.sinks`; what is none is left out.
    """
    return [
        finding
        for bank, sinks in told.items()
        if isinstance(sinks, list)
        for sink in sinks
        if isinstance(sink, dict)
        for finding in _sink_findings(bank, sink)
    ]


def _sink_findings(bank: str, sink: Mapping[str, JsonValue]) -> Iterator[Finding]:
    name = sink.get("name")
    if trouble := sink.get("trouble"):
        text = printable(f"{name} gets no records: {trouble}")
        remedy = (
            "mend it, or its table [instrument.postgres] or [instrument.redis]; it then gets them"
        )
        yield Finding("sinks", text, remedy, bank)
    for kind in ("journal", "history"):
        counts = sink.get(kind)
        if isinstance(counts, dict) and isinstance(counts["lost"], int) and counts["lost"]:
            text = printable(f"{name} will never have {counts['lost']} records of the {kind}")
            yield Finding("sinks", text, "the Player's log, and that server, say why", bank)
