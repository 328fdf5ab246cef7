"""The program behind requests: the thread of its engine, analysis of events, files, mirrors, its
end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from histogrammer.analyzer import Analyzer
from histogrammer.display.protocol.directory import MirrorEntry
from histogrammer.engine import Engine
from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.roots import Roots
from histogrammer.worker import Worker
from player.endpoints.changes import Changes

__all__ = ["Program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A running histogrammer, as requests see it.

    Attributes:
        worker: The thread of its engine.
        analyzer: Analysis of events.
        roots: Files of spectra are below them.
        folder: In which the program is.
        flavor: Program whose requests are answered.
        end: End the program; returns at once.
        mirrors: Return the copies of the display memory on other hosts.
        changes: Through which clients change something.
    """

    worker: Worker[Engine]
    analyzer: Analyzer
    roots: Roots
    folder: str
    end: Callable[[], None]
    flavor: Flavor = RUSTOGRAMER
    mirrors: Callable[[], Sequence[MirrorEntry]] = tuple
    changes: Changes = field(default_factory=Changes)
