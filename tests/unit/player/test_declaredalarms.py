"""Alarms as they are declared, by kinds and in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.alarms.rules import AlarmRule, AlarmSeverity
from player.config import load
from player.declaredalarms import alarm_rules
from player.errors import ConfigError

BANKS = """
[banks.BANKA]
kind = "tests.support.toy_bank:ToyBank"
hpc_host = "localhost"
{own}

[banks.BANKB]
kind = "tests.support.toy_bank:ToyBank"
hpc_host = "localhost"
player_port = 7001
"""
OF_KIND = [
    AlarmRule(name="drop", key="scan.dropped", above=0, text="dropped"),
    AlarmRule(name="board", key="status.BOARDST", differs=("",), text="board"),
]


def config_file(tmp_path: Path, of_all: str = "", own: str = "") -> Path:
    path = tmp_path / "dibas.toml"
    path.write_text(of_all + BANKS.format(own=own))
    return path


def test_the_file_adds_alarms_changes_them_and_takes_them_away(tmp_path: Path) -> None:
    of_all = """
[[instrument.alarms]]
name = "drop"
key = "scan.dropped"
above = 5
hold = 10.0
severity = "fault"
text = "many blocks were dropped"
[[instrument.alarms]]
key = "host_load.load"
above = 30
[[instrument.alarms]]
key = "events"
below = 1
kind = "histogrammer"
"""
    own = """
[[banks.BANKA.alarms]]
name = "board"
off = true
[[banks.BANKA.alarms]]
key = "wind@station"
above = 15.5
equals = ["calm", true, 3]
missing = "well"
max_age = 60
"""
    config = load(config_file(tmp_path, of_all, own))
    rules = {rule.name: rule for rule in alarm_rules(config, "BANKA", OF_KIND)}
    assert list(rules) == ["drop", "host_load.load", "wind@station"]
    assert (rules["drop"].above, rules["drop"].hold) == (5, 10.0)
    assert rules["drop"].severity is AlarmSeverity.FAULT
    assert rules["host_load.load"].text == "host_load.load is above 30"
    wind = rules["wind@station"]
    assert (wind.missing_is_well, wind.max_age, wind.equals) == (True, 60, ("calm", True, 3))
    names = [rule.name for rule in alarm_rules(config, "BANKB", OF_KIND)]
    assert names == ["drop", "board", "host_load.load"]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("above = 3", "say which"),
        ('name = "a"\nabove = 3', "name the property"),
        ('key = "a"', "say what raises it"),
        ('key = "a"\nabove = 3\nhold = -1.0', "greater than or equal to 0"),
        ('key = "a b"\nabove = 3', "key"),
        ('key = "a"\nabove = 3\nseverity = "red"', "severity"),
        ('key = "a"\nabove = 3\n[[banks.BANKA.alarms]]\nkey = "a"\nbelow = 3', "two alarms"),
        ('key = "a"\nabove = 3\nkind = "spectrometer"', "unknown key"),
    ],
)
def test_a_table_that_makes_no_alarm_is_a_fault_with_its_place(
    tmp_path: Path, table: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load(config_file(tmp_path, own=f"[[banks.BANKA.alarms]]\n{table}"))
    assert "banks.BANKA.alarms" in str(caught.value)
