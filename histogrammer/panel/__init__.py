"""Panels of a histogrammer for the dashboard: its spectra, gates and peaks."""

from pathlib import Path

from player.panelsets import PanelSet

__all__ = ["PANELS"]

PANELS = PanelSet(
    Path(__file__).resolve().parent / "static",
    queries=frozenset(
        {
            "bank.list_spectra",
            "bank.list_gates",
            "bank.list_parameters",
            "bank.integrate",
            "bank.peaks.net_area",
            "bank.peaks.fit",
            "bank.projections.look",
        }
    ),
)
