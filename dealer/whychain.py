"""Chain from a Bank that is not ready to the first cause. Facts in, chain out: no sockets, no clock.

What things there are between a caller and a Bank is known here; what a Bank itself depends on, its
kind declares, and its Player tells. Each thing that is not as it should be becomes a link, hung below
the things that need it; things that are as they should be are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.printable import printable
from groundwork.truncation import cut

__all__ = [
    "PLAYER",
    "PROGRAM",
    "Cause",
    "Trouble",
    "Why",
    "chain_of",
    "end_reason",
    "thing_of_reason",
]

READY = "ready"
PLAYER, PROGRAM = "Player", "program"
BASE: Mapping[str, tuple[str, ...]] = {
    READY: (PLAYER, "control", "clock", "journal", "history"),
    PLAYER: ("keys", "name", PROGRAM, "port manager", "host"),
    PROGRAM: (
        *("start", "port", "status memory", "data root", "disk", "key folder", "port manager"),
        *("configuration", "packages", "supervisor"),
    ),
    "supervisor": ("host",),
    "journal": ("disk",),
    "history": ("disk",),
}
"""Things between a caller and any Bank: thing -> things that it needs."""
END_REASONS: Sequence[tuple[str, str]] = (
    (r"\bports? (from )?\d+.* (is|are) taken", "port"),
    (r" (is|are) owned by ", "status memory"),
    (r"No space left on device|GiB are free", "disk"),
    (r"^data root ", "data root"),
    (r"callers at .* need keys|key (folder|file)", "key folder"),
    (r"at the port manager ", "port manager"),
    (r"No module named|is not installed|pip install", "packages"),
    (r"\.toml\b|^kind '|no configuration|no such kind", "configuration"),
)
"""Pattern of the last sentence of a Player that ended -> thing that it is about."""
_SENTENCE = re.compile(r"^(?:player|histogrammer|difx-gateway): (.+)$")
_LOGGED = re.compile(r"^\S+Z (?:ERROR|CRITICAL) +\S+(?: scan=\d+)? \S+: (.+)$")
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b:? ?.*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A thing that is not as it should be.

    Attributes:
        thing: In a word or two, as chains of dependence name it.
        text: State of it, as a sentence without its full stop.
        evidence: Where that is known from.
        remedy: What puts it right, as an imperative.
        since: When it began, UTC, unix seconds; None: not known.
        is_fault: Something is wrong; false: it is busy, or waits to be told something.
    """

    thing: str
    text: str
    evidence: str
    remedy: str = ""
    since: float | None = None
    is_fault: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A trouble, and what it comes from.

    Attributes:
        trouble: It.
        causes: Things that it needs and that are in trouble themselves; none: it is a first cause,
            as far as can be seen.
    """

    trouble: Trouble
    causes: tuple[Cause, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        trouble = self.trouble
        return {
            "thing": trouble.thing,
            "text": trouble.text,
            "evidence": trouble.evidence,
            "remedy": trouble.remedy,
            "since": trouble.since,
            "is_fault": trouble.is_fault,
            "causes": [each.describe() for each in self.causes],
        }

    def first_causes(self) -> Iterator[Cause]:
        """Yield the ends of all its chains."""
        for cause in self.causes:
            yield from cause.first_causes()
        if not self.causes:
            yield self

    def path(self) -> list[Trouble]:
        """Return the longest chain of faults from here to a first cause."""
        deeper = max((cause.path() for cause in self.causes), key=len, default=[])
        return [self.trouble, *deeper]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Reason why a Bank is not ready.

    Attributes:
        bank: Its name.
        asked: When the facts were asked for, UTC, unix seconds.
        causes: Of its not being ready; none: it is ready.
        kind: Of the Bank; empty: not known.
    """

    bank: str
    asked: float
    causes: tuple[Cause, ...] = ()
    kind: str = ""

    @property
    def is_ready(self) -> bool:
        """Tell whether nothing keeps it from beginning something."""
        return not self.causes

    @property
    def has_fault(self) -> bool:
        """Tell whether something is wrong, not only busy."""
        return any(trouble.is_fault for trouble in self.troubles())

    def troubles(self) -> list[Trouble]:
        """Return all troubles, each once, from the symptoms on."""
        found: dict[tuple[str, str], Trouble] = {}

        def collect(links: Iterable[Cause]) -> None:
            for link in links:
                found.setdefault((link.trouble.thing, link.trouble.text), link.trouble)
                collect(link.causes)

        collect(self.causes)
        return list(found.values())

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "bank": self.bank,
            "kind": self.kind,
            "asked": self.asked,
            "is_ready": self.is_ready,
            "has_fault": self.has_fault,
            "sentence": self.sentence(),
            "causes": [each.describe() for each in self.causes],
        }

    def sentence(self) -> str:
        """Return its chains in a line: `BANKC not ready <- ... <- ...`; several stand beside each
        other."""
        if self.is_ready:
            return f"{self.bank} is ready"
        chains = ["".join(f" <- {each.text}" for each in cause.path()) for cause in self.causes]
        return f"{self.bank} not ready" + "; and".join(chains)


