"""Panels that a kind of Banks adds to the dashboard's pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PanelSet"]


@dataclass(frozen=True, slots=True)
class PanelSet:
    """Panels of one kind.

    Attributes:
        folder: Of all files that the page may load for them.
        module: The ES module among them that it imports.
        queries: What they may ask a Bank of the kind, each `OBJECT.METHOD`; methods that change nothing.
    """

    folder: Path
    module: str = "panel.js"
    queries: frozenset[str] = frozenset()
