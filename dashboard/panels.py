"""Panels that kinds of Banks add to the page, found by entry points."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from groundwork.loading import TargetError, load_target, registered, target_of

__all__ = ["GROUP", "PanelSet", "find_panels"]

log = logging.getLogger(__name__)

GROUP = "dealer_player.panels"


@dataclass(frozen=True, slots=True)
class PanelSet:
    """Panels of one kind.

    Attributes:
        folder: Of all files that the page may load for them.
        module: The ES module among them that it imports.
    """

    folder: Path
    module: str = "panel.js"


def find_panels() -> dict[str, PanelSet]:
    """Return kind -> panels, of those that are installed and can be used."""
    found: dict[str, PanelSet] = {}
    targets = registered(GROUP, {})
    for kind in targets:
        try:
            panels = load_target(target_of(kind, targets))
        except TargetError as error:
            log.warning("the panels of %s are left out: %s", kind, error)
            continue
        if isinstance(panels, PanelSet) and panels.folder.is_dir():
            found[kind] = panels
        else:
            log.warning("the panels of %s are left out: they are no PanelSet with a folder", kind)
    return found
