"""States with shape and word, those of the page. No clock, no terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.terminal.texts import span
from dashboard.words import words

__all__ = [
    "State",
    "activity",
    "bank_state",
    "condition_severity",
    "is_problem",
    "is_stale",
    "level_severity",
    "outcome_severity",
    "shape",
]


@dataclass(frozen=True, slots=True)
class State:
    """State of a Bank.

    Attributes:
        severity: `ok`, `warn`, `fault`, `unknown` or `off`.
        word: The Bank's own, else that of its link.
        why: Reason; empty: there is none.
    """

    severity: str
    word: str
    why: str = ""


def shape(severity: str, *, ascii_only: bool) -> str:
    """Return the character of a severity."""
    table: Mapping[str, str] = words()["ascii_shapes" if ascii_only else "shapes"]
    return table[severity]


def activity(row: Mapping[str, Any]) -> str:
    """Return the Bank's own word for what it does: of its scan, else of its overview."""
    scan, overview = _mapping(row["scan"]), _mapping(row["overview"])
    told = (scan.get("state"), *(overview.get(name) for name in ("state", "STATE", "DAQSTATE")))
    found = next((each for each in told if each is not None), "")
    return str(found) if found != "" else str(words()["live"])


def bank_state(row: Mapping[str, Any], now: float) -> State:
    """Return the state of a Bank by its row of the topic `overview`.

    Args:
        row: It.
        now: UTC, unix seconds.
    """
    link = row["link"]
    told = words()["links"].get(link["state"])
    if told is not None:
        reason = link["reason"] or words()["no_reason"]
        why = told["why"].format(ago=span(now - link["since"]), reason=reason)
        return State(told["severity"], told["word"], why)
    texts = [str(_mapping(each).get("text", "")) for each in row["findings"]]
    word = activity(row)
    if word.lower() in words()["failures"]:
        why = texts[0] if texts else _mapping(row["scan"]).get("error") or ""
        return State("fault", word, str(why))
    trouble = _scan_trouble(_mapping(row["scan"])) or "; ".join(texts)
    return State("warn" if trouble or texts else "ok", word, trouble)


def _scan_trouble(scan: Mapping[str, Any]) -> str:
    """Return what a scan that runs has lost; empty: nothing."""
    if scan.get("is_over") is not False:
        return ""
    told = words()
    count, lost_s, packets = (scan.get(name) for name in ("dropped", "lost_s", "packets_lost"))
    dropped = told["dropped_time" if lost_s else "dropped"].format(count=count, time=span(lost_s))
    texts = [
        dropped if count else "",
        told["packets"].format(count=packets) if packets else "",
        str(scan.get("warning") or ""),
    ]
    return "; ".join(filter(None, texts))


def is_stale(row: Mapping[str, Any]) -> bool:
    """Tell whether the values of a Bank are not those of now."""
    return bool(row["link"]["state"] != "live")


def is_problem(state: State) -> bool:
    """Tell whether somebody should look."""
    return state.severity not in ("ok", "off")


def condition_severity(condition: str) -> str:
    """Return the severity of the condition of a supervised program."""
    return str(words()["conditions"].get(condition, "unknown"))


def level_severity(level: str) -> str:
    """Return the severity of a level of the log."""
    return str(words()["levels"].get(level.lower(), "unknown"))


def outcome_severity(outcome: str) -> str:
    """Return the severity of an outcome in the journal, or of a state of an operation."""
    return str(words()["outcomes"].get(outcome, "unknown"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
