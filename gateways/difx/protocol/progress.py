"""Lines by which the program of a job tells how far it is. Text in, numbers out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from gateways.difx.protocol.jobs import TimeReached

__all__ = ["read_progress", "write_progress"]

_NUMBER = r"\d{1,7}(?:\.\d{1,15})?"
_LINE = re.compile(
    rf"progress (?P<fraction>[01](?:\.\d{{1,15}})?)"
    rf"(?: MJD (?P<reached>{_NUMBER}) from (?P<start>{_NUMBER}) to (?P<stop>{_NUMBER}))?"
    rf"(?: weights(?P<weights>(?: (?:-|{_NUMBER})){{1,1000}}))?",
    re.ASCII,
)


def read_progress(line: str) -> tuple[float, TimeReached] | None:
    """Return the fraction of the work that is done, 0 to 1, and the time reached; None: the line tells
    no progress, and is output as any other."""
    found = _LINE.fullmatch(line.strip())
    if found is None:
        return None
    times = [None if (text := found[name]) is None else float(text) for name in _TIMES]
    weights = (found["weights"] or "").split()
    reached, start, stop = times
    return min(float(found["fraction"]), 1.0), TimeReached(
        reached=reached,
        start=start,
        stop=stop,
        weights=tuple(None if text == "-" else min(float(text), 1.0) for text in weights),
    )


def write_progress(
    fraction: float,
    *,
    reached_mjd: float,
    start_mjd: float,
    stop_mjd: float,
    weights: Sequence[float | None] = (),
) -> str:
    """Return a line without its end.

    Args:
        fraction: Of the work, 0 to 1.
        reached_mjd: Time of the data so far.
        start_mjd: Of the job.
        stop_mjd: Of the job.
        weights: Fraction of valid data of each source, in the job's order; None: unknown.
    """
    line = f"progress {fraction:.4f} MJD {reached_mjd:.7f} from {start_mjd:.7f} to {stop_mjd:.7f}"
    if weights:
        texts = ("-" if w is None or math.isnan(w) else f"{w:.3f}" for w in weights)
        line += f" weights {' '.join(texts)}"
    return line


_TIMES = ("reached", "start", "stop")
