"""Alarms of a Bank as they are declared: by its kind, for all Banks of the file, and for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from player.alarms.config import AlarmConfig
from player.alarms.rules import AlarmRule, AlarmSeverity
from player.tables import Config

__all__ = ["alarm_rules"]


def alarm_rules(config: Config, bank: str, of_kind: Sequence[AlarmRule]) -> list[AlarmRule]:
    """Return the rules of a Bank's alarms; what stands closer to it has the last word on a name.

    Args:
        config: The configuration.
        bank: Name of the Bank.
        of_kind: Rules that its kind declares.
    """
    own = config.banks[bank]
    rules = {rule.name: rule for rule in of_kind}
    of_all = [each for each in config.instrument.alarms if each.kind in (None, own.kind)]
    for declared in (*of_all, *own.alarms):
        if declared.off:
            rules.pop(declared.called, None)
        else:
            rules[declared.called] = _rule(declared)
    return list(rules.values())


def _rule(declared: AlarmConfig) -> AlarmRule:
    rule = AlarmRule(
        name=declared.called,
        text=declared.text,
        severity=AlarmSeverity(declared.severity),
        hold=declared.hold,
        key=declared.key or "",
        above=declared.above,
        below=declared.below,
        equals=tuple(declared.equals),
        differs=tuple(declared.differs),
        max_age=declared.max_age,
        missing_is_well=declared.missing == "well",
    )
    return rule if rule.text else replace(rule, text=f"{rule.key} is {rule.limits}")
