"""docs/configuration.md knows every key, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from player.alarms.config import InstrumentAlarmConfig
from player.tables import (
    BankConfig,
    DashboardConfig,
    HistoryConfig,
    InstrumentConfig,
    JournalConfig,
    PostgresConfig,
    RedisConfig,
    Table,
)
from spectrometer.config import (
    DataBuffersConfig,
    HpcMac,
    RoachConfig,
    SourceConfig,
    SpectrometerBankConfig,
    SpectrometerSettings,
    StatusMemoryConfig,
    SynthConfig,
)
from spectrometer.modes import ModeConfig

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "configuration.md").read_text()
HEADINGS: list[tuple[str, type[Table]]] = [
    ("## `[instrument]`", InstrumentConfig),
    ("### `[instrument.journal]`", JournalConfig),
    ("### `[instrument.history]`", HistoryConfig),
    ("## `[dashboard]`", DashboardConfig),
    ("### `[[instrument.alarms]]`", InstrumentAlarmConfig),
    ("### `[instrument.postgres]`", PostgresConfig),
    ("### `[instrument.redis]`", RedisConfig),
    ("## `[banks.X]`", SpectrometerBankConfig),
    ("### `[banks.X.roach]`", RoachConfig),
    ("### `[banks.X.synth]`", SynthConfig),
    ("### `[banks.X.status_memory]`", StatusMemoryConfig),
    ("### `[banks.X.data_buffers]`", DataBuffersConfig),
    ("### `[banks.X.source]`", SourceConfig),
    ("### `[hpc_macs]`", HpcMac),
    ("### `[spectrometer]`", SpectrometerSettings),
    ("### `[modes.M]` and `[mode_defaults.D]`", ModeConfig),
]


def documented(heading: str) -> list[str]:
    """First column of the tables below a heading."""
    section = re.split(r"\n#{2,3} ", DOCUMENT.split(f"{heading}\n", 1)[1])[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "model"), HEADINGS, ids=[heading.strip("# `[]") for heading, _ in HEADINGS]
)
def test_every_key_is_explained(heading: str, model: type[Table]) -> None:
    assert sorted(documented(heading)) == sorted(model.model_fields)


def test_what_every_kind_has_comes_first() -> None:
    assert documented("## `[banks.X]`")[: len(BankConfig.model_fields)] == list(
        BankConfig.model_fields
    )
