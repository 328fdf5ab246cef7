"""First line of pages of one Bank."""

from __future__ import annotations

from dashboard.terminal.lines import Line
from dashboard.terminal.pages.page import Look
from dashboard.terminal.scans import ScanCells
from dashboard.terminal.snapshot import ArraySnapshot, Row
from dashboard.terminal.states import is_stale, shape
from dashboard.terminal.texts import percent, span, value_text, visible

__all__ = ["bank_head"]


def bank_head(shown: ArraySnapshot, row: Row, look: Look) -> Line:
    """Return name, state, mode and scan of a Bank; of a silent one since when it is."""
    state = shown.state(row)
    sign = shape(state.severity, ascii_only=look.ascii_only)
    head: Line = (
        (f"{visible(row['bank'], 40)} ", "bold"),
        (f"{sign} {visible(state.word, 20)} ", state.severity),
    )
    if is_stale(row):
        return (*head, (visible(state.why), "stale"))
    scan = ScanCells.of(row)
    told = [visible(scan.mode, 20)]
    if scan.number is not None:
        told.append(f"scan {value_text(scan.number)}")
    if scan.share is not None:
        told.append(f"{percent(scan.share)}, {span(scan.left)} left")
    owner = (row["control"] or {}).get("owner")
    told.append(f"control: {visible(owner, 20)}" if owner else "")
    told.append("polled" if row["dialect"] == "original" else "")
    return (
        *head,
        ("  ".join(filter(None, told)), ""),
        (f"  {visible(state.why)}", state.severity),
    )
