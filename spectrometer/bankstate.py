"""State of a Bank for its callers: overview and findings, made of what the Bank knows. No memory, no device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from player.findings import Finding
from spectrometer.boardwatch import STATE_KEY
from spectrometer.status.protocol.damage import Damage

__all__ = ["bank_findings", "bank_overview"]

OVERVIEW = ("SCANNUM", "SCANREM", "NETSTAT", "DAQSTATE", "SIMULATE")
BOARD_IS_WELL = ("", "answers")
SHOWN = 500  # characters of a reason


def bank_overview(mode: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `dealer status`, from the name of the mode and the status."""
    return {"mode": mode, **{key: values.get(key) for key in OVERVIEW}}


def bank_findings(
    bank: str, damage: Sequence[Damage], why_no_mode: str, values: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return what is wrong with a Bank, as JSON holds it.

    Args:
        bank: Its name.
        damage: That of the status memory.
        why_no_mode: The reason why no mode is set, if there should be one; else empty.
        values: The status, as far as it can be read.
    """
    findings = [
        Finding("status memory", f"the status memory is damaged: {each}", f"dealer call {bank} repair_status", bank)
        for each in damage
    ]
    if why_no_mode:
        remedy = f"put that right, and set a mode: dealer call {bank} set_mode MODE"
        findings.append(Finding("mode", f"no mode is set: {why_no_mode:.{SHOWN}}", remedy, bank))
    board = str(values.get(STATE_KEY, ""))
    if board not in BOARD_IS_WELL:
        remedy = f"look after its power and network, then: dealer call {bank} set_mode MODE force=true"
        findings.append(Finding("board", f"the last scan found the board not well: {board}", remedy, bank))
    return [finding.describe() for finding in findings]
