"""Panels that kinds of Banks add to the page, found by entry points."""

from __future__ import annotations

import logging

from groundwork.loading import TargetError, load_target, registered, target_of
from player.panelsets import PanelSet

__all__ = ["BUILT_IN", "GROUP", "find_panels"]

log = logging.getLogger(__name__)

GROUP = "dealer_player.panels"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {
    "difx": "gateways.difx.panel:PANELS",
    "histogrammer": "histogrammer.panel:PANELS",
}


def find_panels() -> dict[str, PanelSet]:
    """Return kind -> panels, of those that are installed and can be used."""
    found: dict[str, PanelSet] = {}
    targets = registered(GROUP, BUILT_IN)
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
