"""Tables of alarms in the configuration."""

from __future__ import annotations

from typing import Literal, Self, TypeVar

from pydantic import Field, model_validator

from player.alarms.rules import Scalar
from player.tablebase import Table

__all__ = ["ALARM_NAME", "MAX_ALARMS", "AlarmConfig", "InstrumentAlarmConfig", "named_once"]

MAX_ALARMS = 200
"""Alarms that one table declares."""
ALARM_NAME = r"^[A-Za-z0-9_.@/-]{1,80}$"


class AlarmConfig(Table):
    """`[[banks.X.alarms]]`: a value that is worth an alarm. It takes the place of an alarm of that
    name which the kind of the Bank declares, or `[instrument]`."""

    name: str | None = Field(None, pattern=ALARM_NAME, description="of the alarm; default: key")
    key: str | None = Field(
        None, pattern=ALARM_NAME, description="property, as status.NETDROP, or member of a table"
    )
    above: float | None = Field(None, description="numbers above it raise the alarm")
    below: float | None = Field(None, description="numbers below it do")
    equals: list[Scalar] = Field(default_factory=list, description="these values do")
    differs: list[Scalar] = Field(default_factory=list, description="all values but these do")
    text: str = Field("", max_length=300, description="for people; default: key and limits")
    severity: Literal["warning", "fault"] = "warning"
    hold: float = Field(
        0.0, ge=0, le=86400, description="raised after so long, and gone after so long, s"
    )
    max_age: float | None = Field(
        None, gt=0, description="a value that is older tells nothing, s; default: it holds"
    )
    missing: Literal["unknown", "well"] = Field(
        "unknown", description="where there is no value it cannot be told, or nothing is wrong"
    )
    off: bool = Field(False, description="there is no alarm of this name")

    @property
    def called(self) -> str:
        """Name of the alarm."""
        return self.name or self.key or ""

    @model_validator(mode="after")
    def _says_what_is_worth_an_alarm(self) -> Self:
        """Refuse what raises nothing, and what has no name."""
        if not self.called:
            raise ValueError("say which: key = PROPERTY, or name = ALARM with off = true")
        if self.off:
            return self
        if self.key is None:
            raise ValueError("key: name the property that is looked at, as status.NETDROP")
        if self.above is None and self.below is None and not self.equals and not self.differs:
            raise ValueError("say what raises it: above, below, equals or differs")
        return self


class InstrumentAlarmConfig(AlarmConfig):
    """`[[instrument.alarms]]`: an alarm of all Banks, or of all of a kind."""

    kind: str | None = Field(None, min_length=1, description="of Banks; default: of every kind")


AlarmT = TypeVar("AlarmT", bound=AlarmConfig)


def named_once(alarms: list[AlarmT]) -> list[AlarmT]:
    """Refuse two alarms of one name."""
    names = [(each.called, getattr(each, "kind", None)) for each in alarms]
    twice = sorted({name for name, kind in names if names.count((name, kind)) > 1})
    if twice:
        raise ValueError(f"two alarms are called {twice[0]}: give one of them another name")
    return alarms
