"""Questions behind the hand-over sheet: journals and histories of all Banks, and how they stand now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dealer.journalrows import call_text, who_of
from dealer.recordreading import PAGE, RecordReader, in_time_order
from dealer.shiftsheet import SCAN_KEYS, ShiftSheet, deeds_of, scans_of
from dealer.why import ArrayQuestion, ask_why
from dealer.whychain import Why
from zmqjsonproxy import ThreadHub

__all__ = ["ask_handover"]

MAX_CALL = 300
"""Characters of a call."""


def ask_handover(
    hub: ThreadHub, question: ArrayQuestion, since: float, until: float, title: str = ""
) -> ShiftSheet:
    """Return the hand-over sheet of a shift.

    Args:
        hub: To ask with.
        question: Which Banks, and how they are asked.
        since: Begin of the shift, UTC, unix seconds.
        until: Its end.
        title: Name of the site.
    """
    reader = RecordReader(hub, question.urls, question.timeout)
    asked = {"since": since, "until": until, "most": PAGE}
    banks = list(question.urls)
    journals = reader.read_all(
        "journal", dict.fromkeys(banks, asked), lambda answer: list(answer["entries"])
    )
    keys = list(SCAN_KEYS)
    before = reader.ask("history", "in_force", {b: {"keys": keys, "at": since} for b in banks})
    after = reader.read_all(
        "history", {b: {**asked, "keys": keys} for b in banks}, lambda answer: list(answer)
    )
    silent = {
        bank: str(each.error)
        for some in (journals, before, after)
        for bank, each in some.items()
        if each.error is not None
    }
    points = {
        bank: sorted(before[bank].value.values(), key=lambda point: float(point["time"]))
        + after[bank].value
        for bank in banks
        if before[bank].error is None and after[bank].error is None
    }
    entries = in_time_order({b: each.value for b, each in journals.items() if each.error is None})
    deeds = deeds_of((bank, entry, _words(entry)) for bank, entry in entries)
    standing = {bank: _standing(why) for bank, why in ask_why(hub, question).items()}
    return ShiftSheet(
        title=title,
        since=since,
        until=until,
        standing=standing,
        scans=scans_of(points, since),
        silent=silent,
        **deeds,
    )


def _words(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return who did something, and what; a remark is nobody's."""
    call = call_text(entry)[:MAX_CALL]
    return (who_of(entry) if call else ""), call


def _standing(why: Why) -> str:
    """Return how a Bank stands; that it is busy is all well."""
    if why.is_ready:
        return "ready"
    causes = why.sentence().removeprefix(f"{why.bank} not ready")
    return f"{'not ready' if why.has_fault else 'busy'}{causes}"
