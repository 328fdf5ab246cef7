"""Readiness of a Bank: things that it depends on, and what of them is not as it should be. No sockets, no
clock.

A kind declares once, in its class, which thing needs which others; what is wrong at a moment it says
by findings and hindrances, each of one thing. Whoever asks why a Bank is not ready follows the
declarations from `ready` to the first cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeAlias

from groundwork.values import JsonObject

__all__ = ["READY", "Depends", "Hindrance", "dependency_fault", "readiness"]

READY = "ready"
"""The thing that all others are there for: the Bank can begin what its callers ask."""
Depends: TypeAlias = Mapping[str, tuple[str, ...]]
"""Thing -> things that it needs; each named as in `Finding.check`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """One thing that keeps a Bank from being ready.

    Attributes:
        thing: As the kind's `depends` names it.
        text: State of it, as a sentence without its full stop.
        remedy: What puts it right, as an imperative.
        since: When that began, UTC, unix seconds; None: not known.
        is_fault: Something is wrong; false: the Bank is busy, or waits to be told something.
    """

    thing: str
    text: str
    remedy: str
    since: float | None = None
    is_fault: bool = True


def dependency_fault(depends: object) -> str:
    """Return what is wrong with the declaration of a kind, as a sentence; empty: nothing."""
    if not isinstance(depends, Mapping) or READY not in depends:
        return f"is no table with {READY!r}: thing -> things that it needs"
    for thing, needed in depends.items():
        if not isinstance(needed, tuple) or not all(isinstance(one, str) for one in needed):
            return f"{thing!r} needs {needed!r}; expected a tuple of texts"
    seen: set[str] = set()

    def circle(thing: str, above: tuple[str, ...]) -> tuple[str, ...]:
        if thing in above:
            return (*above[above.index(thing) :], thing)
        if thing in seen:
            return ()
        seen.add(thing)
        found = (circle(one, (*above, thing)) for one in depends.get(thing, ()))
        return next((each for each in found if each), ())

    for thing in depends:
        if found := circle(thing, ()):
            return f"goes round in a circle: {' needs '.join(found)}"
    return ""


def readiness(
    depends: Depends, findings: Iterable[Mapping[str, str]], hindrances: Iterable[Hindrance]
) -> JsonObject:
    """Return the readiness of a Bank as JSON holds it.

    Args:
        depends: Of its kind.
        findings: What is wrong with it, as `Bank.get_findings` tells it.
        hindrances: What else keeps it from being ready.
    """
    wrong = [
        Hindrance(
            thing=finding.get("check", ""),
            text=finding.get("text", ""),
            remedy=finding.get("remedy", ""),
        )
        for finding in findings
    ]
    return {
        "depends": {thing: list(needed) for thing, needed in depends.items()},
        "hindrances": [asdict(each) for each in (*wrong, *hindrances)],
    }
