"""Panels of a DiFX gateway for the dashboard: its jobs."""

from pathlib import Path

from player.panelsets import PanelSet

__all__ = ["PANELS"]

PANELS = PanelSet(
    Path(__file__).resolve().parent / "static", queries=frozenset({"bank.jobs.messages"})
)
