"""Findings of `player doctor`, and where a kind looks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commandline import Finding

__all__ = ["Finding", "Surroundings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a Bank would be opened.

    Attributes:
        simulate: As `--simulate`: no instrument is touched.
        data_root: Where data files go.
        dibas_dir: Installation root; None if it is not set.
        is_served: A Player serves this Bank here now, so that what it uses is not left behind.
        note: Takes a sentence about what is not wrong, but is good to know.
    """

    simulate: bool
    data_root: Path
    dibas_dir: Path | None
    is_served: bool
    note: Callable[[str], None] = lambda _text: None
