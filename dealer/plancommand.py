"""The command `dealer plan`: the plan of a script as a table or as JSON."""

from __future__ import annotations

import argparse
import signal
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commandline import DONE, FAILED, USAGE, argument, command, flag, render_rows, say, tell
from dealer.planrows import LIMIT_S
from dealer.timearguments import moment
from groundwork.interrupts import ended_as_by_ctrl_c

if TYPE_CHECKING:
    from dealer.plan import Plan
    from dealer.planrows import Row

__all__ = ["COMMAND", "as_json", "as_text"]

TITLES = ("time", "line", "Banks", "call", "what it does")


def seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError
    return seconds


def _plan(options: argparse.Namespace) -> int:
    if not options.script.is_file():
        say("dealer plan", f"there is no file {options.script}")
        return USAGE
    from dealer.plan import plan_script  # asyncio and the models: for this command only

    given = (options.script, options.words, options.config)
    try:
        with ended_as_by_ctrl_c(signal.SIGTERM, signal.SIGHUP):  # so that nothing is left behind
            plan = plan_script(
                *given, shows=options.show_output, limit=options.limit, begin=options.begin
            )
    except KeyboardInterrupt:
        say("dealer plan", "interrupted; no Player has heard of it")
        return FAILED
    tell(options.json, as_json(plan), as_text(plan))
    return FAILED if plan.faults else DONE


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as a document: times in s since its start."""
    return {
        "script": str(plan.script),
        "start": plan.start,
        "seconds": plan.seconds,
        "faults": len(plan.faults),
        "doubts": len(plan.doubts),
        "rows": [
            {
                "at": row.at,
                "line": row.line or None,
                "banks": list(row.banks),
                "call": row.call,
                "fault" if row.is_fault else "does": row.text,
                "doubts": row.doubts,
            }
            for row in plan.rows
        ],
    }


def as_text(plan: Plan) -> str:
    """The plan as a table, and its sum below."""
    rows = [
        (*(cells if number == 0 else [""] * len(cells)), text)
        for row in plan.rows
        for cells in [
            (duration(row.at), str(row.line or ""), _banks(row, plan.banks), _short(row.call))
        ]
        for number, text in enumerate(_texts(row))
    ]
    lines = [render_rows(TITLES, rows)] if rows else ["The script asks nothing of any Bank."]
    faults, doubts = len(plan.faults), len(plan.doubts)
    end = (
        datetime.fromtimestamp(plan.start + plan.seconds)
        .astimezone()
        .strftime("%Y-%m-%d %H:%M:%S %Z")
    )
    found = ", ".join([_count(faults, "fault"), *([_count(doubts, "doubt")] if doubts else [])])
    return "\n".join([*lines, "", f"{duration(plan.seconds)} in total; it ends at {end}; {found}"])


def _texts(row: Row) -> list[str]:
    text = f"FAULT: {row.text}" if row.is_fault else row.text
    return [*([text] if text else []), *(f"doubt: {doubt}" for doubt in row.doubts)]


def _banks(row: Row, known: int) -> str:
    return f"all {known}" if len(row.banks) == known > 3 else " ".join(row.banks)


def _short(call: str) -> str:
    return call if len(call) <= 44 else f"{call[:40]}...)"


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """[h:]mm:ss.s of seconds."""
    tenths = round(10 * seconds)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest / 10:04.1f}" if hours else f"{minutes}:{rest / 10:04.1f}"


COMMAND = command(
    "plan",
    _plan,
    "say what an observing script would do, when, and how long it takes",
    argument("script SCRIPT", "a python file that uses dealer.Dealer", type=Path),
    argument(
        "words ARG",
        "arguments of the script; options of its own after --",
        nargs="*",
        default=[],
    ),
    argument(
        "--limit SECONDS",
        "real time that the script has, default: %(default)g; then the plan so far is shown, and where it is",
        type=seconds,
        default=LIMIT_S,
    ),
    argument(
        "--begin TIME",
        "when the script is begun: UTC as 2026-11-21T09:30:00; default: now",
        type=moment,
    ),
    flag("--show-output", "show what the script prints, on standard error"),
    rest="words",
    description="Run an observing script against models of the Banks, in no time: what it would do, when, how long "
    "it takes, and what the Players would refuse. Nothing is observed and no Player is asked.",
    epilog="Exit status: 0 the plan is good, 1 it has faults, 2 usage.",
)
