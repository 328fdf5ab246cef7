"""Names of all measurements and their smallest parts; one part measured in turn with another tree.

`python -m benchmarks.parts NAME.PART FD` is what `against.py` runs: FD is its end of a pipe.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Protocol

from benchmarks.rows import Row

__all__ = ["NAMES", "Effort", "Part", "selected"]

NAMES = (
    "calls",
    "arrays",
    "fanout",
    "streams",
    "channels",
    "operations",
    "keys",
    "journal",
    "channelizer",
    "histograms",
    "rest",
    "mirror",
    "cluster",
    "dashboard",
    "pages",
    "charts",
    "terminal",
    "difx",
    "portmanager",
    "instrument",
    "scans",
    "starting",
    "plan",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Amount of measuring.

    Attributes:
        runs: Runs of a row beside the bare design, each with processes of its own.
        floors: Run the floors, too.
        turn: To whoever lets two trees measure in turn; None: this tree is alone.
    """

    runs: int = 5
    floors: bool = True
    turn: Connection | None = None

    def once(self) -> Effort:
        """Return the same with one run."""
        return replace(self, runs=1)

    def pass_on(self) -> None:
        """Let the other tree measure, if there is one, and wait until it has. Called often."""
        if self.turn is not None:
            self.turn.send(None)
            self.turn.recv()


class Part(Protocol):
    """Measures some rows."""

    def __call__(self, effort: Effort, /) -> list[Row]:
        """Return the rows."""


def _of_module(name: str) -> Mapping[str, Part]:
    parts: Mapping[str, Part] = importlib.import_module(f"benchmarks.{name}").PARTS
    return parts


def selected(names: Sequence[str]) -> dict[str, Part]:
    """Return parts by their full names; of none the parts of all.

    Args:
        names: "calls": all its parts; "calls.query": one.

    Raises:
        KeyError: There is no such name; its argument says which there are.
    """
    found: dict[str, Part] = {}
    for text in names or NAMES:
        name, _, part = text.partition(".")
        if name not in NAMES:
            raise KeyError(f"{name}; there are: {', '.join(NAMES)}")
        parts = _of_module(name)
        if part and part not in parts:
            raise KeyError(f"{text}; of {name} there are: {', '.join(parts)}")
        found |= {f"{name}.{key}": parts[key] for key in ([part] if part else parts)}
    return found


def _measure_in_turn(name: str, turn: Connection) -> None:
    (part,) = selected([name]).values()
    effort = Effort(runs=1, floors=False, turn=turn)
    effort.pass_on()  # what is imported, is
    turn.send(part(effort))


if __name__ == "__main__":
    _measure_in_turn(sys.argv[1], Connection(int(sys.argv[2])))
