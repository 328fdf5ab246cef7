"""Alarm rules that every spectrometer Bank declares."""

from __future__ import annotations

from player.alarms.rules import AlarmRule, AlarmSeverity
from spectrometer.bankstate import BOARD_IS_WELL
from spectrometer.instruments.boardmonitor import STATE_KEY

__all__ = ["SPECTROMETER_ALARMS"]

SPECTROMETER_ALARMS = (
    AlarmRule(
        name="scan-failed",
        key="scan.outcome",
        equals=("failed",),
        severity=AlarmSeverity.FAULT,
        text="the last scan failed: scan_report says why",
    ),
    AlarmRule(
        name="dropped-blocks",
        key="scan.dropped",
        above=0,
        missing_is_well=True,
        text="blocks of data were lost in this scan: the program is too slow, or its disk",
    ),
    AlarmRule(
        name="lost-packets",
        key="scan.packets_lost",
        above=0,
        missing_is_well=True,
        text="packets of the board were lost in this scan: look after its network",
    ),
    AlarmRule(
        name="board",
        key=f"status.{STATE_KEY}",
        differs=BOARD_IS_WELL,
        missing_is_well=True,
        severity=AlarmSeverity.FAULT,
        text="the board does not answer, or has lost its image: look after its power and network",
    ),
    AlarmRule(
        name="clock",
        key="clock_steps.step_s",
        differs=(0.0,),
        text="the host's clock was set in the last ten minutes: look after NTP or PTP",
    ),
    AlarmRule(
        name="disk",
        key="disk.free_share",
        below=0.05,
        hold=10.0,
        text="less than 5 % of the data disk is free",
    ),
    AlarmRule(
        name="disk-full",
        key="disk.free_share",
        below=0.01,
        hold=10.0,
        severity=AlarmSeverity.FAULT,
        text="the data disk is full, but for 1 %: scans will be cut short",
    ),
)
