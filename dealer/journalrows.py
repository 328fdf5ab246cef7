"""Entries of journals as people read them: rows, lines, parts of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commandline import json_text
from dealer.timearguments import utc_text
from groundwork.printable import printable
from groundwork.truncation import cut

__all__ = ["HEAD", "call_line", "call_text", "row_of", "who_of"]

HEAD = ("time (UTC)", "Bank", "No", "client", "call", "outcome", "took", "text")
"""Titles of a row."""
_MAX_CALL = 100


def row_of(bank: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return an entry as the row of a table; nothing of it steers a terminal."""
    took, number = entry["duration_s"], entry["number"]
    text = f"{entry['error']}: {entry['text']}" if entry["error"] else entry["text"]
    cells = (
        utc_text(entry["time"]),
        bank,
        str(number),
        who_of(entry),
        cut(call_text(entry), _MAX_CALL),
        entry["outcome"] + (" (simulated)" if entry.get("simulated") else ""),
        "" if took is None else f"{took:.3f} s",
        text,
    )
    return tuple(printable(str(cell)) for cell in cells)


def call_line(entry: Mapping[str, Any]) -> str:
    """Return a call in a line: when, by whom, what, and what came of it."""
    when, _, _, who, call, outcome, _, text = row_of("", entry)
    told = f": {text}" if text else ""
    return f"{when} {who} {call} {outcome}{told}"


def who_of(entry: Mapping[str, Any]) -> str:
    """Return who made a call: the name of a key; without one that of the client, so that nobody takes
    it for that of a key, in which there is neither a colon nor a space."""
    if key := entry["key"]:
        return str(key)
    client = str(entry["client"])
    return client if not client or ":" in client or " " in client else f"{client} (no key)"


def call_text(entry: Mapping[str, Any]) -> str:
    """Return method and arguments of an entry; empty: it is a remark."""
    given = entry["arguments"]
    words = [json_text(each, None, strict=False) for each in given.get("args", ())]
    words += [
        f"{name}={json_text(each, None, strict=False)}"
        for name, each in given.get("kwargs", {}).items()
    ]
    method = str(entry["method"])
    is_remark = entry["outcome"] == "remark"
    return "" if is_remark else f"{method.removeprefix('bank.')}({', '.join(words)})"
