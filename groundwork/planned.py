"""Processes of a plan (`dealer plan`) and all their children: they make no connections. The
environment marks them.

The mark is the name of a file, to which they add what they were refused, for the plan to tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

__all__ = ["VARIABLE", "add_record", "refusal"]

VARIABLE = "DEALER_PLAN"

_told: set[tuple[int, str]] = set()


def refusal(what: str) -> str:
    """Return why this process must not do something, and let its plan know; empty if it belongs to
    no plan.

    Args:
        what: To be done, as `connect to tcp://h:1`.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return ""
    if (os.getpid(), what) not in _told:
        _told.add((os.getpid(), what))
        add_record(
            path,
            {
                "refused": what,
                "by": " ".join(" ".join(sys.orig_argv).split())[:120],
                "pid": os.getpid(),
            },
        )
    return f"this is a `dealer plan` ({VARIABLE} is set), which does not {what}"


def add_record(path: str, record: object) -> None:
    """Add one line to the file of a plan; nothing if it is not there any more."""
    line = json.dumps(record, default=str).encode() + b"\n"
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(file, line)  # at once, because several processes add to it
        finally:
            os.close(file)