def chain_of(
    bank: str,
    asked: float,
    troubles: Iterable[Trouble],
    depends: Mapping[str, Sequence[str]] | None = None,
    kind: str = "",
) -> Why:
    """Return why a Bank is not ready.

    Args:
        bank: Its name.
        asked: When the facts were asked for, UTC, unix seconds.
        troubles: All that are known, of any things, in any order.
        depends: Declaration of its kind, thing -> things that it needs; None: not known. A thing that
            nothing needs is taken for one that `ready` does.
        kind: Of the Bank.
    """
    by_thing: dict[str, list[Trouble]] = {}
    for trouble in troubles:
        if trouble not in (known := by_thing.setdefault(trouble.thing, [])):
            known.append(trouble)
    needs = _merged(BASE, depends or {})
    reached = _reached(needs, READY)
    needs[READY] = (*needs[READY], *(thing for thing in by_thing if thing not in reached))
    return Why(bank=bank, asked=asked, causes=_causes(READY, needs, by_thing, ()), kind=kind)


def _merged(
    base: Mapping[str, Sequence[str]], depends: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    return {
        thing: tuple(dict.fromkeys([*base.get(thing, ()), *depends.get(thing, ())]))
        for thing in dict.fromkeys([*base, *depends])
    }


def _reached(needs: Mapping[str, Sequence[str]], thing: str) -> set[str]:
    """Return a thing and all that it needs, at once or through others."""
    found, due = {thing}, [thing]
    while due:
        more = [each for each in needs.get(due.pop(), ()) if each not in found]
        found.update(more)
        due += more
    return found


def _causes(
    thing: str,
    needs: Mapping[str, Sequence[str]],
    by_thing: Mapping[str, Sequence[Trouble]],
    above: tuple[str, ...],
) -> tuple[Cause, ...]:
    """Return the troubles nearest below a thing, each with its causes.

    A trouble that is below another one already stands only there. `above` are the things on the way,
    so that declarations of anybody, which may go round in a circle, come to an end.
    """
    way = (*above, thing)
    found: dict[Trouble, Cause] = {}
    for needed in needs.get(thing, ()):
        if needed in way:
            continue
        below = _causes(needed, needs, by_thing, way)
        known = by_thing.get(needed, ())
        links = [Cause(trouble=each, causes=below) for each in known] or below
        found.update((link.trouble, link) for link in links)
    kept = dict(found)
    for trouble in found:  # one after the other: in a circle each is below the other
        others = (link for each, link in kept.items() if each != trouble)
        if any(trouble in _all_of(cause) for link in others for cause in link.causes):
            del kept[trouble]
    return tuple(kept.values())


def _all_of(link: Cause) -> Iterator[Trouble]:
    yield link.trouble
    for cause in link.causes:
        yield from _all_of(cause)


# the last words of a Player that ended


def end_reason(lines: Sequence[str]) -> str:
    """Return the sentence with which a Player ended, out of the end of its log; empty: it said none.

    It is what its program says at its end, else the last error in the log, else the last exception.

    Args:
        lines: Of its log, the newest last.
    """
    for pattern in (_SENTENCE, _LOGGED, _RAISED):
        for line in reversed(lines):
            if (found := pattern.search(line.strip())) is not None:
                return printable(cut(found[found.re.groups]))
    return ""


def thing_of_reason(reason: str) -> str:
    """Return the thing that the last sentence of a Player is about; `start`: any other."""
    return next((thing for pattern, thing in END_REASONS if re.search(pattern, reason)), "start")
