"""Alarms that every histogrammer Bank has."""

from __future__ import annotations

from player.alarms.rules import AlarmRule, AlarmSeverity

__all__ = ["HISTOGRAMMER_ALARMS"]

HISTOGRAMMER_ALARMS = (
    AlarmRule(
        name="analysis",
        key="analysis.error",
        differs=("",),
        severity=AlarmSeverity.FAULT,
        text="the analysis ended early, or left a file",
    ),
    AlarmRule(
        name="skipped-events",
        key="live.skipped_rate",
        above=0,
        hold=5.0,
        missing_is_well=True,
        text="the analysis is behind: events of the live source are skipped",
    ),
    AlarmRule(
        name="source",
        key="live.is_connected",
        equals=(False,),
        hold=10.0,
        missing_is_well=True,
        text="the live source is not connected: no events come",
    ),
)
